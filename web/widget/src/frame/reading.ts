// How far the visitor has read: kept over pages and tabs, told to the server, and shown at the launcher.
import type { Api } from './api';
import type { Kept } from './kept';
import type { Sessions } from './sessions';
import { mark, unmark, type Thread } from './thread';
import type { FromVisitor } from './wire';

export interface ReadingAround {
  api: Api;
  kept: Kept;
  thread: Thread;
  sessions: Sessions;
  /** The conversation is in sight. */
  inSight(): boolean;
  send(frame: FromVisitor): boolean;
  /** The number of unread messages is another one now. */
  unread(count: number): void;
}

export class Reading {
  private told = -1;

  constructor(private readonly around: ReadingAround) {}

  /** Everything that is in sight was read. */
  look(): void {
    const { api, kept, thread, sessions, inSight, send } = this.around;
    const newest = thread.newest();
    if (newest && inSight() && thread.unread(unmark(kept.get('read')))) {
      kept.set('read', mark(newest));
      if (!send({ type: 'read', up_to: newest.id })) void sessions.with((token) => api.read(token, newest.id)).catch(() => undefined);
    }
    this.count();
  }

  count(): void {
    const unread = this.around.thread.unread(unmark(this.around.kept.get('read')));
    if (unread === this.told) return;
    this.told = unread;
    this.around.unread(unread);
  }
}
