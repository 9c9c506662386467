// The whole frame, drawn from the chat: head, banner, conversation, rating, and what stands below. Drawn at most once per
// turn of the event loop, however much changed.
import type { Mode } from '../around';
import type { Chat } from '../chat';
import type { Kept } from '../kept';
import { Composer } from './composer';
import { h, icon, inkOn, say } from './dom';
import * as forms from './forms';
import { Head } from './head';
import { LogView } from './log';

export interface ViewAround {
  now(): number;
  online(): boolean;
  uuid(): string;
  close(): void;
}

export class View {
  private readonly head: Head;
  private readonly log: LogView;
  private readonly composer: Composer;
  private readonly banner = h('p', { class: 'banner', role: 'status' });
  private readonly notice = h('p', { class: 'notice', role: 'alert' });
  private readonly good = h('p', { class: 'notice good', role: 'status' });
  private readonly rating = h('div', { class: 'card', hidden: true });
  private readonly foot = h('div', { class: 'foot' });
  private readonly element: HTMLElement;
  private due = false;
  private standing = '';
  private rated = '';
  private mode: Mode | undefined;
  private offlineId = '';
  private era: number;

  constructor(
    private readonly chat: Chat,
    kept: Kept,
    private readonly around: ViewAround,
  ) {
    this.era = chat.sessions.era;
    this.head = new Head(chat, kept, { now: around.now, close: around.close, save: () => void this.save() });
    this.log = new LogView(chat, around);
    this.composer = new Composer(chat, kept, () => this.later());
    const main = h('div', { class: 'body' }, this.log.element, this.rating, this.good, this.notice, this.foot);
    // A region of its own, and no other landmarks: `main` and `header` are the site's.
    this.element = h('div', { class: 'chat', role: 'region' }, this.head.element, this.banner, main);
    this.listen();
    document.body.replaceChildren(this.element);
  }

  /** Something changed: draws soon. */
  later(): void {
    if (this.due) return;
    this.due = true;
    queueMicrotask(() => {
      this.due = false;
      this.render();
    });
  }

  /** The chat was opened: to where one writes. */
  opened(): void {
    this.render();
    this.log.toEnd();
    this.focus();
  }

  private render(): void {
    const { chat } = this;
    if (this.era !== chat.sessions.era) {
      // Another person: what the former wrote is not theirs, nor is a form that was half filled in.
      this.era = chat.sessions.era;
      this.composer.clear();
      this.standing = this.rated = '-';
    }
    const { words, config } = chat;
    const { notice } = chat.aside;
    document.documentElement.lang = words.locale;
    document.title = config?.name ?? words.say('dialog');
    this.dress(config?.color ?? null);
    this.element.ariaLabel = words.say('dialog');
    this.head.render();
    this.log.render();
    const broken = chat.link === 'broken' || !this.around.online();
    say(this.banner, broken ? words.say('link.broken') : '');
    say(this.notice, notice && !notice.good ? notice.text : '');
    say(this.good, notice?.good ? notice.text : '');
    this.rate();
    this.stand();
    this.composer.render();
  }

  /** What stands below. A form is built anew only when it asks something else: what was filled in stays. */
  private stand(): void {
    const { chat } = this;
    const { mode, words } = chat;
    const asked = mode === 'prechat' ? chat.before.asks.map((ask) => ask.key) : [];
    const print = JSON.stringify([mode, words.tag, asked, chat.before.consent, mode === 'offline' ? chat.aside.left : null, mode === 'mail' ? chat.before.known('email') : null]);
    if (print === this.standing) return;
    const moved = this.mode !== undefined && (this.mode !== mode || mode === 'offline') && this.here();
    this.standing = print;
    this.mode = mode;
    if (mode === 'offline' && !chat.aside.left) this.offlineId = this.around.uuid();
    this.foot.replaceChildren(this.standingNow(mode));
    if (moved) this.focus();
  }

  private standingNow(mode: Mode): Node {
    const { chat } = this;
    switch (mode) {
      case 'compose':
        return this.composer.element;
      case 'prechat':
        return forms.prechat(chat);
      case 'offline':
        return forms.offline(chat, this.offlineId);
      case 'mail':
        return forms.mail(chat);
      case 'end':
        return forms.end(chat);
      default:
        return h('p', { class: 'shut', role: 'status' }, chat.words.say(mode === 'blocked' ? 'error.blocked' : 'identity.required'));
    }
  }

  private rate(): void {
    const { chat } = this;
    const print = chat.aside.rating ? chat.words.tag : '';
    if (print === this.rated) return;
    const had = this.rating.contains(document.activeElement);
    this.rated = print;
    this.rating.hidden = !print;
    this.rating.replaceChildren(...(print ? [forms.rating(chat)] : []));
    if (had && !print) this.focus();
  }

  /** The focus is in what is about to be replaced, or nowhere: it may be moved. */
  private here(): boolean {
    const { activeElement } = document;
    return document.hasFocus() && (!activeElement || activeElement === document.body || this.foot.contains(activeElement) || this.head.element.contains(activeElement));
  }

  private focus(): void {
    if (this.mode === 'compose') {
      this.composer.focus();
      return;
    }
    const ask = this.mode === 'prechat' || (this.mode === 'offline' && !this.chat.aside.left);
    const target = (ask ? this.foot.querySelector<HTMLElement>('input,select,textarea') : null) ?? this.foot.querySelector<HTMLElement>('h2') ?? this.head.element.querySelector('button');
    target?.focus();
  }

  private dress(color: string | null): void {
    const ink = color ? inkOn(color) : null;
    const { style } = document.documentElement;
    if (!color || !ink || style.getPropertyValue('--accent') === color) return;
    style.setProperty('--accent', color);
    style.setProperty('--on-accent', ink);
  }

  private async save(): Promise<void> {
    const blob = await this.chat.aside.transcript();
    if (!blob) return;
    const href = URL.createObjectURL(blob);
    const link = h('a', { href, download: `${this.chat.config?.name ?? 'chat'}.txt`, hidden: true });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(href), 10_000);
  }

  private listen(): void {
    document.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || event.isComposing) return;
      event.preventDefault();
      if (this.head.shut()) return;
      if (this.chat.aside.sheet) this.chat.aside.choose(undefined);
      else this.around.close();
    });
    this.element.addEventListener('dragover', (event) => {
      if (this.mode === 'compose' && event.dataTransfer?.types.includes('Files')) event.preventDefault();
    });
    this.element.addEventListener('drop', (event) => {
      const files = event.dataTransfer?.files;
      if (this.mode !== 'compose' || !files?.length) return;
      event.preventDefault();
      this.composer.take(files);
    });
  }
}

/** Before anything is known: why there is nothing to see, for who opened the frame without an account. */
export function bare(text: string): void {
  document.body.replaceChildren(h('p', { class: 'shut' }, icon('alert'), text));
}
