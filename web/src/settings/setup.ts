// A channel's own setup notes are short Markdown. Only what they use is read: headings, lists, tables, paragraphs, blocks of
// code, emphasis, code and links; everything else stays the text it is. Nothing becomes HTML.
export type Inline =
  | { kind: 'text' | 'bold' | 'italic' | 'code'; text: string }
  | { kind: 'link'; text: string; href: string };

export type Block =
  | { kind: 'heading' | 'paragraph'; inline: Inline[] }
  | { kind: 'list'; ordered: boolean; start: number; items: Inline[][] }
  | { kind: 'code'; text: string }
  | { kind: 'table'; head: Inline[][]; rows: Inline[][][] };

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

/** The cells of a line of a table; a bar inside code is not a border. */
function cells(line: string): string[] {
  const inner = line.trim().replace(/^\|/, '').replace(/\|$/, '');
  return inner.split(/\|(?=(?:[^`]*`[^`]*`)*[^`]*$)/).map((cell) => cell.trim());
}

export function blocks(text: string): Block[] {
  const result: Block[] = [];
  let paragraph: string[] = [];
  let list: { ordered: boolean; start: number; items: string[] } | null = null;
  let table: string[] = [];
  let code: { fence: string; indent: number; lines: string[] } | null = null;
  const flush = (): void => {
    if (paragraph.length > 0) result.push({ kind: 'paragraph', inline: inline(paragraph.join(' ')) });
    if (list) result.push({ kind: 'list', ordered: list.ordered, start: list.start, items: list.items.map(inline) });
    const [head, rule, ...rows] = table.map(cells);
    if (head && rule) result.push({ kind: 'table', head: head.map(inline), rows: rows.map((row) => row.map(inline)) });
    else if (head) result.push({ kind: 'paragraph', inline: inline(table.join(' ')) });
    paragraph = [];
    list = null;
    table = [];
  };
  for (const line of text.split(/\r?\n/)) {
    const [, margin = '', fence] = /^(\s*)(`{3,}|~{3,})/.exec(line) ?? [];
    if (code) {
      const open: { fence: string; indent: number; lines: string[] } = code;
      if (fence?.startsWith(open.fence)) {
        result.push({ kind: 'code', text: open.lines.join('\n') });
        code = null;
      } else open.lines.push(line.slice(Math.min(open.indent, line.search(/\S|$/))));
      continue;
    }
    if (fence) {
      flush();
      // In a list it stands as far in as the item does; that margin is the list's.
      code = { fence, indent: margin.length, lines: [] };
      continue;
    }
    if (line.trimStart().startsWith('|')) {
      if (table.length === 0) flush();
      table.push(line);
      continue;
    }
    if (table.length > 0) flush();
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
        // After a block of code the numbers go on where they were.
        list = { ordered, start: ordered ? Number(item[2]) : 1, items: [] };
      }
      list.items.push(item[3] ?? '');
    } else if (list !== null) {
      const items: string[] = (list as { items: string[] }).items;
      items[items.length - 1] = `${items.at(-1) ?? ''} ${line.trim()}`;
    } else paragraph.push(line.trim());
  }
  if (code) result.push({ kind: 'code', text: (code as { lines: string[] }).lines.join('\n') });
  flush();
  return result;
}
