// A failure in the reader's own words: what happened, and what can be done. Codes we have words for win;
// else the server's English text is better than nothing.
import { ApiError } from '../api/client';
import type { Sentence } from '../api/types';
import { language, maybe, t } from '../i18n/i18n.svelte';
import { toasts } from './toasts.svelte';

export interface Explained {
  text: string;
  cure?: string;
}

export function explain(error: unknown): Explained {
  if (!(error instanceof ApiError)) return { text: t('problem.unknown') };
  const { code, title, detail, cure } = error.problem;
  const known = maybe(`problem.${code}`, { detail: detail ?? '', title });
  if (known) {
    const next = maybe(`cure.${code}`);
    return next ? { text: known, cure: next } : { text: known };
  }
  // A platform's refusal comes in both languages.
  const own = error.problem['cause'] as Sentence | undefined;
  const way = error.problem['cures'] as Sentence | undefined;
  if (own?.[language.locale]) {
    return { text: own[language.locale], ...(way ? { cure: way[language.locale] } : {}) };
  }
  if (error.status >= 500) return { text: t('problem.server'), cure: t('cure.server') };
  return { text: detail ?? title, ...(cure ? { cure } : {}) };
}

export function report(error: unknown): void {
  const { text, cure } = explain(error);
  toasts.fail(text, cure);
}
