// Which options fit what somebody typed: every word must occur; a start of a word ranks first.
export interface Siftable {
  label: string;
  hint?: string;
}

export const plain = (text: string): string =>
  text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();

export function sift<T extends Siftable>(options: readonly T[], words: string): T[] {
  const wanted = plain(words).split(/\s+/).filter(Boolean);
  if (wanted.length === 0) return [...options];
  const ranked: { option: T; rank: number; index: number }[] = [];
  for (const [index, option] of options.entries()) {
    const text = plain(`${option.label} ${option.hint ?? ''}`);
    if (!wanted.every((word) => text.includes(word))) continue;
    const first = wanted[0] ?? '';
    const rank = text.startsWith(first) ? 0 : text.includes(` ${first}`) ? 1 : 2;
    ranked.push({ option, rank, index });
  }
  return ranked.sort((a, b) => a.rank - b.rank || a.index - b.index).map(({ option }) => option);
}
