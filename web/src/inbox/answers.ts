// What a form or a call brought along as fields. Pure.
import type { Message } from '../api/types';

const words = (text: string): string => text.replace(/\s+/g, ' ').trim();

/**
 * Whether the text only repeats the fields, one "label: value" a line, as channels without fields need it: then the fields
 * say it better.
 */
export function saysOnlyFields(message: Pick<Message, 'text' | 'extra'>): boolean {
  const fields = message.extra?.fields ?? [];
  if (fields.length === 0) return false;
  return words(message.text) === words(fields.map(({ label, value }) => `${label}: ${value}`).join('\n'));
}
