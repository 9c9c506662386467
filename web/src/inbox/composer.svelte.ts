// What the agent is writing in the open conversation. It promises that no word is lost: every change is
// kept in this browser at once and on the server soon, and nothing but a confirmed send or an emptied
// field removes it. What may be sent, where and how long, comes from the thread's allowance. It owns the
// words and puts the parts together; each part answers one question: where it goes, to whom, what goes
// along, how long it is, where it is kept, and how it is sent.
import type { Draft, Id, ReplyBody } from '../api/types';
import { announcer } from '../app/announce.svelte';
import { language, t } from '../i18n/i18n.svelte';
import { live } from '../live/live.svelte';
import type { Answering } from './address';
import { Addressing } from './addressing.svelte';
import type { OpenConversation } from './conversation.svelte';
import { Destination } from './destination.svelte';
import type { LocalDraft } from './drafts';
import { Enclosures } from './enclosures.svelte';
import { Keeping } from './keeping.svelte';
import { Measuring } from './measuring.svelte';
import { Sending, type Said } from './sending.svelte';

export class Composer {
  readonly conversation!: OpenConversation;
  mode = $state<'reply' | 'note'>('reply');
  text = $state('');
  note = $state('');
  warning = $state('');
  warned = $state(false);
  language = $state<string | null>(null);

  readonly place!: Destination;
  readonly keeping!: Keeping;
  readonly sending!: Sending;
  readonly measuring = new Measuring(() => ({
    thread: this.place.thread,
    text: this.text,
    warning: this.warned ? this.warning : '',
    visibility: this.place.visibility,
    answers: this.place.answering?.id ?? null,
  }));
  readonly files = new Enclosures(
    () => this.place.allowance?.attachments ?? null,
    () => this.pin(),
  );
  readonly address = new Addressing(
    () => this.place.allowance?.may_reply === true && this.place.allowance.recipients === true,
    () => this.place.answering,
  );
  readonly empty = $derived(this.text.trim() === '' && this.files.items.length === 0 && !this.address.forwards);
  readonly sendable = $derived(
    !this.empty &&
      !this.sending.busy &&
      !this.files.uploading &&
      !this.files.altMissing &&
      this.address.misaddressed === null &&
      (this.place.handOff !== null ||
        (!this.measuring.size.over && this.place.allowance?.may_reply === true && this.files.ready)),
  );

  private telling = false;

  constructor(conversation: OpenConversation) {
    this.conversation = conversation;
    this.place = new Destination(conversation);
    this.keeping = new Keeping(conversation.id, () => this.words(), () => this.answer());
    this.sending = new Sending(conversation, {
      keep: () => this.keeping.here(),
      tooLong: (told) => this.measuring.refused(told),
    });
    this.restore();
  }

  /** The words of last time: this browser's, or the server's when those are newer. */
  restore(): void {
    const local = this.keeping.last();
    if (local) {
      this.note = local.note;
      this.warning = local.warning;
      this.warned = local.warning !== '';
      this.text = local.text;
      this.language = local.language ?? null;
      this.sending.restore(local);
      this.place.chosenVisibility = local.visibility;
      if (local.thread_id && local.text !== '') this.place.pinTo(local.thread_id, null, local.seen ?? null);
      if (local.addressing) this.address.restore(local.addressing);
      this.measuring.again();
    }
  }

  adopt(): void {
    const draft = this.conversation.draft;
    if (!draft || draft.text === '' || this.text !== '') {
      this.pin();
      return;
    }
    this.text = draft.text;
    if (draft.thread_id) this.place.pinTo(draft.thread_id, draft.visibility ?? null, this.conversation.lastIn?.id ?? null);
    else this.pin();
    this.warning = draft.content_warning ?? '';
    this.warned = this.warning !== '';
    this.keeping.saved = 'server';
    this.measuring.again();
  }

  /** Call after every change by the agent. */
  changed(): void {
    this.sending.refusal = null;
    this.pin();
    this.keeping.here();
    this.measuring.again();
    this.keeping.soon();
    if (!this.telling && this.mode === 'reply' && this.text !== '') {
      this.telling = true;
      live.send({ type: 'replying', conversation_id: this.conversation.id, active: true });
    }
  }

  choose(thread: Id, visibility: string | null = null): void {
    this.place.choose(thread, visibility);
    this.mode = 'reply';
    this.changed();
  }

