// The colours a tag may have, by the names the server keeps. Red, amber and green are not among them: those say late, soon and
// well. The values are in styles/tokens.css.
export const tints = ['blue', 'teal', 'purple', 'pink', 'brown', 'olive'] as const;

export type Tint = (typeof tints)[number];

const known = (name: string): name is Tint => tints.some((tint) => tint === name);

/** A colour for the style; grey for none and for what an older version knew. */
export function tintOf(name: string): string {
  return known(name) ? `var(--tag-${name})` : 'var(--line-strong)';
}
