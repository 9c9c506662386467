// Where an answer goes: which thread, how publicly, and to which message. From its first word on it goes where it was begun: news in
// another thread does not take it along, and is told instead.
import type { Id, Lane, Message, Thread } from '../api/types';
import type { OpenConversation } from './conversation.svelte';

/** Where an answer was begun, and the newest message of the customer's at that moment. */
interface Pinned {
  thread: Id;
  visibility: string | null;
  seen: Id | null;
}

export class Destination {
  private readonly conversation!: Pick<OpenConversation, 'threads' | 'messages' | 'lastIn'>;
  private chosen = $state<Id | null>(null);
  private pinned = $state.raw<Pinned | null>(null);
  /** How publicly, where somebody chose; else as the thread or the draft says. */
  chosenVisibility = $state<string | null>(null);

  readonly thread = $derived.by((): Thread | null => {
    const { threads, lastIn } = this.conversation;
    // Words that are there stay where they were begun, also when that thread went on in another conversation:
    // the server then says so.
    const begun = threads.find((thread) => thread.id === this.pinned?.thread);
    if (begun) return begun;
    const wanted = this.chosen ?? lastIn?.thread_id;
    const here = threads.filter((thread) => thread.here);
    return here.find((thread) => thread.id === wanted) ?? here.at(-1) ?? threads.at(-1) ?? null;
  });
  readonly allowance = $derived(this.thread?.allowance ?? null);
  readonly visibility = $derived(
    this.chosenVisibility ?? this.pinned?.visibility ?? this.allowance?.default_visibility ?? null,
  );
  readonly lane = $derived<Lane>(this.visibility === 'direct' ? 'private' : (this.thread?.lane ?? 'public'));
  /** The thread in which the customer spoke since, when it is not the one that this answer goes to. */
  readonly elsewhere = $derived.by((): Thread | null => {
    const { threads, lastIn } = this.conversation;
    if (!this.pinned || !lastIn || lastIn.id === this.pinned.seen || lastIn.thread_id === this.thread?.id) return null;
    return threads.find((thread) => thread.id === lastIn.thread_id) ?? null;
  });
  /** The message that is answered. */
  readonly answering = $derived.by(
    (): Message | null =>
      this.conversation.messages.findLast(
        (message) => message.direction === 'in' && message.thread_id === this.thread?.id && !message.removed_at,
      ) ?? null,
  );
  /** It cannot be answered from here, but somewhere else; what was said there can be written down. */
  readonly handOff = $derived(this.allowance && !this.allowance.may_reply ? (this.allowance.hand_off ?? null) : null);

  constructor(conversation: Pick<OpenConversation, 'threads' | 'messages' | 'lastIn'>) {
    this.conversation = conversation;
  }

  choose(thread: Id, visibility: string | null): void {
    this.chosen = thread;
    this.chosenVisibility = visibility;
    this.pinned = null;
  }

  /** In the other lane: another thread, or this one said privately where the channel can. Null when there is none. */
  otherLane(): { thread: Id; visibility: string | null } | null {
    const { thread } = this;
    const other: Lane = this.lane === 'public' ? 'private' : 'public';
    const there = this.conversation.threads.findLast((one) => one.lane === other && one.here);
    if (there) return { thread: there.id, visibility: null };
    if (!thread) return null;
    if (other === 'private' && this.allowance?.visibilities.includes('direct')) return { thread: thread.id, visibility: 'direct' };
    return other === 'public' && thread.lane === 'public' ? { thread: thread.id, visibility: null } : null;
  }

  /** Something is written, so it stays where it goes now; or nothing is any more, so it may follow the customer again. */
  pin(begun: boolean): void {
    if (!begun) this.pinned = null;
    else if (!this.pinned && this.thread) {
      this.pinned = { thread: this.thread.id, visibility: this.visibility, seen: this.conversation.lastIn?.id ?? null };
    }
  }

  /** A draft was begun there. */
  pinTo(thread: Id, visibility: string | null, seen: Id | null): void {
    this.pinned = { thread, visibility, seen };
  }

  /** As a draft keeps it. */
  get kept(): { thread_id: Id | null; seen: Id | null; visibility: string | null } {
    const { pinned, chosenVisibility } = this;
    return { thread_id: pinned?.thread ?? null, seen: pinned?.seen ?? null, visibility: chosenVisibility };
  }
}
