// The language of the page. One language is loaded at a time; changing it repaints every text.
import type { Locale } from '../api/types';
import { fill, type Holes, type Text } from './message';
import type { nl } from './nl';

export type Key = keyof typeof nl;
type Texts = Record<Key, Text>;

const REMEMBERED = 'balie.locale';

class Language {
  locale = $state<Locale>('nl');
  texts = $state.raw<Texts>({} as Texts);

  async use(locale: Locale): Promise<void> {
    this.texts =
      locale === 'en' ? (await import('./en')).en : ((await import('./nl')).nl as Texts);
    this.locale = locale;
    document.documentElement.lang = locale;
    localStorage.setItem(REMEMBERED, locale);
  }
}

export const language = new Language();

/** The language to start in, before anybody has signed in. */
export function firstLocale(): Locale {
  const remembered = localStorage.getItem(REMEMBERED);
  if (remembered === 'nl' || remembered === 'en') return remembered;
  return navigator.language.toLowerCase().startsWith('nl') ? 'nl' : 'en';
}

export function t(key: Key, holes?: Holes): string {
  const text = language.texts[key];
  return text === undefined ? key : fill(text, holes);
}

/** A text that may not exist, for codes that the server invents: undefined when we have no words. */
export function maybe(key: string, holes?: Holes): string | undefined {
  const text = language.texts[key as Key];
  return text === undefined ? undefined : fill(text, holes);
}
