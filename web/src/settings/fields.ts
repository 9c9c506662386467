// What a channel asks for, between its form and the request. Pure.
import type { ChannelField } from '../api/types';
import type { Key } from '../i18n/i18n.svelte';

export type Values = Record<string, string | number | boolean | null>;

export function firstValues(fields: readonly ChannelField[], known: Record<string, unknown> = {}): Values {
  const values: Values = {};
  for (const field of fields) {
    const value = (known[field.key] ?? field.default) as Values[string] | undefined;
    if (field.kind === 'bool') values[field.key] = value === true || value === 'true';
    else if (field.kind === 'secret') values[field.key] = '';
    else values[field.key] = value ?? '';
  }
  return values;
}

/** What is filled in, in the kind that the field asks for. Empty is a choice too, but an empty secret stays what it was. */
export function settingsOf(fields: readonly ChannelField[], values: Values): Record<string, unknown> {
  const settings: Record<string, unknown> = {};
  for (const { key, kind } of fields) {
    const value = values[key];
    if (kind === 'bool') settings[key] = value === true;
    else if (value === null || value === undefined || String(value).trim() === '') {
      if (kind !== 'secret') settings[key] = null;
    }
    else if (kind === 'number') settings[key] = Number(value);
    else settings[key] = String(value).trim();
  }
  return settings;
}

/** Which field the server did not take, in words for whoever fills it in. */
export function wrongField(problem: Record<string, unknown>, fields: readonly ChannelField[]): { key: string; words: Key } | null {
  const field = problem['code'] === 'account.field' && fields.find(({ key }) => key === problem['field']);
  if (!field) return null;
  const words = { url: 'field.url', number: 'field.number', choice: 'field.choice', mailbox: 'field.choice' } as const;
  return { key: field.key, words: words[field.kind as keyof typeof words] ?? 'field.needed' };
}

/** Every required field is filled; stored secrets count as filled when `kept`. */
export function complete(fields: readonly ChannelField[], values: Values, kept = false): boolean {
  return fields.every(({ key, kind, required }) => {
    if (!required || kind === 'bool' || (kept && kind === 'secret')) return true;
    return String(values[key] ?? '').trim() !== '';
  });
}
