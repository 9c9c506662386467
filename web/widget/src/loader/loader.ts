// The chat on a site's page: the launcher, the frame, and the page's own calls (`balie('open')`). It decides nothing about
// conversations; the frame does, on our origin, where the page's scripts cannot reach it.
import { envelope, received, type Identity, type Theme, type ToFrame, type ToLoader } from '../shared/protocol';
import { build, teaser, type Parts } from './dom';
import { Kept } from './kept';
import type { Options } from './options';
import { pageOf, watch } from './page';

export type Heard = 'ready' | 'open' | 'close' | 'message' | 'unread' | 'error';
type Listener = (data: unknown) => void;

/** Narrower or lower than this the frame takes the whole window. */
const SMALL = '(max-width: 480px), (max-height: 420px)';

export class Loader {
  private readonly parts: Parts;
  private readonly kept: Kept;
  private readonly listeners = new Map<string, Set<Listener>>();
  private readonly small: MediaQueryList;
  private frame: HTMLIFrameElement | undefined;
  private listening = false;
  private ready = false;
  private asked: Promise<void> | undefined;
  private refused = false;
  private waiting: (() => void)[] = [];
  private open = false;
  private unread = 0;
  private label: string;
  private invitation: HTMLElement | undefined;
  private unwatch: (() => void) | undefined;

