// What the agent is writing in the open conversation. It promises that no word is lost: every change is
// kept in this browser at once and on the server soon, and nothing but a confirmed send or an emptied
// field removes it. What may be sent, where and how long, comes from the thread's allowance.
import { ApiError } from '../api/client';
import { conversations } from '../api/calls';
import type { Draft, Id, Measure, Message, ReplyBody } from '../api/types';
import { announcer } from '../app/announce.svelte';
import { explain } from '../app/problems';
import { language, t } from '../i18n/i18n.svelte';
import { live } from '../live/live.svelte';
import type { Answering } from './address';
import { Addressing } from './addressing.svelte';
import { attemptAt, type Attempt } from './attempt';
import type { OpenConversation } from './conversation.svelte';
import { Destination } from './destination.svelte';
import type { LocalDraft } from './drafts';
import { Enclosures } from './enclosures.svelte';
import { Keeping } from './keeping.svelte';
import { Measuring } from './measuring.svelte';

export interface Refusal {
  of: 'reply' | 'note';
  code: string;
  text: string;
  cure?: string;
}

type Said = Omit<ReplyBody, 'claim_token' | 'seen_version' | 'then'>;

export class Composer {
  readonly conversation!: OpenConversation;
  mode = $state<'reply' | 'note'>('reply');
  text = $state('');
  note = $state('');
  warning = $state('');
  warned = $state(false);
  language = $state<string | null>(null);
  sending = $state(false);
  refusal = $state.raw<Refusal | null>(null);

  readonly place!: Destination;
  readonly keeping!: Keeping;
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
      !this.sending &&
      !this.files.uploading &&
      !this.files.altMissing &&
      this.address.misaddressed === null &&
      (this.place.handOff !== null ||
        (!this.measuring.size.over && this.place.allowance?.may_reply === true && this.files.ready)),
  );

  private tried: Attempt | null = null;
  private noteTried: Attempt | null = null;
  private telling = false;

  constructor(conversation: OpenConversation) {
    this.conversation = conversation;
    this.place = new Destination(conversation);
    this.keeping = new Keeping(conversation.id, () => this.words(), () => this.answer());
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
      this.tried = local.tried ?? null;
      this.noteTried = local.note_tried ?? null;
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
    this.refusal = null;
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
    if (max !== null) this.refusal = { of: 'reply', code: 'attachments.max', text: t('composer.too_many', { max }) };
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
    if (this.note.trim() === '' || this.sending) return false;
    const said = this.note;
    this.sending = true;
    this.refusal = null;
    this.noteTried = attemptAt(this.noteTried, said);
    this.keeping.here();
    try {
      this.conversation.merge([await conversations.note(this.conversation.id, this.noteTried.key, said)]);
      this.noteTried = null;
      // What was typed meanwhile stays.
      if (this.note === said) this.note = '';
      this.keeping.here();
      return true;
    } catch (error) {
      this.refuse(error, 'note');
      return false;
    } finally {
      this.sending = false;
    }
  }

  stop(): void {
    this.measuring.stop();
    this.keeping.stop();
    this.quiet();
    this.files.stop();
    if (this.text.trim() === '') void this.conversation.release().catch(() => undefined);
  }

  private async deliver(texts: string[], then: ReplyBody['then']): Promise<boolean> {
    if (!this.place.thread) return false;
    // As it was when it was sent: whatever is typed or chosen from here on is for later.
    const { id: thread } = this.place.thread;
    const handed = this.place.handOff !== null;
    const said = texts.map((text, index) => this.saying(text, thread, index === 0));
    const { keys: files } = this.files;
    let field = this.text;
    this.sending = true;
    this.refusal = null;
    this.keeping.cancel();
    try {
      const claim = await this.conversation.hold();
      for (const [index, saying] of said.entries()) {
        const version = this.conversation.threads.find((one) => one.id === thread)?.version;
        const token = this.conversation.claim?.token ?? claim.token;
        if (version === undefined || token === undefined || token === null) return false;
        const last = index === said.length - 1;
        const seen = { claim_token: token, seen_version: version, then: last ? then : 'open' } as const;
        this.conversation.merge([await this.once(saying, seen, handed)]);
        this.tried = null;
        if (!last && !handed) {
          const rest = texts.slice(index + 1).join('\n\n');
          if (this.text === field) this.text = field = rest;
          this.keeping.here();
          await this.conversation.load();
        }
      }
      this.clear(field, files);
      // Our own words count too: the next answer must have seen them.
      if (then !== 'closed') void this.conversation.load();
      return true;
    } catch (error) {
      this.refuse(error, 'reply');
      this.keeping.here();
      return false;
    } finally {
      this.sending = false;
    }
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

  /** One attempt. The same words keep their key and the message that they answered when they were first tried. */
  private once(said: Said, seen: Pick<ReplyBody, 'claim_token' | 'seen_version' | 'then'>, handed: boolean): Promise<Message> {
    const { in_reply_to: to, ...words } = said;
    this.tried = attemptAt(this.tried, JSON.stringify(words), to ?? null);
    const { id } = this.conversation;
    const { key } = this.tried;
    this.keeping.here();
    return handed
      ? conversations.elsewhere(id, key, { thread_id: said.thread_id, text: said.text, ...seen })
      : conversations.reply(id, key, { ...said, in_reply_to: this.tried.to ?? null, ...seen });
  }

  private refuse(error: unknown, of: Refusal['of']): void {
    // The server looked at it and did not take it, so another attempt is another one.
    if (of === 'reply' && error instanceof ApiError && /^(thread\.moved|claim\.lost|reply\.|elsewhere\.)/.test(error.code)) {
      this.tried = null;
    }
    if (error instanceof ApiError && error.code === 'thread.moved' && this.place.thread) {
      const { thread_version, messages } = error.problem as unknown as {
        thread_version: number;
        messages?: Message[];
      };
      this.conversation.moved(this.place.thread.id, thread_version, messages ?? []);
    }
    if (error instanceof ApiError && error.code === 'reply.too_long') {
      this.measuring.refused(error.problem as unknown as Partial<Measure>);
    }
    if (error instanceof ApiError && (error.code === 'claim.lost' || error.code === 'claim.held')) {
      void this.conversation.load();
    }
    const holder = error instanceof ApiError ? (error.problem['holder'] as { name?: string }) : undefined;
    const told = explain(error);
    this.refusal = {
      of,
      code: error instanceof ApiError ? error.code : 'unknown',
      text: holder?.name ? t('problem.claim.held.by', { name: holder.name }) : told.text,
      ...(told.cure ? { cure: told.cure } : {}),
    };
    announcer.interrupt(`${this.refusal.text} ${this.refusal.cure ?? ''}`);
  }

  private explainWhyNot(): void {
    if (this.sending || this.empty) return;
    const { size } = this.measuring;
    const text = this.address.misaddressed
      ? this.address.misaddressed
      : this.files.altMissing
      ? t('composer.alt_missing')
      : this.files.uploading
        ? t('composer.uploading')
        : size.over
          ? t('composer.too_long', { over: size.used - (size.max ?? 0) })
          : t('composer.cannot');
    this.refusal = { of: 'reply', code: 'local', text };
    announcer.interrupt(text);
  }

  /** What was sent is gone from the field, unless somebody went on typing meanwhile; so are its files. */
  private clear(sent: string, files: ReadonlySet<string>): void {
    this.files.drop(files);
    this.refusal = null;
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
    this.keeping.here();
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
      tried: this.tried,
      note_tried: this.noteTried,
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
