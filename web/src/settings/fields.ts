// What a channel asks for, between its form and the request. Pure.
import type { ChannelField } from '../api/types';

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

/** Only what was filled in, in the kind that the field asks for. */
export function settingsOf(fields: readonly ChannelField[], values: Values): Record<string, unknown> {
  const settings: Record<string, unknown> = {};
  for (const { key, kind } of fields) {
    const value = values[key];
    if (kind === 'bool') settings[key] = value === true;
    else if (value === '' || value === null || value === undefined) continue;
    else if (kind === 'number') settings[key] = Number(value);
    else settings[key] = String(value).trim();
  }
  return settings;
}

/** Every required field is filled; stored secrets count as filled when `kept`. */
export function complete(fields: readonly ChannelField[], values: Values, kept = false): boolean {
  return fields.every(({ key, kind, required }) => {
    if (!required || kind === 'bool' || (kept && kind === 'secret')) return true;
    return String(values[key] ?? '').trim() !== '';
  });
}
