// What a text is: one sentence with {holes}, or one per plural form chosen by {n}.
export type Text = string | { one: string; other: string };
export type Holes = Record<string, string | number>;

export function fill(text: Text, holes: Holes = {}): string {
  const chosen = typeof text === 'string' ? text : Number(holes['n']) === 1 ? text.one : text.other;
  return chosen.replace(/\{(\w+)\}/g, (whole, name: string) =>
    name in holes ? String(holes[name]) : whole,
  );
}
