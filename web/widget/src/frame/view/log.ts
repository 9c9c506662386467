// The conversation as elements. A row keeps its element for as long as it is there, also when the unsent message becomes
// the sent one: a screen reader hears every message once, and nothing flickers.
import type { Chat } from '../chat';
import type { Enclosed } from '../wire';
import { h, icon, initials, linked, onlyEmoji, say, type Shape } from './dom';
import { rowsOf, type MessageRow, type Row } from './rows';

interface Drawn {
  element: HTMLElement;
  /** What it was drawn from. */
  print: string;
}

const STATES: Record<string, Shape> = { sending: 'clock', waiting: 'clock', sent: 'sent', seen: 'seen', failed: 'alert' };

export class LogView {
  readonly element: HTMLElement;
  private readonly scroller: HTMLElement;
  private readonly list: HTMLElement;
  private readonly older: HTMLButtonElement;
  private readonly newer: HTMLButtonElement;
  private readonly typing = h('p', { class: 'typing', role: 'status' });
  private readonly drawn = new Map<string, Drawn>();
  /** The end is in sight, and stays in sight when something is added. */
  private stuck = true;
  private first = '';
  private last = '';

  constructor(
    private readonly chat: Chat,
    private readonly around: { now(): number; online(): boolean },
  ) {
    this.older = h('button', { type: 'button', class: 'link older', hidden: true, onclick: () => void chat.fetching.older() });
    // Read aloud as they come, but not the history that is fetched: `aria-busy` says when.
    this.list = h('div', { class: 'list', role: 'log', 'aria-live': 'polite', 'aria-relevant': 'additions', 'aria-busy': 'true' });
    this.scroller = h('div', { class: 'scroller', tabIndex: 0, role: 'region', onscroll: () => this.scrolled() }, this.older, this.list, this.typing);
    this.newer = h('button', { type: 'button', class: 'newer', hidden: true, onclick: () => this.toEnd() });
    this.element = h('div', { class: 'log' }, this.scroller, this.newer);
    const resized = new ResizeObserver(() => this.keepEnd());
    resized.observe(this.scroller);
    resized.observe(this.list);
  }

  render(): void {
    const { chat, scroller } = this;
    const { words, thread } = chat;
    const typing = chat.typing.theirs;
    const rows = rowsOf(chat, this.around.online());
    const fromEnd = scroller.scrollHeight - scroller.scrollTop;
    const oldest = thread.oldest()?.id ?? '';
    const newest = rows.at(-1)?.key ?? '';
    const prepended = this.first !== '' && oldest !== this.first;
    if (prepended) this.list.ariaBusy = 'true';

    scroller.ariaLabel = this.list.ariaLabel = words.say('log');
    this.older.hidden = !thread.more;
    this.older.disabled = chat.fetching.loading;
    say(this.older, words.say('older'));
    this.draw(rows);
    say(this.typing, typing === undefined ? '' : typing ? words.say('typing', { name: typing }) : words.say('typing.someone'));

    const end = rows.at(-1);
    if (prepended) scroller.scrollTop = scroller.scrollHeight - fromEnd;
    else if (newest !== this.last && end?.kind === 'message' && end.mine) this.stuck = true;
    if (!this.stuck && newest !== this.last && this.last) this.newer.hidden = false;
    this.newer.replaceChildren(icon('down'), words.say('newer'));
    [this.first, this.last] = [oldest, newest];
    this.keepEnd();
    // After this turn of the event loop, what was there at the beginning is no news.
    setTimeout(() => (this.list.ariaBusy = 'false'));
  }

  toEnd(): void {
    this.stuck = true;
    this.newer.hidden = true;
    this.keepEnd();
  }

  private draw(rows: Row[]): void {
    let at: Element | null = this.list.firstElementChild;
    const alive = new Set<string>();
    for (const row of rows) {
      alive.add(row.key);
      // The words are part of the print: another language draws anew, and so does the next day.
      const print = this.chat.words.tag + JSON.stringify(row) + (row.kind === 'day' ? this.day(row.at) : '');
      const old = this.drawn.get(row.key);
      const element = old?.element ?? h('div');
      if (old?.print !== print) {
        this.fill(element, row);
        this.drawn.set(row.key, { element, print });
      }
      if (element === at) at = at.nextElementSibling;
      else this.list.insertBefore(element, at);
    }
    for (const [key, { element }] of this.drawn) {
      if (alive.has(key)) continue;
      element.remove();
      this.drawn.delete(key);
    }
  }

