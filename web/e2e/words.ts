// The page's own texts, so that a test finds a button in either language. What the texts should say is judged by people.
import { en } from '../src/i18n/en';
import { nl } from '../src/i18n/nl';
import type { Locale } from './fixtures';

export type Say = (key: keyof typeof nl, holes?: Record<string, string>) => string;

export function words(lang: Locale): Say {
  return (key, holes = {}) => {
    const text = lang === 'nl' ? nl[key] : (en as Record<string, unknown>)[key];
    if (typeof text !== 'string') throw new Error(`${key} is not one plain text`);
    return text.replace(/\{(\w+)\}/g, (_, hole: string) => holes[hole] ?? `{${hole}}`);
  };
}
