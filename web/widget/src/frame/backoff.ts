// How long to wait before trying again: full jitter, so that a thousand visitors do not come back in the same second.
export const CEILING = 30_000;

/** Milliseconds before attempt `n` (0 is the first one after a failure): between 1 and at most 30 seconds, at random. */
export function backoff(attempt: number, random: () => number): number {
  const top = Math.min(CEILING, 2000 * 2 ** Math.min(attempt, 10));
  return 1000 + Math.floor(random() * (top - 1000));
}
