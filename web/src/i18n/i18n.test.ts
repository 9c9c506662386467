import { describe, expect, it } from 'vitest';
import { en } from './en';
import { fill, type Text } from './message';
import { nl } from './nl';

const forms = (text: Text): string[] => (typeof text === 'string' ? [text] : [text.one, text.other]);
const holes = (text: Text): string[] =>
  [...new Set(forms(text).flatMap((form) => [...form.matchAll(/\{(\w+)\}/g)].map((hit) => hit[1] ?? '')))].sort();

describe('the two languages', () => {
  it('have the same texts', () => {
    expect(Object.keys(en).sort()).toEqual(Object.keys(nl).sort());
  });

  it.each(Object.keys(nl) as (keyof typeof nl)[])('%s has the same holes in both', (key) => {
    expect(holes(en[key])).toEqual(holes(nl[key]));
  });

  it('raise no voice and use real quotes and ellipses', () => {
    for (const text of [...Object.values(nl), ...Object.values(en)] as Text[]) {
      for (const form of forms(text)) expect(form).not.toMatch(/!|\.\.\.|"|\w'\w/);
    }
  });
});

describe('filling a text', () => {
  it('chooses the form by n and keeps holes it has nothing for', () => {
    const text = { one: '{n} bericht', other: '{n} berichten van {name}' };
    expect(fill(text, { n: 1 })).toBe('1 bericht');
    expect(fill(text, { n: 3 })).toBe('3 berichten van {name}');
  });
});
