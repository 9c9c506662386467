// Turns a channel's SVG text into nodes that can only draw: anything that is not a shape or a plain
// drawing attribute is left out, whatever the text says.
const ELEMENTS = new Set(['svg', 'g', 'path', 'circle', 'ellipse', 'rect', 'line', 'polyline', 'polygon', 'title']);
const ATTRIBUTES = new Set([
  'viewBox', 'd', 'fill', 'stroke', 'stroke-width', 'stroke-linecap', 'stroke-linejoin', 'fill-rule',
  'clip-rule', 'opacity', 'transform', 'cx', 'cy', 'r', 'rx', 'ry', 'x', 'y', 'x1', 'y1', 'x2', 'y2',
  'width', 'height', 'points', 'fill-opacity',
]);
const SPACE = 'http://www.w3.org/2000/svg';

function copy(from: Element): SVGElement | null {
  if (!ELEMENTS.has(from.localName) || from.localName === 'title') return null;
  const to = document.createElementNS(SPACE, from.localName);
  for (const { name, value } of from.attributes) {
    if (ATTRIBUTES.has(name) && !/url\(|script/i.test(value)) to.setAttribute(name, value);
  }
  for (const child of from.children) {
    const made = copy(child);
    if (made) to.append(made);
  }
  return to;
}

export function drawing(text: string): SVGElement | null {
  const found = new DOMParser().parseFromString(text, 'image/svg+xml').documentElement;
  if (found.localName !== 'svg') return null;
  const svg = copy(found);
  if (!svg) return null;
  svg.removeAttribute('width');
  svg.removeAttribute('height');
  svg.setAttribute('aria-hidden', 'true');
  if (!svg.hasAttribute('fill')) svg.setAttribute('fill', 'currentColor');
  return svg;
}
