// When a wait is due and when it is overdue. Until the organisation sets targets of its own, an hour is
// what customers expect of a public answer and four is where they give up.
const HOUR = 3600_000;

export type Tone = 'calm' | 'due' | 'over';

export function toneOf(waited: number | null): Tone {
  if (waited === null || waited < HOUR) return 'calm';
  return waited < 4 * HOUR ? 'due' : 'over';
}

/** Of a promise: amber on its last day, red when it is broken. */
export function toneOfDue(left: number): Tone {
  if (left <= 0) return 'over';
  return left < 24 * HOUR ? 'due' : 'calm';
}