  answerAs(kind: Answering): void {
    this.address.as(kind);
    this.changed();
  }

  switchLane(): void {
    const other = this.place.otherLane();
    this.mode = 'reply';
    if (other) this.choose(other.thread, other.visibility);
    else announcer.say(t('composer.no_other_lane'));
  }

  async enclose(files: Iterable<File>): Promise<void> {
    const max = await this.files.add(files);
    if (max !== null) this.sending.refusal = { of: 'reply', code: 'attachments.max', text: t('composer.too_many', { max }) };
  }

  /** Sends what is written; true when the server accepted all of it. */
  async send(then: ReplyBody['then']): Promise<boolean> {
    if (!this.sendable) {
      this.explainWhyNot();
      return false;
    }
    return this.deliver([this.text], then);
  }

  /** Sends the parts that the server proposed, in order, stopping at the first refusal. */
  async sendParts(then: ReplyBody['then']): Promise<boolean> {
    const { parts } = this.measuring;
    return parts ? this.deliver(parts, then) : false;
  }

  async saveNote(): Promise<boolean> {
    if (this.note.trim() === '' || this.sending.busy) return false;
    const said = this.note;
    return this.sending.note(said, () => {
      // What was typed meanwhile stays.
      if (this.note === said) this.note = '';
    });
  }

  stop(): void {
    this.measuring.stop();
    this.keeping.stop();
    this.quiet();
    this.files.stop();
    if (this.text.trim() === '') void this.conversation.release().catch(() => undefined);
  }

  private async deliver(texts: string[], then: ReplyBody['then']): Promise<boolean> {
    const { thread, handOff } = this.place;
    if (!thread) return false;
    // As it was when it was sent: whatever is typed or chosen from here on is for later.
    const said = texts.map((text, index) => this.saying(text, thread.id, index === 0));
    const { keys: files } = this.files;
    let field = this.text;
    this.keeping.cancel();
    return this.sending.replies(said, then, handOff !== null, (sent) => {
      if (sent === texts.length) this.clear(field, files);
      else if (this.text === field) this.text = field = texts.slice(sent).join('\n\n');
    });
  }

  private saying(text: string, thread: Id, first: boolean): Said {
    return {
      thread_id: thread,
      in_reply_to: this.place.answering?.id ?? null,
      text,
      visibility: this.place.visibility,
      content_warning: this.warned && this.warning.trim() ? this.warning : null,
      language: this.language ?? language.locale,
      ...this.address.body,
      attachments: first ? this.files.uploads : [],
    };
  }

  private explainWhyNot(): void {
    if (this.sending.busy || this.empty) return;
    const { size } = this.measuring;
    const { files, address, sending } = this;
    if (address.misaddressed) sending.cannot(address.misaddressed);
    else if (files.altMissing) sending.cannot(t('composer.alt_missing'));
    else if (files.uploading) sending.cannot(t('composer.uploading'));
    else if (size.over) sending.cannot(t('composer.too_long', { over: size.used - (size.max ?? 0) }));
    else sending.cannot(t('composer.cannot'));
  }

  /** What was sent is gone from the field, unless somebody went on typing meanwhile; so are its files. */
  private clear(sent: string, files: ReadonlySet<string>): void {
    this.files.drop(files);
    this.sending.refusal = null;
    this.measuring.forget();
    this.conversation.fresh = new Set();
    if (this.text === sent) {
      this.text = '';
      this.warning = '';
      this.warned = false;
      this.address.reset();
      this.quiet();
    }
    this.pin();
  }

  private pin(): void {
    this.place.pin(this.text !== '' || this.files.items.length > 0 || this.address.touched);
  }

  private quiet(): void {
    if (!this.telling) return;
    this.telling = false;
    live.send({ type: 'replying', conversation_id: this.conversation.id, active: false });
  }

  /** As this browser keeps it. */
  private words(): Omit<LocalDraft, 'at'> {
    return {
      ...this.place.kept,
      text: this.text,
      note: this.note,
      ...this.sending.kept,
      language: this.language,
      warning: this.warned ? this.warning : '',
      addressing: this.address.kept,
    };
  }

  /** As the server keeps it. */
  private answer(): Draft | null {
    const { thread, visibility } = this.place;
    const warning = this.warned ? this.warning : null;
    return thread && { thread_id: thread.id, text: this.text, visibility, content_warning: warning };
  }
}
