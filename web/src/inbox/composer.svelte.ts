// What the agent is writing in the open conversation. It promises that no word is lost: every change is
// kept in this browser at once and on the server soon, and nothing but a confirmed send or an emptied
// field removes it. What may be sent, where and how long, comes from the thread's allowance.
import { ApiError } from '../api/client';
import { conversations, media, threads as threadCalls } from '../api/calls';
import type { Id, Lane, Measure, Message, ReplyBody, Thread, Upload } from '../api/types';
import { announcer } from '../app/announce.svelte';
import { explain } from '../app/problems';
import { language, t } from '../i18n/i18n.svelte';
import { live } from '../live/live.svelte';
import { addressed, readAddresses, writeAddresses, type Answering } from './address';
import type { OpenConversation } from './conversation.svelte';
import { drafts } from './drafts';

export interface Enclosed {
  key: string;
  file: File;
  preview: string | null;
  upload: Upload | null;
  alt: string;
  failed: string | null;
}

export interface Refusal {
  code: string;
  text: string;
  cure?: string;
}

const MEASURE_AFTER = 250;
const KEEP_AFTER = 800;

const segments =
  typeof Intl.Segmenter === 'function' ? new Intl.Segmenter(undefined, { granularity: 'grapheme' }) : null;

function graphemes(text: string): number {
  if (!segments) return [...text].length;
  let count = 0;
  for (const _ of segments.segment(text)) count += 1;
  return count;
}

export class Composer {
  readonly conversation!: OpenConversation;
  mode = $state<'reply' | 'note'>('reply');
  chosen = $state<Id | null>(null);
  text = $state('');
  note = $state('');
  warning = $state('');
  warned = $state(false);
  chosenVisibility = $state<string | null>(null);
  language = $state<string | null>(null);
  /** To whom, where the channel leaves that to the writer. As typed; null is what the kind of answer says. */
  answeringAs = $state<Answering>('reply');
  to = $state<string | null>(null);
  cc = $state<string | null>(null);
  bcc = $state('');
  subject = $state('');
  enclosed = $state.raw<Enclosed[]>([]);
  sending = $state(false);
  refusal = $state.raw<Refusal | null>(null);
  saved = $state<'none' | 'local' | 'server'>('none');
  private measured = $state.raw<{ text: string; result: Measure } | null>(null);

  readonly thread = $derived.by((): Thread | null => {
    const { threads, lastIn } = this.conversation;
    const wanted = this.chosen ?? lastIn?.thread_id;
    const here = threads.filter((thread) => thread.here);
    return here.find((thread) => thread.id === wanted) ?? here.at(-1) ?? threads.at(-1) ?? null;
  });
  readonly allowance = $derived(this.thread?.allowance ?? null);
  readonly visibility = $derived(
    this.chosenVisibility ?? this.allowance?.default_visibility ?? null,
  );
  readonly lane = $derived<Lane>(
    this.visibility === 'direct' ? 'private' : (this.thread?.lane ?? 'public'),
  );
  readonly measure = $derived.by((): { used: number; max: number | null; over: boolean; exact: boolean } => {
    const text = this.text;
    if (this.measured?.text === this.fingerprint(text)) {
      return { ...this.measured.result, exact: true };
    }
    const max = this.allowance?.limit?.max ?? null;
    const used = graphemes(text) + (this.warned ? graphemes(this.warning) : 0);
    return { used, max, over: max !== null && used > max, exact: false };
  });
  readonly parts = $derived(
    this.measured?.text === this.fingerprint(this.text) ? this.measured.result.parts : null,
  );
  readonly hints = $derived(
    this.measured?.text === this.fingerprint(this.text) ? this.measured.result.notes : [],
  );
  readonly answering = $derived(
    this.conversation.messages.findLast(
      (message) =>
        message.direction === 'in' && message.thread_id === this.thread?.id && !message.removed_at,
    ) ?? null,
  );
  readonly altMissing = $derived(
    (this.allowance?.attachments.alt_max ?? 0) > 0 &&
      this.enclosed.some((item) => item.file.type.startsWith('image/') && item.alt.trim() === ''),
  );
  /** It cannot be answered from here, but somewhere else; what was said there can be written down. */
  readonly handOff = $derived(this.allowance && !this.allowance.may_reply ? (this.allowance.hand_off ?? null) : null);
  readonly addressing = $derived(this.allowance?.may_reply === true && this.allowance.recipients === true);
  private readonly usual = $derived(
    this.addressing ? addressed(this.answering, this.answeringAs) : { to: [], cc: [] },
  );
  readonly toText = $derived(this.to ?? writeAddresses(this.usual.to));
  readonly ccText = $derived(this.cc ?? writeAddresses(this.usual.cc));
  private readonly read = $derived({
    to: readAddresses(this.toText),
    cc: readAddresses(this.ccText),
    bcc: readAddresses(this.bcc),
  });
  /** What cannot be an address. */
  readonly misspelt = $derived.by((): string | null => {
    const wrong = [this.read.to, this.read.cc, this.read.bcc].flatMap((one) => one.wrong)[0];
    return this.addressing && wrong !== undefined ? t('address.wrong', { address: wrong }) : null;
  });
  /** Why it cannot go to anybody yet; null when it can. */
  readonly misaddressed = $derived(
    this.misspelt ?? (this.addressing && this.read.to.boxes.length === 0 ? t('address.missing') : null),
  );
  readonly uploading = $derived(this.enclosed.some((item) => !item.upload && !item.failed));
  /** Passing something on may go without a word. */
  readonly empty = $derived(
    this.text.trim() === '' && this.enclosed.length === 0 && !(this.addressing && this.answeringAs === 'forward'),
  );
  readonly sendable = $derived(
    !this.empty &&
      !this.sending &&
      !this.uploading &&
      !this.altMissing &&
      this.misaddressed === null &&
      (this.handOff !== null ||
        (!this.measure.over && this.allowance?.may_reply === true && this.enclosed.every((item) => item.upload))),
  );

