// Messages by asking: the older ones when the visitor scrolls up, the newest ones when too much was missed, and the news
// where no socket comes through.
import type { Api } from './api';
import type { Sessions } from './sessions';
import type { Thread } from './thread';
import type { Batch, Message, Status } from './wire';

export interface FetchingAround {
  api: Api;
  thread: Thread;
  sessions: Sessions;
  arrived(messages: Message[], live: boolean): void;
  status(status: Status): void;
  wrong(wrong: unknown): void;
  changed(): void;
}

export class Fetching {
  /** The older ones are on their way. */
  loading = false;

  constructor(private readonly around: FetchingAround) {}

  async older(): Promise<void> {
    const { api, thread, sessions, wrong, changed } = this.around;
    const oldest = thread.oldest();
    if (this.loading || !thread.more || !oldest) return;
    this.loading = true;
    changed();
    try {
      const batch = await sessions.with((token) => api.before(token, oldest.id));
      thread.merge(batch.messages);
      thread.more = batch.more;
    } catch (failed) {
      wrong(failed);
    } finally {
      this.loading = false;
      changed();
    }
  }

  /** Everything anew, and on from `seq`. */
  async afresh(seq: number): Promise<void> {
    const { api, thread, sessions } = this.around;
    // What was here before may be of a log that is no more; what comes by the line from now on is not.
    const before = new Map(thread.messages.map((one) => [one.id, one.seq]));
    thread.seq = seq;
    const batch = await sessions.with((token) => api.newest(token));
    const live = thread.messages.filter((one) => one.seq > batch.seq && before.get(one.id) !== one.seq);
    const last = thread.seq;
    thread.clear();
    thread.more = batch.more;
    thread.advance(last);
    thread.merge(live);
    this.take(batch, false);
    // The status may be older than what the line said meanwhile, too.
    if (last > Math.max(seq, batch.seq)) await this.news();
  }

  /** What is new since the last time; whether there was an answer. */
  async news(): Promise<boolean> {
    const { api, thread, sessions } = this.around;
    try {
      for (let more = true; more; ) {
        const from = thread.seq ?? 0;
        const batch = await sessions.with((token) => api.after(token, from));
        thread.advance(batch.seq);
        this.take(batch, true);
        more = batch.more && batch.seq > from;
      }
      return true;
    } catch {
      return false;
    }
  }

  private take({ messages, status }: Batch, live: boolean): void {
    this.around.status(status);
    this.around.arrived(messages, live);
  }
}
