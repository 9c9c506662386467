// Brings committed changes to the stores: rows, lists, the open conversation, counters, directory.
// The screen equals the server: whatever cannot be replayed is fetched again.
import { conversations, session as calls } from '../api/calls';
import type { ClientFrame, Counts, LiveEvent, Load, ServerFrame } from '../api/types';
import { directory, removedTeam } from '../app/directory.svelte';
import { session } from '../app/session.svelte';
import { current } from '../inbox/conversation.svelte';
import { queues } from '../inbox/queue.svelte';
import { LiveSocket, type Link } from './socket';

const COUNTS_AT_MOST_EVERY = 1500;

class Live {
  link = $state<Link>('connecting');
  /** Since when the line is down, for the banner; null while it is up. */
  brokenSince = $state<number | null>(null);
  counts = $state.raw<Counts | null>(null);
  load = $state.raw<Load | null>(null);

  private readonly socket = new LiveSocket(
    {
      link: (state) => this.linked(state),
      events: (events) => events.forEach((event) => this.apply(event)),
      reset: () => this.refetch(),
      frame: (frame) => this.frame(frame),
    },
    {
      open: () => new WebSocket(`${location.origin.replace(/^http/, 'ws')}/api/live`),
      random: Math.random,
      later: (run, ms) => setTimeout(run, ms),
      cancel: (timer) => clearTimeout(timer as number),
    },
  );
  private countsTimer: ReturnType<typeof setTimeout> | undefined;
  private countsAt = 0;

  start(): void {
    this.socket.start();
    this.recount();
    addEventListener('online', this.hurry);
    document.addEventListener('visibilitychange', this.hurry);
  }

  stop(): void {
    this.socket.stop();
    clearTimeout(this.countsTimer);
    this.countsTimer = undefined;
    this.counts = null;
    this.load = null;
    this.brokenSince = null;
    removeEventListener('online', this.hurry);
    document.removeEventListener('visibilitychange', this.hurry);
  }

  send(frame: ClientFrame): void {
    this.socket.send(frame);
  }

  retry(): void {
    this.socket.hurry();
  }

  /** Ask for the counters again, soon and not too often. */
  recount(): void {
    if (this.countsTimer !== undefined) return;
    const delay = Math.max(60, this.countsAt + COUNTS_AT_MOST_EVERY - Date.now());
    this.countsTimer = setTimeout(() => {
      this.countsTimer = undefined;
      this.countsAt = Date.now();
      conversations.counts().then(
        (counts) => (this.counts = counts),
        () => undefined,
      );
    }, delay);
  }

  private readonly hurry = (): void => {
    if (document.visibilityState === 'visible') this.socket.hurry();
  };

  private linked(state: Link): void {
    this.link = state;
    if (state === 'live') {
      this.brokenSince = null;
      directory.again();
    }
    else if (state === 'broken') {
      this.brokenSince ??= Date.now();
      // A line that was cut because the session ended shows in the answer to this.
      calls.me().catch(() => undefined);
    }
  }

  private apply(event: LiveEvent): void {
    directory.apply(event);
    const team = removedTeam(event);
    if (team) queues.dissolve(team);
    if (event.row) queues.take(event.row);
    const open = current.conversation;
    if (open && event.conversation_id === open.id) open.apply(event);
    if (event.kind.startsWith('conversation.') || event.kind === 'message.added') this.recount();
  }

  private refetch(): void {
    if (session.phase !== 'in') return;
    void directory.load();
    queues.reload();
    void current.conversation?.load();
    this.recount();
  }

  private frame(frame: ServerFrame): void {
    if (frame.type === 'load') this.load = frame.load;
    else if (frame.type === 'presence') {
      const open = current.conversation;
      if (open?.id === frame.conversation_id) open.viewers = frame.viewers;
    } else if (frame.type === 'visitor') {
      const open = current.conversation;
      if (open?.id === frame.conversation_id) open.meets(frame.visitor);
    }
  }
}

export const live = new Live();
