// The conversation that is open: its messages, its threads with what they allow now, who else is here,
// and whose claim it is. Events merge in by id; after a customer's message the whole is fetched again,
// because only that tells the new thread version and allowance.
import { ApiError } from '../api/client';
import { conversations } from '../api/calls';
import type {
  ClaimInfo,
  Contact,
  Conversation,
  Draft,
  Id,
  LiveEvent,
  LogLine,
  Message,
  Suggestion,
  Thread,
  Viewer,
  VisitorHere,
} from '../api/types';
import { nowFor } from '../app/clock.svelte';
import { session } from '../app/session.svelte';
import { queues } from './queue.svelte';
import { rows, type Row } from './row.svelte';
import { bySent } from './turns';

export class OpenConversation {
  readonly id: Id;
  phase = $state<'loading' | 'ready' | 'failed'>('loading');
  error = $state.raw<ApiError | null>(null);
  row = $state.raw<Row | null>(null);
  threads = $state.raw<Thread[]>([]);
  messages = $state.raw<Message[]>([]);
  earlier = $state<string | null>(null);
  contact = $state.raw<Contact | null>(null);
  suggestions = $state.raw<Suggestion[]>([]);
  history = $state.raw<Row[]>([]);
  draft = $state.raw<Draft | null>(null);
  log = $state.raw<LogLine[]>([]);
  claim = $state.raw<ClaimInfo | null>(null);
  viewers = $state.raw<Viewer[]>([]);
  /** Who is at the other end of a chat, while that is told. */
  visitor = $state.raw<VisitorHere | null>(null);
  private fading: ReturnType<typeof setTimeout> | undefined;
  /** Messages that arrived while the agent was here and that a refused send points at. */
  fresh = $state.raw<ReadonlySet<Id>>(new Set());
  /** How many of its messages were shown here, as the server counts them: what is decided is decided on these. */
  seen = 0;

  readonly others = $derived(this.viewers.filter((viewer) => viewer.user_id !== session.id));
  readonly mine = $derived(this.claim?.user_id === session.id);
  readonly heldBy = $derived(
    this.claim && this.claim.user_id !== session.id && this.claim.until > nowFor(this.claim.until)
      ? this.claim.user_id
      : null,
  );
  readonly lastIn = $derived(
    this.messages.findLast((message) => message.direction === 'in' && !message.removed_at) ?? null,
  );

  private stopped = false;
  private asked = 0;
  private shown = 0;
  private refetch: ReturnType<typeof setTimeout> | undefined;
  private renew: ReturnType<typeof setTimeout> | undefined;
  private asking: Promise<ClaimInfo> | undefined;

  constructor(id: Id) {
    this.id = id;
    this.row = rows.get(id) ?? null;
  }

  async load(): Promise<void> {
    const turn = ++this.asked;
    try {
      const found = await conversations.get(this.id);
      // An answer that was overtaken by a later one is old.
      if (turn < this.shown) return;
      this.shown = turn;
      this.take(found);
    } catch (error) {
      if (this.stopped || turn < this.shown) return;
      const gone = error instanceof ApiError && (error.status === 403 || error.status === 404);
      if (this.phase === 'ready' && !gone) return;
      if (gone) this.empty();
      this.shown = turn;
      this.error = error instanceof ApiError ? error : null;
      this.phase = 'failed';
    }
  }

  /** Nobody reads on in what is no longer theirs to see. */
  private empty(): void {
    clearTimeout(this.renew);
    this.row = null;
    this.threads = [];
    this.messages = [];
    this.earlier = null;
    this.contact = null;
    this.suggestions = [];
    this.history = [];
    this.draft = null;
    this.log = [];
    this.claim = null;
    this.viewers = [];
    this.visitor = null;
  }

  async loadEarlier(): Promise<void> {
    if (!this.earlier) return;
    const page = await conversations.earlier(this.id, this.earlier);
    this.earlier = page.earlier;
    this.merge(page.items);
  }

  apply(event: LiveEvent): void {
    if (event.message) this.merge([event.message]);
    else if (event.message_id) this.drop(event.message_id);
    if (event.row) {
      this.follow(event.row.claim);
      this.seen = Math.max(this.seen, event.row.message_count);
    }
    if (event.kind !== 'conversation.created') this.again();
  }

