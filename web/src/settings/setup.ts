// A channel's own setup notes are short Markdown. Only what they use is read: headings, lists, paragraphs,
// emphasis, code and links; everything else stays the text it is. Nothing becomes HTML.
export type Inline =
  | { kind: 'text' | 'bold' | 'italic' | 'code'; text: string }
  | { kind: 'link'; text: string; href: string };

export type Block =
  | { kind: 'heading' | 'paragraph'; inline: Inline[] }
  | { kind: 'list'; ordered: boolean; items: Inline[][] };

const INLINE =
  /\*\*(.+?)\*\*|`([^`]+)`|\[([^\]]+)\]\((https?:\/\/[^)\s]+)\)|<(https?:\/\/[^>\s]+)>|\*([^*\s][^*]*)\*/g;

export function inline(text: string): Inline[] {
  const found: Inline[] = [];
  let from = 0;
  for (const hit of text.matchAll(INLINE)) {
    if (hit.index > from) found.push({ kind: 'text', text: text.slice(from, hit.index) });
    const [whole, bold, code, label, href, bare, italic] = hit;
    if (bold) found.push({ kind: 'bold', text: bold });
    else if (code) found.push({ kind: 'code', text: code });
    else if (label && href) found.push({ kind: 'link', text: label, href });
    else if (italic) found.push({ kind: 'italic', text: italic });
    else if (bare) found.push({ kind: 'link', text: bare, href: bare });
    from = hit.index + whole.length;
  }
  if (from < text.length) found.push({ kind: 'text', text: text.slice(from) });
  return found;
}

export function blocks(text: string): Block[] {
  const result: Block[] = [];
  let paragraph: string[] = [];
  let list: { ordered: boolean; items: string[] } | null = null;
  const flush = (): void => {
    if (paragraph.length > 0) result.push({ kind: 'paragraph', inline: inline(paragraph.join(' ')) });
    if (list) result.push({ kind: 'list', ordered: list.ordered, items: list.items.map(inline) });
    paragraph = [];
    list = null;
  };
  for (const line of text.split(/\r?\n/)) {
    const heading = /^#{1,6}\s+(.*)$/.exec(line);
    const item = /^\s*(?:([-*])|(\d+)[.)])\s+(.*)$/.exec(line);
    if (line.trim() === '') flush();
    else if (heading) {
      flush();
      result.push({ kind: 'heading', inline: inline(heading[1] ?? '') });
    } else if (item) {
      const ordered = item[2] !== undefined;
      if (list === null || (list as { ordered: boolean }).ordered !== ordered) {
        flush();
        list = { ordered, items: [] };
      }
      list.items.push(item[3] ?? '');
    } else if (list !== null) {
      const items: string[] = (list as { items: string[] }).items;
      items[items.length - 1] = `${items.at(-1) ?? ''} ${line.trim()}`;
    } else paragraph.push(line.trim());
  }
  flush();
  return result;
}
