// Elements from code, without a framework: what crosses the visitor's line is counted in kilobytes.
type Child = Node | string | null | undefined | false;
type Props = Record<string, unknown>;

/** An element with properties (`onclick`, `hidden`), attributes (`aria-label`) and children. */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, props: Props = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name in element) (element as unknown as Props)[name] = value;
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.filter((child): child is Node | string => child !== null && child !== undefined && child !== false));
  return element;
}

/** Shapes of 24 × 24, drawn with lines, after Lucide (ISC). */
const SHAPES = {
  close: 'M18 6 6 18M6 6l12 12',
  down: 'm6 9 6 6 6-6',
  more: 'M12 12h.01M19 12h.01M5 12h.01',
  clip: 'm21 11-8.6 8.6a5.5 5.5 0 0 1-7.8-7.8l8.9-8.9a3.7 3.7 0 0 1 5.2 5.2l-8.9 8.9a1.8 1.8 0 0 1-2.6-2.6L15 6.2',
  send: 'M12 19V5M6 11l6-6 6 6',
  sent: 'M20 6 9 17l-5-5',
  seen: 'M18 6 7 17l-5-5M22 10l-7.5 7.5L13 16',
  clock: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM12 7v5l3 2',
  alert: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM12 8v4M12 16h.01',
  file: 'M14 2H6a2 2 0 0 0-2 2v16a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2V8ZM14 2v6h6',
};

export type Shape = keyof typeof SHAPES;

export function icon(shape: Shape): SVGElement {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', SHAPES[shape]);
  svg.append(path);
  return svg;
}

export function iconButton(shape: Shape, label: string, onclick: () => void): HTMLButtonElement {
  return h('button', { type: 'button', class: 'icon', title: label, 'aria-label': label, onclick }, icon(shape));
}

/** Sets a text only when it differs: a live region speaks at every change. */
export function say(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Only https and http lead anywhere; everything else stays text. */
const ADDRESS = /\bhttps?:\/\/[^\s<>"]*[^\s<>"'.,;:!?)\]}]/g;

/** Plain text with its addresses as links. */
export function linked(text: string, newTab: string): (Node | string)[] {
  const parts: (Node | string)[] = [];
  let from = 0;
  for (const found of text.matchAll(ADDRESS)) {
    parts.push(text.slice(from, found.index));
    parts.push(h('a', { href: found[0], target: '_blank', rel: 'noopener nofollow ugc' }, found[0], h('span', { class: 'hidden' }, ` ${newTab}`)));
    from = found.index + found[0].length;
  }
  parts.push(text.slice(from));
  return parts;
}

/** A few emoji and nothing else: shown larger. */
export function onlyEmoji(text: string): boolean {
  return /^(?=\D)[\p{Extended_Pictographic}\p{Emoji_Modifier}\p{RI}\u200d\ufe0f\s]{1,16}$/u.test(text.trim());
}

/** Black or white, whichever reads better on `color` (at least 4.5 : 1 either way); null when it is no `#rrggbb` or `#rgb`. */
export function inkOn(color: string): string | null {
  if (!/^#([0-9a-f]{3}){1,2}$/i.test(color)) return null;
  const wide = color.length === 7;
  const [r = 0, g = 0, b = 0] = [0, 1, 2].map((i) => {
    const hex = wide ? color.slice(1 + 2 * i, 3 + 2 * i) : color.charAt(1 + i).repeat(2);
    const c = parseInt(hex, 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? '#000000' : '#ffffff';
}

export function initials(name: string): string {
  const words = name.split(/\s+/).filter(Boolean);
  return [words[0], words.length > 1 ? words.at(-1) : undefined].map((word) => [...(word ?? '')][0] ?? '').join('').toUpperCase();
}
