// Which rows of a long list of equal rows must exist now.
export interface Window {
  from: number;
  to: number;
}

export function visible(
  count: number,
  height: number,
  scroll: number,
  viewport: number,
  spare = 6,
): Window {
  const first = Math.floor(Math.max(0, scroll) / height);
  const last = Math.ceil((Math.max(0, scroll) + viewport) / height);
  return { from: Math.max(0, Math.min(first - spare, count)), to: Math.min(count, last + spare) };
}

/** Where to scroll so that a row is wholly in sight; the same place when it already is. */
export function reveal(index: number, height: number, scroll: number, viewport: number): number {
  const top = index * height;
  if (top < scroll) return top;
  if (top + height > scroll + viewport) return top + height - viewport;
  return scroll;
}
