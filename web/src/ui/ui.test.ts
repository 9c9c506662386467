import { describe, expect, it } from 'vitest';
import { sift } from './sift';
import { tintOf, tints } from './tint';
import { reveal, visible } from './virtual';

describe('a long list', () => {
  it('makes only the rows around what is in sight', () => {
    expect(visible(50_000, 77, 77 * 1000, 770, 6)).toEqual({ from: 994, to: 1016 });
    expect(visible(3, 77, 0, 770, 6)).toEqual({ from: 0, to: 3 });
  });

  it('stays sound when it became shorter than where one had scrolled', () => {
    const { from, to } = visible(10, 77, 100_000, 770);
    expect(from).toBeLessThanOrEqual(to);
    expect(to).toBe(10);
  });

  it('scrolls just far enough', () => {
    expect(reveal(5, 100, 0, 300)).toBe(300);
    expect(reveal(1, 100, 300, 300)).toBe(100);
    expect(reveal(4, 100, 300, 300)).toBe(300);
  });
});

describe('finding an option', () => {
  const options = ['Aan mij toewijzen', 'Toewijzen', 'Şeyma Yıldız', 'Zoeken'].map((label) => ({ label }));
  const found = (words: string): string[] => sift(options, words).map((one) => one.label);

  it('puts the start of a word first', () => expect(found('toe')).toEqual(['Toewijzen', 'Aan mij toewijzen']));
  it('does not mind accents', () => expect(found('seyma')).toEqual(['Şeyma Yıldız']));
  it('wants every word', () => expect(found('mij toe')).toEqual(['Aan mij toewijzen']));
  it('offers everything when nothing was typed', () => expect(found(' ')).toHaveLength(4));
});

describe('the colour of a tag', () => {
  it('has names that the server takes', () => {
    for (const tint of tints) expect(tint).toMatch(/^[a-z-]{1,20}$/);
  });

  it('is grey for none, and for a name from elsewhere', () => {
    expect(tintOf('blue')).toBe('var(--tag-blue)');
    for (const name of ['', 'red', '#ff0000', 'url(x)']) expect(tintOf(name)).toBe('var(--line-strong)');
  });
});
