// How a thread reads: messages in order, cut into turns (one side speaking, in one lane), with a line
// where the day or the lane changes and the public context in front. A pure function of the messages.
import type { Id, Lane, LogLine, Message, Thread } from '../api/types';

export type Side = 'in' | 'out' | 'note';

export interface Turn {
  kind: 'turn';
  key: string;
  side: Side;
  lane: Lane;
  thread_id: Id | null;
  messages: Message[];
}

export type Piece =
  | { kind: 'context'; key: string; thread: Thread | undefined; messages: Message[] }
  | { kind: 'day'; key: string; at: number }
  | { kind: 'lane'; key: string; lane: Lane; thread: Thread | undefined }
  | { kind: 'history'; key: string }
  | { kind: 'log'; key: string; lines: LogLine[] }
  | Turn;

/** A longer silence starts a new turn, so that its time is shown. */
const BREAK = 30 * 60_000;

const sideOf = (message: Message): Side =>
  message.direction === 'note' ? 'note' : message.direction === 'out' ? 'out' : 'in';

const speaker = (message: Message): string =>
  message.author.user_id ?? message.author.identity_id ?? message.author.handle ?? message.author.name;

export function bySent(a: Message, b: Message): number {
  return a.sent_at - b.sent_at || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

export function pieces(
  messages: readonly Message[],
  threads: readonly Thread[],
  log: readonly LogLine[] = [],
): Piece[] {
  const byId = new Map(threads.map((thread) => [thread.id, thread]));
  const laneOf = (message: Message): Lane =>
    message.visibility === 'direct' || message.kind === 'dm'
      ? 'private'
      : (byId.get(message.thread_id ?? '')?.lane ?? 'public');
  const result: Piece[] = [];
  const context = new Map<Id, Message[]>();
  for (const message of messages) {
    if (message.direction !== 'context') continue;
    const thread = message.thread_id ?? '';
    context.set(thread, [...(context.get(thread) ?? []), message]);
  }

  let day = '';
  let lane: Lane | undefined;
  let thread: Id | null | undefined;
  let turn: Turn | undefined;
  let wasHistory = false;
  const shown = new Set<Id>();
  let told = 0;

  /** What was done before a moment, as one small block. */
  const tell = (until: number): void => {
    const lines: LogLine[] = [];
    for (let line = log[told]; line && line.at <= until; line = log[told]) {
      lines.push(line);
      told += 1;
    }
    if (lines.length === 0) return;
    result.push({ kind: 'log', key: `log:${told}`, lines });
    turn = undefined;
  };

  for (const message of [...messages].sort(bySent)) {
    if (message.direction === 'context') continue;
    const side = sideOf(message);
    tell(message.sent_at);
    const at = new Date(message.sent_at).toDateString();
    if (wasHistory && !message.history && side !== 'note') {
      result.push({ kind: 'history', key: `history:${message.id}` });
      wasHistory = false;
      turn = undefined;
    }
    wasHistory ||= message.history;
    if (at !== day) {
      day = at;
      result.push({ kind: 'day', key: `day:${at}`, at: message.sent_at });
      turn = undefined;
    }
    if (side !== 'note') {
      const now = laneOf(message);
      if (lane !== undefined && (now !== lane || message.thread_id !== thread)) {
        const to = message.thread_id ? byId.get(message.thread_id) : undefined;
        result.push({ kind: 'lane', key: `lane:${message.id}`, lane: now, thread: to });
        turn = undefined;
      }
      lane = now;
      thread = message.thread_id;
      const around = context.get(message.thread_id ?? '');
      if (around && !shown.has(message.thread_id ?? '')) {
        shown.add(message.thread_id ?? '');
        const of = message.thread_id ? byId.get(message.thread_id) : undefined;
        result.push({
          kind: 'context',
          key: `context:${message.thread_id}`,
          thread: of,
          messages: [...around].sort(bySent),
        });
      }
    }
    const last = turn?.messages.at(-1);
    const same =
      turn !== undefined &&
      last !== undefined &&
      turn.side === side &&
      speaker(last) === speaker(message) &&
      message.sent_at - last.sent_at < BREAK;
    if (same && turn) turn.messages.push(message);
    else {
      turn = {
        kind: 'turn',
        key: `turn:${message.id}`,
        side,
        lane: side === 'note' ? (lane ?? 'public') : laneOf(message),
        thread_id: message.thread_id,
        messages: [message],
      };
      result.push(turn);
    }
  }
  tell(Infinity);
  return result;
}
