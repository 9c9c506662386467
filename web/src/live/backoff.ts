// How long to wait before trying the connection again: doubling, capped, with full jitter so that a
// hundred browsers do not come back in the same second.
export function backoff(attempt: number, random: () => number): number {
  const ceiling = Math.min(15_000, 500 * 2 ** Math.min(attempt, 10));
  return Math.round(250 + random() * (ceiling - 250));
}
