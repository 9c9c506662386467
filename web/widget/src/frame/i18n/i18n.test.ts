import { describe, expect, it } from 'vitest';
import { en } from './en';
import { localeOf, Words } from './index';
import { nl } from './nl';

const keys = Object.keys(nl) as (keyof typeof nl)[];
const holes = (text: string): string[] => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort();

describe('the texts', () => {
  it('exist in both languages, with the same holes and the same plurals', () => {
    expect(Object.keys(en).sort()).toEqual([...keys].sort());
    for (const key of keys) {
      expect(holes(en[key]), key).toEqual(holes(nl[key]));
      expect(en[key].split('|').length, key).toBe(nl[key].split('|').length);
    }
  });

  it('are written, not shouted: no exclamation marks, real ellipses, nothing left empty', () => {
    for (const text of keys.flatMap((key) => [nl[key], en[key]])) {
      expect(text).not.toMatch(/!|\.\.\.|^\s*$/);
    }
  });

  it('are chosen by the nearest language', () => {
    expect(['nl', 'nl-BE', 'NL', 'en-US', 'de', 'nla', ''].map(localeOf)).toEqual(['nl', 'nl', 'nl', 'en', 'en', 'en', 'en']);
  });

  it('fill their holes and count', () => {
    const words = new Words('nl-NL');
    expect(words.say('unread', { n: 1 })).toBe('1 nieuw bericht');
    expect(words.say('unread', { n: 3 })).toBe('3 nieuwe berichten');
    expect(words.say('launcher', { name: 'De {Korst}' })).toBe('Chat met De {Korst}');
  });

  it('say every refusal of the contract, and an unknown one in general words', () => {
    const words = new Words('en-GB');
    expect(words.refusal('rate_limited', { n: 7 })).toBe('That was a little fast. Try again in 7 seconds.');
    expect(words.refusal('teapot')).toBe(en['error.other']);
    expect(words.refusal('toString')).toBe(en['error.other']);
  });
});

describe('times', () => {
  const noon = new Date(2026, 2, 4, 12, 0).getTime();
  const day = 86_400_000;

  it('name the near days and the far ones', () => {
    const words = new Words('nl-NL');
    expect([-1, 0, 1].map((n) => words.day(noon + n * day, noon))).toEqual(['gisteren', 'vandaag', 'morgen']);
    expect(words.day(noon - 3 * day, noon)).toBe('zondag 1 maart');
    expect(words.day(noon - 400 * day, noon)).toContain('2025');
    expect(new Words('en-GB').moment(noon + 2 * day, noon)).toBe('Friday at 12:00');
  });

  it('survive the change of the clocks', () => {
    const before = new Date(2026, 2, 28, 23, 30).getTime();
    const after = new Date(2026, 2, 29, 0, 30).getTime();
    expect(new Words('nl-NL').day(after, before)).toBe('morgen');
  });

  it('survive a language tag that is none', () => {
    expect(new Words('nl-xx-1-2-3').time(noon)).toMatch(/12/);
    expect(new Words('zz_ZZ').size(2_340_000)).toBe('2.3 MB');
  });
});