  constructor(
    private readonly win: Window & typeof globalThis,
    private readonly options: Options,
  ) {
    this.label = options.label;
    this.small = win.matchMedia(SMALL);
    this.kept = new Kept(() => win.localStorage, options.account);
    this.parts = build(win.document, options);
    this.parts.launch.addEventListener('click', () => this.call('toggle'));
    this.parts.launch.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && this.open) this.call('close');
    });
    this.dress();
  }

  start(): void {
    const { document: doc } = this.win;
    const place = (): void => {
      doc.body.append(this.parts.host);
      if (this.options.load === 'auto') this.idle(() => void this.ask().then(() => this.load()));
    };
    if (doc.body) place();
    else doc.addEventListener('DOMContentLoaded', place, { once: true });
    this.win.addEventListener('message', (event) => this.receive(event));
    // Where the frame has no storage of its own, it hears of its other tabs from here.
    this.win.addEventListener('storage', ({ key, newValue }) => {
      const name = this.kept.ours(key);
      if (name === 'reset') {
        if (newValue && this.listening) this.call('reset');
      } else if (name) this.tell('kept', { name, value: newValue });
    });
    this.small.addEventListener('change', () => this.dress());
    this.unwatch = watch(this.win, () => this.tell('page', this.page()));
  }

  /** What the site says: `balie('identify', { id, user_hash })`. An unknown word is told to its developer, not thrown at the visitor. */
  call(word: string, ...args: unknown[]): void {
    const [first, second] = args;
    switch (word) {
      case 'open':
      case 'close':
        this.show(word === 'open');
        break;
      case 'toggle':
        this.show(!this.open);
        break;
      case 'load':
        this.load();
        break;
      case 'identify':
        if (this.options.load === 'auto') this.load();
        this.tell('identify', (first ?? {}) as Identity);
        break;
      case 'reset':
        this.show(false);
        for (const name of Object.keys(this.kept.all())) this.kept.set(name, null);
        // What the frame keeps only the frame can forget: the next one does, when there is none on this page.
        if (!this.listening && this.options.storage !== 'none') this.kept.set('reset', '1');
        this.tell('reset', null);
        break;
      case 'locale':
        this.options.locale = String(first);
        this.tell('locale', this.options.locale);
        break;
      case 'theme':
        this.options.theme = first as Theme;
        this.parts.host.dataset.theme = this.options.theme;
        this.tell('theme', this.options.theme);
        break;
      case 'event':
        this.tell('event', { name: String(first) });
        break;
      case 'launcher':
        this.options.launcher = first !== false && first !== 'none';
        this.dress();
        break;
      case 'on':
        this.heard(String(first)).add(second as Listener);
        break;
      case 'off':
        this.heard(String(first)).delete(second as Listener);
        break;
      case 'remove':
        this.unwatch?.();
        this.parts.host.remove();
        this.title(0);
        break;
      default:
        this.win.console.warn(`Balie: there is no '${word}'.`);
    }
  }

  private heard(name: string): Set<Listener> {
    const found = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, found);
    return found;
  }

  private emit(name: Heard, data?: unknown): void {
    for (const listener of this.heard(name)) {
      try {
        listener(data);
      } catch (wrong) {
        this.win.console.error(wrong);
      }
    }
  }

  private idle(run: () => void): void {
    const soon = (): void => {
      if ('requestIdleCallback' in this.win) this.win.requestIdleCallback(run, { timeout: 2000 });
      else setTimeout(run, 200);
    };
    if (this.win.document.readyState === 'complete') soon();
    else this.win.addEventListener('load', soon, { once: true });
  }

  /**
   * Whether the chat may be shown here. A browser that blocks a frame tells nobody why; this call is answered in words.
   * Where the site's policy forbids the call itself, the frame finds out.
   */
  private ask(): Promise<void> {
    const { origin, account, locale } = this.options;
    this.asked ??= this.win.fetch(`${origin}/visit/${account}/config?locale=${encodeURIComponent(locale)}`, { credentials: 'omit' }).then(
      async (answer) => {
        if (answer.status !== 403 && answer.status !== 404) return;
        const { error } = (await answer.json().catch(() => ({}))) as { error?: { code: string; message: string } };
        this.refuse(error?.code ?? 'refused', error?.message ?? `The chat is not available (${answer.status}).`);
      },
      () => undefined,
    );
    return this.asked;
  }

  private load(): void {
    if (this.frame || this.refused) return;
    void this.ask();
    const frame = this.win.document.createElement('iframe');
    const { origin, account, locale } = this.options;
    const query = new URLSearchParams({ account, origin: this.win.location.origin, locale });
    frame.src = `${origin}/widget/frame?${query}`;
    frame.title = this.label;
    frame.hidden = !this.open;
    this.frame = frame;
    this.parts.box.append(frame);
    // A frame that the browser blocked says nothing, not even that it was blocked.
    this.win.setTimeout(() => {
      if (!this.listening) this.refuse('unreachable', `The chat at ${origin} did not load. Is ${this.win.location.origin} among the allowed origins of this chat, and does the page's Content-Security-Policy allow frame-src ${origin}?`);
    }, 15_000);
  }

  private tell<K extends keyof ToFrame>(type: K, data: ToFrame[K]): void {
    const post = (): void => this.frame?.contentWindow?.postMessage(envelope<ToFrame, K>(type, data), this.options.origin);
    if (this.listening) post();
    else this.waiting.push(post);
  }

  private receive(event: MessageEvent): void {
    const said = received<ToLoader>(event, this.frame?.contentWindow, this.options.origin);
    if (!said) return;
    const { type, data } = said as { [K in keyof ToLoader]: { type: K; data: ToLoader[K] } }[keyof ToLoader];
    switch (type) {
      case 'hello': {
        this.listening = true;
        const { locale, theme, storage } = this.options;
        this.tell('init', { page: this.page(), locale, theme, open: this.open, storage, kept: this.kept.all() });
        for (const post of this.waiting.splice(0)) post();
        break;
      }
      case 'ready':
        this.ready = true;
        this.label = this.options.label === 'Chat' ? data.label : this.options.label;
        this.options.side ??= data.side;
        if (data.accent && data.ink) {
          this.parts.host.style.setProperty('--accent', data.accent);
          this.parts.host.style.setProperty('--on', data.ink);
        }
        this.dress();
        this.emit('ready');
        break;
      case 'refused':
        this.refuse(data.code, data.message);
        break;
      case 'open':
      case 'close':
        this.show(type === 'open');
        break;
      case 'unread':
        this.count(data.count, data.label);
        break;
      case 'teaser':
        this.invite(data);
        break;
      case 'keep':
        this.kept.set(data.name, data.value);
        break;
      case 'message':
        this.emit('message', data);
        break;
      case 'error':
        this.emit('error', data);
        break;
    }
  }

  private show(open: boolean): void {
    if (this.refused || open === this.open) return;
    this.open = open;
    if (open) {
      this.load();
      this.invite(null);
    }
    const { frame } = this;
    const had = this.parts.root.activeElement === frame;
    if (frame) frame.hidden = !open;
    this.tell(open ? 'open' : 'close', null);
    this.dress();
    if (open) frame?.focus();
    else if (had) this.parts.launch.focus();
    this.emit(open ? 'open' : 'close');
  }

  private invite(words: ToLoader['teaser']): void {
    this.invitation?.remove();
    this.invitation = undefined;
    if (!words || this.open) return;
    this.invitation = teaser(this.win.document, words, (yes) => {
      this.tell('teaser', yes ? 'accept' : 'decline');
      this.invite(null);
      if (yes) this.show(true);
      else this.parts.launch.focus();
    });
    this.parts.box.insertBefore(this.invitation, this.parts.launch);
    this.parts.said.textContent = `${words.from}: ${words.text}`;
  }

  private count(count: number, label: string): void {
    if (count > this.unread) this.parts.said.textContent = label;
    this.unread = count;
    this.parts.badge.textContent = count > 9 ? '9+' : String(count);
    this.parts.badge.hidden = count === 0;
    this.title(count);
    this.dress(count ? label : '');
    this.emit('unread', count);
  }

  /** The tab says how many wait, and stands still. */
  private title(count: number): void {
    const { document: doc } = this.win;
    const bare = doc.title.replace(/^\(\d+\+?\) /, '');
    const title = count ? `(${count}) ${bare}` : bare;
    if (doc.title !== title) doc.title = title;
  }

  private dress(unread = ''): void {
    const { box, launch, host } = this.parts;
    const { side, launcher } = this.options;
    box.classList.toggle('start', side === 'start');
    box.classList.toggle('bare', !launcher);
    box.classList.toggle('open', this.open);
    box.classList.toggle('full', this.small.matches);
    host.toggleAttribute('data-open', this.open);
    // Nobody should see a button that then goes away.
    launch.hidden = !launcher || this.refused || !(this.ready || this.open || this.options.load === 'click');
    launch.ariaLabel = [this.label, unread].filter(Boolean).join(', ');
    launch.ariaExpanded = String(this.open);
    this.parts.icon(this.open);
    if (this.frame) this.frame.title = this.label;
  }

  private refuse(code: string, message: string): void {
    this.refused = true;
    this.open = false;
    this.frame?.remove();
    this.dress();
    this.win.console.warn(`Balie: ${message}`);
    this.emit('error', { code, message });
  }

  private page(): ReturnType<typeof pageOf> {
    const { location, document: doc } = this.win;
    return pageOf(location, doc.title.replace(/^\(\d+\+?\) /, ''), doc.referrer);
  }
}
