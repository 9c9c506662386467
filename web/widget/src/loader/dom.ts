// The elements beside the site's own, in a shadow tree so that neither's styles reach the other.
import type { Options } from './options';
import { STYLE } from './style';

const BUBBLE = 'M21 12a8 8 0 0 1-8 8H4l2-3.2A8 8 0 1 1 21 12Z';
const DOWN = 'm6 9 6 6 6-6';

export interface Parts {
  host: HTMLElement;
  root: ShadowRoot;
  box: HTMLElement;
  launch: HTMLButtonElement;
  badge: HTMLElement;
  said: HTMLElement;
  icon(open: boolean): void;
}

export function build(doc: Document, options: Options): Parts {
  const host = doc.createElement('div');
  host.id = 'balie';
  const root = host.attachShadow({ mode: 'open' });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  root.adoptedStyleSheets = [sheet];

  const box = doc.createElement('div');
  box.className = options.side === 'start' ? 'start' : '';
  box.classList.toggle('bare', !options.launcher);
  const launch = doc.createElement('button');
  launch.className = 'launch';
  launch.type = 'button';
  launch.hidden = !options.launcher;
  const svg = doc.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  const path = doc.createElementNS('http://www.w3.org/2000/svg', 'path');
  svg.append(path);
  const badge = doc.createElement('span');
  badge.className = 'badge';
  badge.hidden = true;
  badge.ariaHidden = 'true';
  launch.append(svg, badge);
  const said = doc.createElement('div');
  said.className = 'said';
  said.setAttribute('role', 'status');
  box.append(launch, said);
  root.append(box);

  // Through the object model: the policy of a strict site forbids style attributes.
  host.style.setProperty('--x', `${options.offset.x}px`);
  host.style.setProperty('--y', `${options.offset.y}px`);
  host.style.setProperty('--z', String(options.zIndex));
  if (options.theme !== 'auto') host.dataset.theme = options.theme;
  const icon = (open: boolean): void => path.setAttribute('d', open ? DOWN : BUBBLE);
  icon(false);
  return { host, root, box, launch, badge, said, icon };
}

/** The invitation of a trigger: a sentence with a yes and a no. */
export function teaser(doc: Document, words: { text: string; from: string; open: string; decline: string }, answer: (yes: boolean) => void): HTMLElement {
  const box = doc.createElement('section');
  box.className = 'tease';
  box.ariaLabel = words.from;
  const line = (name: string, text: string): HTMLElement => {
    const p = doc.createElement('p');
    p.className = name;
    p.dir = 'auto';
    p.textContent = text;
    return p;
  };
  const choices = doc.createElement('div');
  for (const yes of [true, false]) {
    const button = doc.createElement('button');
    button.type = 'button';
    button.textContent = yes ? words.open : words.decline;
    button.addEventListener('click', () => answer(yes));
    choices.append(button);
  }
  box.append(line('from', words.from), line('text', words.text), choices);
  return box;
}
