// Sending an answer or a note. It promises that the same words are said once however often it is tried, also over a reload, that an
// answer has seen the newest turn, and that a refusal is told with its cure. The words and their field are the composer's.
import { ApiError } from '../api/client';
import { conversations } from '../api/calls';
import type { Id, Measure, Message, ReplyBody } from '../api/types';
import { announcer } from '../app/announce.svelte';
import { explain } from '../app/problems';
import { t } from '../i18n/i18n.svelte';
import { attemptAt, type Attempt } from './attempt';
import type { OpenConversation } from './conversation.svelte';

export interface Refusal {
  of: 'reply' | 'note';
  code: string;
  text: string;
  cure?: string;
}

export type Said = Omit<ReplyBody, keyof Seen>;
type Seen = Pick<ReplyBody, 'claim_token' | 'seen_version' | 'seen_count' | 'then'>;

interface Around {
  /** Keeps what is tried in this browser, before it is tried. */
  keep(): void;
  tooLong(told: Partial<Measure>): void;
}

export class Sending {
  private readonly conversation: OpenConversation;
  private readonly around: Around;
  busy = $state(false);
  refusal = $state.raw<Refusal | null>(null);
  private tried: Attempt | null = null;
  private noteTried: Attempt | null = null;

  constructor(conversation: OpenConversation, around: Around) {
    this.conversation = conversation;
    this.around = around;
  }

  /**
   * Answers in order, all in one thread, stopping at the first refusal; `went` hears how many have gone. True when the server accepted
   * all of them. With `handed` they were said elsewhere and are written down.
   */
  async replies(said: readonly Said[], then: ReplyBody['then'], handed: boolean, went: (sent: number) => void): Promise<boolean> {
    const thread = said[0]?.thread_id ?? '';
    // As it was when it was sent: what comes while we wait for the server was not seen.
    const { seen: count } = this.conversation;
    this.busy = true;
    this.refusal = null;
    try {
      const claim = await this.conversation.hold();
      for (const [index, saying] of said.entries()) {
        const version = this.conversation.threads.find((one) => one.id === thread)?.version;
        const token = this.conversation.claim?.token ?? claim.token;
        if (version === undefined || token === undefined || token === null) return false;
        const last = index === said.length - 1;
        const seen = { claim_token: token, seen_version: version, seen_count: count, then: last ? then : 'open' } as const;
        this.conversation.merge([await this.once(saying, seen, handed)]);
        this.tried = null;
        went(index + 1);
        this.around.keep();
        if (!last) await this.conversation.load();
      }
      // Our own words count too: the next answer must have seen them.
      if (then !== 'closed') void this.conversation.load();
      return true;
    } catch (error) {
      this.refuse(error, 'reply', thread);
      this.around.keep();
      return false;
    } finally {
      this.busy = false;
    }
  }

  async note(text: string, went: () => void): Promise<boolean> {
    this.busy = true;
    this.refusal = null;
    this.noteTried = attemptAt(this.noteTried, text);
    this.around.keep();
    try {
      this.conversation.merge([await conversations.note(this.conversation.id, this.noteTried.key, text)]);
      this.noteTried = null;
      went();
      this.around.keep();
      return true;
    } catch (error) {
      this.refuse(error, 'note');
      return false;
    } finally {
      this.busy = false;
    }
  }

  /** Why it cannot be sent, before the server was asked. */
  cannot(text: string): void {
    this.refusal = { of: 'reply', code: 'local', text };
    announcer.interrupt(text);
  }

  /** As a draft keeps it. */
  get kept(): { tried: Attempt | null; note_tried: Attempt | null } {
    return { tried: this.tried, note_tried: this.noteTried };
  }

  restore(kept: { tried?: Attempt | null | undefined; note_tried?: Attempt | null | undefined }): void {
    this.tried = kept.tried ?? null;
    this.noteTried = kept.note_tried ?? null;
  }

  /** One attempt. The same words keep their key and the message that they answered when they were first tried. */
  private once(said: Said, seen: Seen, handed: boolean): Promise<Message> {
    const { in_reply_to: to, ...words } = said;
    const { key, to: first } = (this.tried = attemptAt(this.tried, JSON.stringify(words), to ?? null));
    const { id } = this.conversation;
    this.around.keep();
    return handed
      ? conversations.elsewhere(id, key, { thread_id: said.thread_id, text: said.text, ...seen })
      : conversations.reply(id, key, { ...said, in_reply_to: first ?? null, ...seen });
  }

  private refuse(error: unknown, of: Refusal['of'], thread?: Id): void {
    const code = error instanceof ApiError ? error.code : 'unknown';
    const problem = error instanceof ApiError ? error.problem : undefined;
    // The server looked at it and did not take it, so another attempt is another one.
    if (of === 'reply' && /^(thread\.moved|conversation\.moved|claim\.lost|reply\.|elsewhere\.)/.test(code)) this.tried = null;
    if (problem && code === 'thread.moved' && thread) {
      const { thread_version, messages } = problem as unknown as { thread_version: number; messages?: Message[] };
      this.conversation.moved(thread, thread_version, messages ?? []);
    }
    if (problem && code === 'conversation.moved') this.conversation.unseen(problem);
    if (problem && code === 'reply.too_long') this.around.tooLong(problem as unknown as Partial<Measure>);
    if (code === 'claim.lost' || code === 'claim.held') void this.conversation.load();
    const holder = problem?.['holder'] as { name?: string } | undefined;
    const told = explain(error);
    const text = holder?.name ? t('problem.claim.held.by', { name: holder.name }) : told.text;
    this.refusal = { of, code, text, ...(told.cure ? { cure: told.cure } : {}) };
    announcer.interrupt(`${text} ${told.cure ?? ''}`);
  }
}