  private key = crypto.randomUUID();
  private keyFor = '';
  private keepTimer: ReturnType<typeof setTimeout> | undefined;
  private measureTimer: ReturnType<typeof setTimeout> | undefined;
  private measuring: AbortController | undefined;
  private telling = false;

  constructor(conversation: OpenConversation) {
    this.conversation = conversation;
    this.restore();
  }

  /** The words of last time: this browser's, or the server's when those are newer. */
  restore(): void {
    const local = drafts.read(this.conversation.id);
    if (local) {
      this.note = local.note;
      this.warning = local.warning;
      this.warned = local.warning !== '';
      this.text = local.text;
      this.chosen = local.thread_id;
      this.chosenVisibility = local.visibility;
      if (local.addressing) {
        this.answeringAs = local.addressing.kind;
        this.to = local.addressing.to;
        this.cc = local.addressing.cc;
        this.bcc = local.addressing.bcc;
        this.subject = local.addressing.subject;
      }
      this.saved = 'local';
      this.remeasure();
    }
  }

  adopt(): void {
    const draft = this.conversation.draft;
    if (!draft || this.text !== '') return;
    this.text = draft.text;
    this.chosen = draft.thread_id;
    this.chosenVisibility = draft.visibility ?? null;
    this.warning = draft.content_warning ?? '';
    this.warned = this.warning !== '';
    this.saved = 'server';
    this.remeasure();
  }

  /** Call after every change by the agent. */
  changed(): void {
    this.refusal = null;
    this.keepLocally();
    this.remeasure();
    clearTimeout(this.keepTimer);
    this.keepTimer = setTimeout(() => void this.keepOnServer(), KEEP_AFTER);
    if (!this.telling && this.mode === 'reply' && this.text !== '') {
      this.telling = true;
      live.send({ type: 'replying', conversation_id: this.conversation.id, active: true });
    }
  }

  choose(thread: Id, visibility: string | null = null): void {
    this.chosen = thread;
    this.chosenVisibility = visibility;
    this.mode = 'reply';
    this.changed();
  }

  /** Answers, answers all, or passes on; who it goes to follows from that until somebody chooses otherwise. */
  answerAs(kind: Answering): void {
    this.answeringAs = kind;
    this.to = null;
    this.cc = null;
    this.changed();
  }

  /** The other lane: another thread, or this one said privately where the channel can. */
  switchLane(): void {
    const { threads } = this.conversation;
    const other: Lane = this.lane === 'public' ? 'private' : 'public';
    this.mode = 'reply';
    const thread = threads.findLast((one) => one.lane === other && one.here);
    if (thread) this.choose(thread.id);
    else if (other === 'private' && this.allowance?.visibilities.includes('direct') && this.thread) {
      this.choose(this.thread.id, 'direct');
    } else if (other === 'public' && this.thread?.lane === 'public') {
      this.choose(this.thread.id, null);
    } else announcer.say(t('composer.no_other_lane'));
  }

