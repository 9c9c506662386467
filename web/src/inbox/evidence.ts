// What speaks for two handles being one person.
import type { Suggestion } from '../api/types';
import { t } from '../i18n/i18n.svelte';

/** Why two handles may be one person, as a sentence. */
export function evidenceWords(suggestion: Suggestion): string {
  const why = t(`evidence.${suggestion.kind}.value`, { value: suggestion.value });
  return suggestion.verified ? why : `${why}, ${t('evidence.typed')}`;
}

/** What the key does: the one certain suggestion at once; whatever needs a choice is asked. */
export function certain(suggestions: readonly Suggestion[]): Suggestion | null {
  const [only, ...others] = suggestions;
  return only && only.verified && others.length === 0 ? only : null;
}