  private day(at: number): string {
    return this.chat.words.day(at, this.around.now());
  }

  private fill(element: HTMLElement, row: Row): void {
    if (row.kind === 'message') {
      const had = element.contains(document.activeElement);
      const also = { mine: row.mine, theirs: !row.mine, first: row.first, last: row.last, failed: row.state === 'failed' };
      element.className = ['message', ...Object.entries(also).flatMap(([name, on]) => (on ? name : []))].join(' ');
      element.replaceChildren(...this.message(row));
      if (had) this.scroller.focus();
    } else {
      element.className = row.kind;
      element.textContent = row.kind === 'day' ? this.day(row.at) : this.chat.words.say('ended');
    }
  }

  private message(row: MessageRow): Node[] {
    const { words } = this.chat;
    const who = row.mine ? words.say('you') : row.name;
    const time = row.at === null ? '' : words.time(row.at);
    const parts: Node[] = [h('span', { class: 'hidden' }, time ? words.say('said.by', { who, time }) : `${who}: `)];
    if (!row.mine) parts.push(avatar(row));
    if (!row.mine && row.first) parts.push(h('p', { class: 'name', 'aria-hidden': 'true' }, row.name));
    const big = !row.removed && row.files.length === 0 && onlyEmoji(row.text);
    const bubble = h('div', { class: big ? 'big' : 'bubble', dir: 'auto' });
    if (row.removed) bubble.append(h('p', { class: 'removed' }, words.say('removed')));
    else if (row.text) bubble.append(h('p', {}, ...linked(row.text, words.say('newtab'))));
    for (const file of row.files) bubble.append(this.file(file));
    parts.push(bubble);
    if ((row.last && time) || row.state) parts.push(this.meta(row, time));
    return parts;
  }

  private meta(row: MessageRow, time: string): HTMLElement {
    const { words } = this.chat;
    const meta = h('p', { class: 'meta' });
    if (row.edited) meta.append(h('span', {}, words.say('edited')));
    if (time && row.at !== null) meta.append(h('time', { dateTime: new Date(row.at).toISOString(), 'aria-hidden': 'true' }, time));
    if (row.state) meta.append(h('span', { class: `state ${row.state}` }, icon(STATES[row.state] ?? 'sent'), words.say(`state.${row.state}`)));
    if (row.state === 'failed') {
      meta.append(
        h('span', {}, words.refusal(row.why ?? 'other')),
        h('button', { type: 'button', class: 'link', onclick: () => this.chat.outbox.retry(row.key) }, words.say('retry')),
        h('button', { type: 'button', class: 'link', onclick: () => this.chat.discard(row.key) }, words.say('discard')),
      );
    }
    return meta;
  }

  private file(file: Enclosed): HTMLElement {
    const { words } = this.chat;
    const name = file.name || words.say(file.kind === 'image' ? 'picture' : 'file');
    const opened = h('span', { class: 'hidden' }, ` ${words.say('newtab')}`);
    const props = { href: file.url, target: '_blank', rel: 'noopener' };
    if (file.kind === 'image' && file.url) {
      const image = h('img', { src: file.url, alt: file.alt || name });
      const link = h('a', { ...props, class: 'picture' }, image, opened);
      image.onerror = () => link.replaceChildren(icon('alert'), words.say('file.gone'));
      return link;
    }
    const size = file.size === null ? '' : words.size(file.size);
    const label = [icon('file'), h('span', {}, name), h('small', {}, size)];
    return file.url ? h('a', { ...props, class: 'file', download: name }, ...label, opened) : h('span', { class: 'file' }, ...label);
  }

  private scrolled(): void {
    const { scroller } = this;
    this.stuck = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 48;
    if (this.stuck) this.newer.hidden = true;
    if (scroller.scrollTop < 80 && scroller.clientHeight > 0) void this.chat.fetching.older();
  }

  private keepEnd(): void {
    if (this.stuck) this.scroller.scrollTop = this.scroller.scrollHeight;
  }
}

function avatar(row: MessageRow): HTMLElement {
  const face = h('span', { class: 'avatar', 'aria-hidden': 'true' });
  if (!row.last) face.classList.add('none');
  else if (row.avatar) face.append(h('img', { src: row.avatar, alt: '' }));
  else face.textContent = initials(row.name);
  return face;
}
