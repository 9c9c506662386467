// The top of the chat (no landmark: those belong to the site around us): what it is, whether somebody is there and how long it takes, and what else can be done.
import type { Chat } from '../chat';
import type { Key } from '../i18n';
import type { Kept } from '../kept';
import { h, iconButton, say } from './dom';

export class Head {
  readonly element: HTMLElement;
  private readonly title = h('h1');
  private readonly wait = h('p');
  private readonly menu = h('div', { class: 'menu', id: 'menu', hidden: true });
  private more: HTMLButtonElement | undefined;
  private readonly buttons = h('div', { class: 'buttons' });
  private print = '';

  constructor(
    private readonly chat: Chat,
    private readonly kept: Kept,
    private readonly around: { now(): number; close(): void; save(): void },
  ) {
    this.element = h('div', { class: 'head' }, h('div', { class: 'titles' }, this.title, this.wait), this.buttons, this.menu);
    // The focus or the pointer goes elsewhere in the chat. That the whole window loses the focus is no reason to close.
    const elsewhere = (target: EventTarget | null): void => {
      if (!this.menu.hidden && target && !this.element.contains(target as Node)) this.toggle(false);
    };
    this.element.addEventListener('focusout', (event) => elsewhere(event.relatedTarget));
    document.addEventListener('pointerdown', (event) => elsewhere(event.target));
  }

  /** Whether there was a menu to close. */
  shut(): boolean {
    if (this.menu.hidden) return false;
    this.toggle(false);
    this.more?.focus();
    return true;
  }

  render(): void {
    const { words, config, thread, mode } = this.chat;
    say(this.title, config?.texts.title ?? (config ? words.say('title') : ''));
    say(this.wait, config ? this.waiting() : '');
    const said = thread.messages.length > 0 && mode !== 'blocked' && mode !== 'identity';
    const sound = this.kept.get('sound') !== 'off';
    const items: [Key, () => void][] = [];
    if (said && config?.transcript.download) items.push(['menu.download', () => this.around.save()]);
    if (said && config?.transcript.mail) items.push(['menu.mail', () => this.chat.aside.choose('mail')]);
    if (said && thread.status === 'open') items.push(['menu.end', () => this.chat.aside.choose('end')]);
    const print = JSON.stringify([words.tag, items.map(([key]) => key), sound]);
    if (print === this.print) return;
    this.print = print;
    this.more = iconButton('more', words.say('more'), () => this.toggle(this.menu.hidden));
    this.more.setAttribute('aria-expanded', 'false');
    this.more.setAttribute('aria-controls', 'menu');
    const toggle = h('button', { type: 'button', 'aria-pressed': String(sound), onclick: () => this.hush(sound) }, words.say('menu.sound'));
    const choices = items.map(([key, run]) => {
      const onclick = (): void => {
        this.shut();
        run();
      };
      return h('button', { type: 'button', onclick }, words.say(key));
    });
    this.menu.replaceChildren(...choices, toggle);
    this.buttons.replaceChildren(this.more, iconButton('close', words.say('close'), () => this.around.close()));
  }

  private hush(sound: boolean): void {
    this.kept.set('sound', sound ? 'off' : null);
    this.shut();
    this.render();
    this.more?.focus();
  }

  private toggle(open: boolean): void {
    this.menu.hidden = !open;
    this.more?.setAttribute('aria-expanded', String(open));
    if (open) this.menu.querySelector('button')?.focus();
  }

  private waiting(): string {
    const { words, config, mode } = this.chat;
    // Nobody waits for an answer where nothing can be asked.
    if (!config || mode === 'blocked') return '';
    if (!config.open) {
      return config.opens_at ? words.say('closed.until', { when: words.moment(config.opens_at, this.around.now()) }) : words.say('closed');
    }
    if (config.expected_wait) return words.say(`wait.${config.expected_wait}`);
    return words.say(config.agents_online ? 'wait.open' : 'wait.away');
  }
}
