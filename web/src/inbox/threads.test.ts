import { describe, expect, it } from 'vitest';
import type { Message, Thread } from '../api/types';
import { beginning, outcomesOf, outcomeWords, threadNames } from './threads';

const thread = (id: string, title: string | null = null): Thread => ({ id, title }) as Thread;
const said = (thread_id: string, text: string, name = 'Anna'): Message =>
  ({ thread_id, text, direction: 'in', author: { name, handle: `@${name}` } }) as unknown as Message;

describe('the names of threads', () => {
  it('are the title, else the first words, else who began', () => {
    const names = threadNames(
      [thread('a', 'Levering'), thread('b'), thread('c'), thread('d')],
      [said('b', '@merk Waar blijft mijn pakket?'), said('b', 'En nu?'), said('c', '', 'Bram')],
    );
    expect([...names.values()]).toEqual(['Levering', 'Waar blijft mijn pakket?', 'Bram', '1']);
  });

  it('are never alike, because they stand side by side', () => {
    const names = threadNames([thread('a'), thread('b')], [said('a', 'Hallo'), said('b', 'Hallo')]);
    expect([...names.values()]).toEqual(['Hallo', 'Hallo 2']);
  });

  it('are short, and cut between words', () => {
    expect(beginning('Waar blijft mijn pakket dat gisteren zou komen?')).toBe('Waar blijft mijn pakket dat…');
    expect(beginning('a'.repeat(60))).toHaveLength(29);
  });
});

describe('what closing may end in', () => {
  const repaired = { nl: 'Gerepareerd', en: 'Repaired' };
  const refused = { nl: 'Afgewezen', en: 'Refused' };
  const of = (here: boolean, outcomes: object[]): Thread => ({ here, allowance: { outcomes } }) as unknown as Thread;

  it('is what the threads that are answered here offer, each once', () => {
    expect(outcomesOf([of(true, [repaired]), of(true, [repaired, refused]), of(false, [{ nl: 'x', en: 'x' }])])).toEqual([repaired, refused]);
  });

  it('is read in the language of the reader, also when nobody offers it any more', () => {
    expect(outcomeWords([of(true, [repaired])], 'Repaired', 'nl')).toBe('Gerepareerd');
    expect(outcomeWords([], 'Repaired', 'nl')).toBe('Repaired');
  });
});
