// Where the visitor writes. Enter sends, Shift+Enter begins a new line; a picture can be pasted or dropped. The draft is
// kept at every letter.
import type { Chat } from '../chat';
import type { Kept } from '../kept';
import { Uploads } from '../uploads';
import { h, icon, iconButton, say } from './dom';

export class Composer {
  readonly element: HTMLFormElement;
  readonly uploads: Uploads;
  private readonly text: HTMLTextAreaElement;
  private readonly pick: HTMLInputElement;
  private readonly chips = h('ul', { class: 'chips' });
  private readonly hint = h('p', { class: 'hint', id: 'hint', role: 'status' });
  private readonly buttons = h('div', { class: 'buttons' });
  private readonly quick = h('div', { class: 'quick', role: 'group', hidden: true });
  private wrong = '';
  private language = '';
  private offered = '[]';
  private listed = '';

  constructor(
    private readonly chat: Chat,
    private readonly kept: Kept,
    changed: () => void,
  ) {
    this.uploads = new Uploads({
      limits: () => chat.config?.files ?? null,
      send: (file) => chat.upload(file),
      changed,
      say: (key, holes) => chat.words.say(key, holes),
      refusal: (code, holes) => chat.words.refusal(code, holes),
      size: (bytes) => chat.words.size(bytes),
      preview: (file) => URL.createObjectURL(file),
      forget: (preview) => URL.revokeObjectURL(preview),
    });
    this.text = h('textarea', { rows: 1, dir: 'auto', enterKeyHint: 'send', autocomplete: 'off', 'aria-describedby': 'hint', value: kept.get('draft') ?? '' });
    this.text.addEventListener('input', () => this.typed());
    this.text.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.send();
    });
    this.text.addEventListener('paste', (event) => {
      const files = event.clipboardData?.files;
      if (!files?.length) return;
      event.preventDefault();
      this.take(files);
    });
    this.pick = h('input', { type: 'file', multiple: true, hidden: true });
    this.pick.addEventListener('change', () => {
      if (this.pick.files) this.take(this.pick.files);
      this.pick.value = '';
    });
    const box = h('div', { class: 'box' }, this.chips, h('div', { class: 'grow' }, this.text), this.buttons);
    // A click beside the words is meant for the words.
    box.addEventListener('click', (event) => {
      if (event.target === box) this.focus();
    });
    this.element = h('form', { class: 'composer', noValidate: true }, this.quick, box, this.hint, this.pick);
    this.element.addEventListener('submit', (event) => {
      event.preventDefault();
      this.send();
    });
  }

  focus(): void {
    this.text.focus();
  }

  /** Nothing is being written. */
  clear(): void {
    this.uploads.clear();
    this.text.value = this.wrong = '';
    this.kept.set('draft', null);
  }

  /** Files from the composer's button, the clipboard, or dropped on the chat. */
  take(files: Iterable<File>): void {
    this.wrong = this.uploads.add(files) ?? '';
    this.render();
    this.focus();
  }

  render(): void {
    const { chat, uploads } = this;
    const { words, config } = chat;
    const language = words.tag + String(!config?.files);
    if (this.language !== language) {
      this.language = language;
      this.text.placeholder = words.say('write');
      this.text.ariaLabel = words.say('message');
      this.pick.accept = config?.files?.mimes.join(',') ?? '';
      this.chips.ariaLabel = words.say('enclosed');
      this.quick.ariaLabel = words.say('answers');
      const send = iconButton('send', words.say('send'), () => undefined);
      send.type = 'submit';
      send.classList.add('send');
      this.buttons.replaceChildren(...(config?.files ? [iconButton('clip', words.say('attach'), () => this.pick.click())] : []), send);
    }
    this.offer();
    this.list();
    const over = this.text.value.length - (config?.text_max ?? Infinity);
    const busy = uploads.all.find((one) => !one.done && !one.failed);
    const failed = uploads.all.find((one) => one.failed);
    const hint = over > 0 ? words.say('too.long', { n: over }) : this.wrong || failed?.failed || (busy ? words.say('uploading', { name: busy.name }) : '');
    say(this.hint, hint);
    this.hint.classList.toggle('bad', over > 0 || !!this.wrong || !!failed);
    this.text.ariaInvalid = String(over > 0);
    // The wrapper's copy of the text makes the field as high as its words; see the stylesheet.
    this.text.parentElement?.setAttribute('data-text', `${this.text.value} `);
  }

  private typed(): void {
    this.kept.set('draft', this.text.value || null);
    this.chat.typing.ours(this.text.value !== '');
    this.wrong = '';
    this.render();
  }

  private send(): void {
    const text = this.text.value.trim();
    const { uploads } = this;
    if (uploads.busy || (!text && uploads.ready.length === 0)) return;
    if (text.length > (this.chat.config?.text_max ?? Infinity)) return;
    const files = uploads.ready;
    this.clear();
    this.chat.say(text, files);
    this.focus();
  }

  private list(): void {
    const { uploads, chat } = this;
    const print = chat.words.tag + JSON.stringify(uploads.all);
    if (print === this.listed) return;
    this.listed = print;
    this.chips.hidden = uploads.all.length === 0;
    this.chips.replaceChildren(
      ...uploads.all.map((one) => {
        const remove = iconButton('close', chat.words.say('remove', { name: one.name }), () => {
          uploads.remove(one.key);
          this.focus();
        });
        const face = one.failed ? icon('alert') : one.preview ? h('img', { src: one.preview, alt: '' }) : icon(one.done ? 'file' : 'clock');
        return h('li', { class: one.failed ? 'failed' : one.done ? '' : 'busy' }, face, h('span', {}, one.name), remove);
      }),
    );
  }

  /** What the visitor may say by one press: the agent's choices, or those of the greeting. */
  private offer(): void {
    const { thread, outbox, config, invitation } = this.chat;
    const last = thread.messages.at(-1);
    const opening = invitation ? [] : (config?.quick_replies ?? []);
    const all = outbox.all.length ? [] : !last ? opening : last.from === 'agent' && !last.removed ? last.quick_replies : [];
    const print = JSON.stringify(all);
    if (print === this.offered) return;
    this.offered = print;
    this.quick.hidden = all.length === 0;
    this.quick.replaceChildren(
      ...all.map((text) => {
        const onclick = (): void => {
          this.chat.say(text, [], true);
          this.focus();
        };
        return h('button', { type: 'button', dir: 'auto', onclick }, text);
      }),
    );
  }
}
