// The messages of this visitor's thread, as far as they were fetched: merged by id, ordered as the server says, with the
// visitor's unsent ones behind them.
import type { Message, Status } from './wire';

/** How far the visitor has read, comparable without the message itself. */
export interface Mark {
  at: number;
  id: string;
}

export const mark = ({ at, id }: Mark): string => `${at}:${id}`;

export function unmark(text: string | null): Mark | undefined {
  const cut = text?.indexOf(':') ?? -1;
  return text && cut > 0 ? { at: Number(text.slice(0, cut)), id: text.slice(cut + 1) } : undefined;
}

const byTime = (a: Mark, b: Mark): number => a.at - b.at || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

export class Thread {
  messages: Message[] = [];
  status: Status = 'none';
  /** The largest sequence number seen. */
  seq: number | null = null;
  /** There are older ones on the server. */
  more = false;

  /** Takes what the server says now; returns the agents' messages that were not here before. */
  merge(messages: Message[]): Message[] {
    const byId = new Map(this.messages.map((one) => [one.id, one]));
    const fresh = messages.filter((one) => !byId.has(one.id) && one.from === 'agent' && !one.removed);
    for (const one of messages) {
      const old = byId.get(one.id);
      // An answer to a call may be older than what the socket has already said; seen does not become unseen.
      if (old && old.seq > one.seq) continue;
      byId.set(one.id, old?.seen ? { ...one, seen: true } : one);
    }
    this.messages = [...byId.values()].sort(byTime);
    return fresh;
  }

  /** An agent looked at everything up to this message. */
  seen(upTo: string): void {
    const last = this.messages.findIndex((one) => one.id === upTo);
    this.messages = this.messages.map((one, i) => (i <= last && one.from === 'visitor' && !one.seen ? { ...one, seen: true } : one));
  }

  advance(seq: number): void {
    this.seq = Math.max(this.seq ?? 0, seq);
  }

  /** The newest message of an agent, to be marked as read. */
  newest(): Message | undefined {
    return this.messages.findLast((one) => one.from === 'agent' && !one.removed);
  }

  unread(read: Mark | undefined): number {
    return this.messages.filter((one) => one.from === 'agent' && !one.removed && (!read || byTime(one, read) > 0)).length;
  }

  oldest(): Message | undefined {
    return this.messages[0];
  }

  clear(): void {
    [this.messages, this.status, this.seq, this.more] = [[], 'none', null, false];
  }
}
