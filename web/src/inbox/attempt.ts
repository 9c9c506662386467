// What was tried under which key: the same words keep theirs, so that a second attempt, also one after a
// reload, cannot say them twice. Pure, and plain enough to be kept with a draft.
import type { Id } from '../api/types';

export interface Attempt {
  words: string;
  key: string;
  /** The message that was answered when it was first tried. */
  to?: Id | null | undefined;
}

/** The attempt at these words: the one before when they are the same, else a new one. */
export function attemptAt(before: Attempt | null | undefined, words: string, to?: Id | null): Attempt {
  return before?.words === words ? before : { words, key: crypto.randomUUID(), to };
}