  async enclose(files: Iterable<File>): Promise<void> {
    const limit = this.allowance?.attachments;
    if (!limit) return;
    for (const file of files) {
      if (this.enclosed.length >= limit.max) {
        this.refusal = { code: 'attachments.max', text: t('composer.too_many', { max: limit.max }) };
        return;
      }
      const item: Enclosed = {
        key: crypto.randomUUID(),
        file,
        preview: file.type.startsWith('image/') ? URL.createObjectURL(file) : null,
        upload: null,
        alt: '',
        failed: null,
      };
      if (limit.max_bytes > 0 && file.size > limit.max_bytes) item.failed = t('composer.too_big');
      else if (limit.mimes.length > 0 && !limit.mimes.includes(file.type)) {
        item.failed = t('composer.wrong_kind');
      }
      this.enclosed = [...this.enclosed, item];
      if (item.failed) continue;
      try {
        const upload = await media.upload(file);
        this.edit(item.key, { upload });
      } catch (error) {
        this.edit(item.key, { failed: explain(error).text });
      }
    }
  }

  edit(key: string, change: Partial<Enclosed>): void {
    this.enclosed = this.enclosed.map((item) => (item.key === key ? { ...item, ...change } : item));
  }

  remove(key: string): void {
    const item = this.enclosed.find((one) => one.key === key);
    if (item?.preview) URL.revokeObjectURL(item.preview);
    this.enclosed = this.enclosed.filter((one) => one.key !== key);
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
    return this.parts ? this.deliver(this.parts, then) : false;
  }

  async saveNote(): Promise<boolean> {
    if (this.note.trim() === '' || this.sending) return false;
    this.sending = true;
    try {
      this.conversation.merge([await conversations.note(this.conversation.id, this.note)]);
      this.note = '';
      this.keepLocally();
      return true;
    } catch (error) {
      this.refuse(error);
      return false;
    } finally {
      this.sending = false;
    }
  }

  stop(): void {
    clearTimeout(this.measureTimer);
    this.measuring?.abort();
    if (this.keepTimer !== undefined) void this.keepOnServer();
    clearTimeout(this.keepTimer);
    this.quiet();
    for (const item of this.enclosed) if (item.preview) URL.revokeObjectURL(item.preview);
    if (this.text.trim() === '') void this.conversation.release().catch(() => undefined);
  }

  private async deliver(texts: string[], then: ReplyBody['then']): Promise<boolean> {
    this.sending = true;
    this.refusal = null;
    clearTimeout(this.keepTimer);
    this.keepTimer = undefined;
    try {
      const claim = await this.conversation.hold();
      for (const [index, text] of texts.entries()) {
        const thread = this.thread;
        const token = this.conversation.claim?.token ?? claim.token;
        if (!thread || token === undefined || token === null) return false;
        const last = index === texts.length - 1;
        const seen = { thread_id: thread.id, claim_token: token, seen_version: thread.version, then: last ? then : 'open' } as const;
        const key = this.keyOf(text);
        if (this.handOff) {
          this.conversation.merge([await conversations.elsewhere(this.conversation.id, key, { ...seen, text })]);
          continue;
        }
        const message = await conversations.reply(this.conversation.id, key, {
          ...seen,
          in_reply_to: this.answering?.id ?? null,
          text,
          visibility: this.visibility,
          content_warning: this.warned && this.warning.trim() ? this.warning : null,
          language: this.language ?? language.locale,
          ...this.addressee(),
          attachments:
            index === 0
              ? this.enclosed.flatMap((item) =>
                  item.upload ? [{ upload_id: item.upload.id, alt: item.alt }] : [],
                )
              : [],
        });
        this.conversation.merge([message]);
        if (!last) {
          this.text = texts.slice(index + 1).join('\n\n');
          this.keepLocally();
          await this.conversation.load();
        }
      }
      this.clear();
      // Our own words count too: the next answer must have seen them.
      if (then !== 'closed') void this.conversation.load();
      return true;
    } catch (error) {
      this.refuse(error);
      this.keepLocally();
      return false;
    } finally {
      this.sending = false;
    }
  }

  /** Only what somebody chose: left alone, the channel knows best to whom an answer goes. */
  private addressee(): Pick<ReplyBody, 'recipients' | 'forward' | 'subject'> {
    if (!this.addressing) return {};
    const chosen = this.answeringAs !== 'reply' || this.to !== null || this.cc !== null || this.bcc.trim() !== '';
    const { to, cc, bcc } = this.read;
    return {
      ...(chosen ? { recipients: { to: to.boxes, cc: cc.boxes, bcc: bcc.boxes } } : {}),
      ...(this.answeringAs === 'forward' ? { forward: true } : {}),
      ...(this.subject.trim() ? { subject: this.subject.trim() } : {}),
    };
  }

  /** The same words to the same thread keep their key, so that a retry cannot send them twice. */
  private keyOf(text: string): string {
    const about = `${this.thread?.id}|${this.visibility}|${JSON.stringify(this.addressee())}|${text}`;
    if (about !== this.keyFor) {
      this.key = crypto.randomUUID();
      this.keyFor = about;
    }
    return this.key;
  }

