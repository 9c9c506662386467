// Web addresses inside plain text. Nothing but http and https becomes a link, and the words stay exactly as they were. Pure.
export interface Piece {
  text: string;
  href?: string;
}

const ADDRESS = /\bhttps?:\/\/[^\s<>"“”]+/gi;

/** What ends a sentence around an address is not part of it; a bracket only when it was opened inside. */
function trimmed(found: string): string {
  let end = found.length;
  for (;;) {
    const last = found[end - 1] ?? '';
    const part = found.slice(0, end);
    if (/[.,;:!?'’*_]/.test(last)) end -= 1;
    else if (last === ')' && part.split('(').length < part.split(')').length) end -= 1;
    else if (last === ']' && part.split('[').length < part.split(']').length) end -= 1;
    else return part;
  }
}

export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let from = 0;
  for (const hit of text.matchAll(ADDRESS)) {
    const address = trimmed(hit[0]);
    if (!URL.canParse(address)) continue;
    if (hit.index > from) found.push({ text: text.slice(from, hit.index) });
    found.push({ text: address, href: address });
    from = hit.index + address.length;
  }
  if (from < text.length) found.push({ text: text.slice(from) });
  return found;
}
