// What a thread is called where several stand side by side: its title, else its first words, else who began it. Pure.
import type { Id, Locale, Message, Sentence, Thread } from '../api/types';

const WORDS = 28;

/** The beginning of a text, cut between words. */
export function beginning(text: string, most = WORDS): string {
  // Whom it is said to says nothing about what it is about.
  const plain = text.replace(/^(\s*@\S+)+/, '').replace(/\s+/g, ' ').trim();
  if (plain.length <= most) return plain;
  const cut = plain.slice(0, most + 1);
  const space = cut.lastIndexOf(' ');
  return `${cut.slice(0, space > most / 2 ? space : most).trimEnd()}…`;
}

/** A name for each of these threads, no two alike. */
export function threadNames(threads: readonly Thread[], messages: readonly Message[]): Map<Id, string> {
  const names = new Map<Id, string>();
  const taken = new Map<string, number>();
  for (const thread of threads) {
    const first = messages.find((message) => message.thread_id === thread.id && message.direction !== 'note');
    const name =
      thread.title?.trim() || (first && (beginning(first.text) || first.author.name || first.author.handle)) || '';
    const count = (taken.get(name) ?? 0) + 1;
    taken.set(name, count);
    names.set(thread.id, count > 1 || name === '' ? `${name} ${count}`.trim() : name);
  }
  return names;
}

/** What closing may be the outcome of, over all threads that are answered here. */
export function outcomesOf(threads: readonly Thread[]): Sentence[] {
  const found = new Map<string, Sentence>();
  for (const thread of threads) {
    if (thread.here) for (const outcome of thread.allowance.outcomes ?? []) found.set(outcome.en, outcome);
  }
  return [...found.values()];
}

/** An outcome in the reader's language. It is kept in English, so that one outcome counts as one. */
export function outcomeWords(threads: readonly Thread[], outcome: string, locale: Locale): string {
  return outcomesOf(threads).find((one) => one.en === outcome)?.[locale] ?? outcome;
}