  merge(messages: Message[]): void {
    const byId = new Map(this.messages.map((message) => [message.id, message]));
    for (const message of messages) byId.set(message.id, message);
    this.messages = [...byId.values()].sort(bySent);
  }

  /** An echo that turned out to be a message of ours: the one we have stays. */
  private drop(id: Id): void {
    this.messages = this.messages.filter((message) => message.id !== id);
  }

  /** The server refused a send because these came in between. */
  moved(thread: Id, version: number, messages: Message[]): void {
    this.merge(messages);
    this.fresh = new Set(messages.map((message) => message.id));
    this.threads = this.threads.map((one) => (one.id === thread ? { ...one, version } : one));
    void this.load();
  }

  /** The server refused a decision because these were not shown here yet, in whichever thread. */
  unseen(problem: object): void {
    const { message_count: count, messages } = problem as { message_count: number; messages: Message[] };
    this.merge(messages);
    this.fresh = new Set(messages.map((message) => message.id));
    this.seen = Math.max(this.seen, count);
    void this.load();
  }

  /** Takes or renews the claim; the promise fails with `claim.held` when a colleague has it. */
  hold(): Promise<ClaimInfo> {
    if (this.mine && this.claim?.token !== undefined && this.claim.until > Date.now() + 5000) {
      return Promise.resolve(this.claim);
    }
    this.asking ??= conversations
      .claim(this.id)
      .then((claim) => {
        this.keep(claim);
        return claim;
      })
      .finally(() => (this.asking = undefined));
    return this.asking;
  }

  async release(): Promise<void> {
    if (!this.mine) return;
    clearTimeout(this.renew);
    this.claim = null;
    if (this.row) this.row.claim = null;
    await conversations.release(this.id);
  }

  keep(claim: ClaimInfo): void {
    this.claim = claim;
    if (this.row) this.row.claim = claim;
    clearTimeout(this.renew);
    if (this.stopped) return;
    const half = Math.max(5000, (claim.until - Date.now()) / 2);
    this.renew = setTimeout(() => {
      if (!this.mine || this.stopped) return;
      conversations.claim(this.id).then(
        (renewed) => this.keep(renewed),
        () => this.again(),
      );
    }, half);
  }

  /** Typing is told now and then, never that it stopped for good: it fades. */
  meets(visitor: VisitorHere): void {
    clearTimeout(this.fading);
    this.visitor = visitor;
    if (visitor.typing) this.fading = setTimeout(() => (this.visitor = { ...visitor, typing: false }), 6000);
  }

  stop(): void {
    clearTimeout(this.fading);
    this.stopped = true;
    clearTimeout(this.refetch);
    clearTimeout(this.renew);
  }

  private take(found: Conversation): void {
    if (this.stopped) return;
    this.row = queues.take(found.row);
    this.threads = found.threads;
    this.merge(found.messages);
    this.seen = Math.max(this.seen, found.row.message_count);
    if (this.phase !== 'ready') this.earlier = found.earlier;
    this.contact = found.contact;
    this.suggestions = found.suggestions;
    this.log = found.log;
    this.history = found.history.map((row) => rows.take(row));
    if (this.phase !== 'ready') this.draft = found.draft;
    this.viewers = found.viewers;
    if (found.claim?.user_id === session.id && found.claim.token !== undefined) this.keep(found.claim);
    else this.follow(found.claim);
    this.phase = 'ready';
    this.error = null;
  }

  /** A claim as others see it: it has no token, so ours is kept when it is still ours. */
  private follow(claim: ClaimInfo | null): void {
    if (claim && claim.user_id === session.id && this.mine) {
      this.claim = { ...claim, ...(this.claim?.token !== undefined ? { token: this.claim.token } : {}) };
    } else {
      this.claim = claim;
    }
  }

  private again(): void {
    clearTimeout(this.refetch);
    this.refetch = setTimeout(() => void this.load(), 120);
  }
}

class Current {
  conversation = $state.raw<OpenConversation | null>(null);

  open(id: Id): OpenConversation {
    if (this.conversation?.id === id) return this.conversation;
    this.close();
    const made = new OpenConversation(id);
    this.conversation = made;
    void made.load();
    return made;
  }

  close(): void {
    this.conversation?.stop();
    this.conversation = null;
  }
}

export const current = new Current();
