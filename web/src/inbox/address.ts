// Addresses as people type them: "Anna <anna@example.org>, bram@example.org". Pure. Whether an address exists is for the server that
// takes the mail to say; here only what cannot be one is refused.
import type { Mailbox, Message } from '../api/types';

export interface Read {
  boxes: Mailbox[];
  /** What cannot be an address, as it was typed. */
  wrong: string[];
}

/** Commas, semicolons and line ends part them, but not inside quotes. */
function pieces(text: string): string[] {
  const found: string[] = [];
  let piece = '';
  let quoted = false;
  for (const letter of text) {
    if (letter === '"') quoted = !quoted;
    if (!quoted && /[,;\n]/.test(letter)) {
      found.push(piece);
      piece = '';
    } else piece += letter;
  }
  found.push(piece);
  return found.map((one) => one.trim()).filter(Boolean);
}

export function readAddresses(text: string): Read {
  const read: Read = { boxes: [], wrong: [] };
  for (const piece of pieces(text)) {
    const named = /^(.*?)\s*<([^<>]*)>$/.exec(piece);
    const address = (named ? (named[2] ?? '') : piece).trim();
    const name = (named ? (named[1] ?? '') : '').replace(/^"(.*)"$/, '$1').trim();
    if (!/^[^\s@<>,;"]+@[^\s@<>,;"]+$/.test(address)) read.wrong.push(piece);
    else if (!read.boxes.some((one) => same(one.address, address))) read.boxes.push({ address, name });
  }
  return read;
}

export function writeAddresses(boxes: readonly Mailbox[]): string {
  return boxes
    .map(({ name, address }) => {
      if (!name || same(name, address)) return address;
      return `${/[,;<>@"]/.test(name) ? `"${name.replaceAll('"', '')}"` : name} <${address}>`;
    })
    .join(', ');
}

/** How somebody is called in a line of names. */
export function nameOf(box: Mailbox): string {
  return box.name || box.address;
}

export type Answering = 'reply' | 'all' | 'forward';

/** To whom an answer of a kind goes unless somebody chooses otherwise. */
export function addressed(answering: Message | null, kind: Answering): { to: Mailbox[]; cc: Mailbox[] } {
  if (kind === 'forward') return { to: [], cc: [] };
  const known = answering?.extra?.recipients;
  const reply = known?.reply ?? [];
  const handle = answering?.author.handle ?? '';
  const to =
    reply.length > 0 ? reply : handle.includes('@') ? [{ address: handle.replace(/^mailto:/, ''), name: answering?.author.name ?? '' }] : [];
  const cc = kind === 'all' ? (known?.reply_all ?? []).filter((one) => !to.some((other) => same(other.address, one.address))) : [];
  return { to, cc };
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