  private refuse(error: unknown): void {
    if (error instanceof ApiError && error.code === 'thread.moved' && this.thread) {
      const { thread_version, messages } = error.problem as unknown as {
        thread_version: number;
        messages?: Message[];
      };
      this.conversation.moved(this.thread.id, thread_version, messages ?? []);
      this.keyFor = '';
    }
    if (error instanceof ApiError && error.code === 'reply.too_long') {
      const result = error.problem as unknown as Partial<Measure>;
      this.measured = {
        text: this.fingerprint(this.text),
        result: {
          used: result.used ?? this.measure.used,
          max: result.max ?? this.measure.max ?? 0,
          unit: result.unit ?? 'graphemes',
          over: true,
          parts: result.parts ?? null,
          notes: [],
        },
      };
    }
    if (error instanceof ApiError && (error.code === 'claim.lost' || error.code === 'claim.held')) {
      void this.conversation.load();
    }
    const holder = error instanceof ApiError ? (error.problem['holder'] as { name?: string }) : undefined;
    const told = explain(error);
    this.refusal = {
      code: error instanceof ApiError ? error.code : 'unknown',
      text: holder?.name ? t('problem.claim.held.by', { name: holder.name }) : told.text,
      ...(told.cure ? { cure: told.cure } : {}),
    };
    announcer.interrupt(`${this.refusal.text} ${this.refusal.cure ?? ''}`);
  }

  private explainWhyNot(): void {
    if (this.sending || this.empty) return;
    const text = this.misaddressed
      ? this.misaddressed
      : this.altMissing
      ? t('composer.alt_missing')
      : this.uploading
        ? t('composer.uploading')
        : this.measure.over
          ? t('composer.too_long', { over: this.measure.used - (this.measure.max ?? 0) })
          : t('composer.cannot');
    this.refusal = { code: 'local', text };
    announcer.interrupt(text);
  }

  private clear(): void {
    this.text = '';
    this.warning = '';
    this.warned = false;
    this.answeringAs = 'reply';
    this.to = this.cc = null;
    this.bcc = this.subject = '';
    this.refusal = null;
    this.measured = null;
    this.keyFor = '';
    for (const item of this.enclosed) if (item.preview) URL.revokeObjectURL(item.preview);
    this.enclosed = [];
    this.conversation.fresh = new Set();
    this.keepLocally();
    this.saved = 'none';
    this.quiet();
  }

  private quiet(): void {
    if (!this.telling) return;
    this.telling = false;
    live.send({ type: 'replying', conversation_id: this.conversation.id, active: false });
  }

  private keepLocally(): void {
    drafts.write(this.conversation.id, {
      thread_id: this.thread?.id ?? this.chosen,
      text: this.text,
      note: this.note,
      warning: this.warned ? this.warning : '',
      visibility: this.chosenVisibility,
      ...(this.addressing
        ? { addressing: { kind: this.answeringAs, to: this.to, cc: this.cc, bcc: this.bcc, subject: this.subject } }
        : {}),
      at: Date.now(),
    });
    this.saved = this.text === '' && this.note === '' ? 'none' : 'local';
  }

  private async keepOnServer(): Promise<void> {
    this.keepTimer = undefined;
    if (!this.thread) return;
    try {
      await conversations.draft(this.conversation.id, {
        thread_id: this.thread.id,
        text: this.text,
        visibility: this.visibility,
        content_warning: this.warned ? this.warning : null,
      });
      if (this.text !== '') this.saved = 'server';
    } catch {
      // It is safe in this browser; the next change tries again.
    }
  }

  private fingerprint(text: string): string {
    return `${this.thread?.id}|${this.visibility}|${this.warned ? this.warning : ''}|${text}`;
  }

  private remeasure(): void {
    clearTimeout(this.measureTimer);
    this.measureTimer = setTimeout(() => void this.ask(), MEASURE_AFTER);
  }

  private async ask(): Promise<void> {
    this.measuring?.abort();
    const { text, thread } = this;
    if (!thread || text === '' || !thread.allowance.may_reply) return;
    const print = this.fingerprint(text);
    const abort = (this.measuring = new AbortController());
    try {
      const result = await threadCalls.measure(
        thread.id,
        {
          text,
          in_reply_to: this.answering?.id ?? null,
          visibility: this.visibility,
          content_warning: this.warned && this.warning ? this.warning : null,
        },
        abort.signal,
      );
      this.measured = { text: print, result };
    } catch {
      // The local count stays; the server judges again at send.
    }
  }
}
