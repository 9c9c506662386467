// What the visitor said and the server has not confirmed. Every message has a name of its own (`client_id`), under which
// it may be sent again and again with one effect; it is kept until it is seen in the conversation, also over a reload.
// Sent one at a time, in the order of writing.
import { Refusal, Unreachable } from './api';
import { backoff } from './backoff';
import type { Kept } from './kept';
import type { Message, NewMessage, Uploaded } from './wire';

export interface Pending extends NewMessage {
  at: number;
  /** To show what was enclosed before the server shows it. */
  enclosed: Uploaded[];
  /** Why it will not go by itself. */
  failed?: string;
}

export interface OutboxAround {
  kept: Kept;
  send(message: NewMessage): Promise<Message>;
  now(): number;
  random(): number;
  later(run: () => void, ms: number): unknown;
  cancel(timer: unknown): void;
  changed(): void;
  sent(message: Message): void;
  /** The code of a refusal that is final. */
  failed(code: string, wrong: Refusal): void;
}

const PREFIX = 'out.';

export class Outbox {
  private readonly waiting: Pending[];
  private busy = false;
  private attempt = 0;
  private timer: unknown;

  constructor(private readonly around: OutboxAround) {
    this.waiting = around.kept
      .each(PREFIX)
      .flatMap(([, value]) => {
        try {
          return [JSON.parse(value) as Pending];
        } catch {
          return [];
        }
      })
      .sort((a, b) => a.at - b.at);
  }

  get all(): readonly Pending[] {
    return this.waiting;
  }

  add(message: Pending): void {
    this.waiting.push(message);
    this.keep(message);
    this.around.changed();
    void this.flush();
  }

  /** The network is back, or the visitor asks: now, not when the wait is over. */
  hurry(): void {
    this.around.cancel(this.timer);
    this.attempt = 0;
    void this.flush();
  }

  retry(clientId: string): void {
    const message = this.waiting.find((one) => one.client_id === clientId);
    if (!message) return;
    delete message.failed;
    this.keep(message);
    this.around.changed();
    this.hurry();
  }

  /** Seen in the conversation, or given up by the visitor. */
  drop(clientId: string): boolean {
    const index = this.waiting.findIndex((one) => one.client_id === clientId);
    if (index < 0) return false;
    this.waiting.splice(index, 1);
    this.around.kept.set(PREFIX + clientId, null);
    return true;
  }

  /** What of these is in the conversation now is no longer on its way. */
  confirm(messages: Message[]): void {
    for (const { client_id } of messages) if (client_id) this.drop(client_id);
  }

  clear(): void {
    this.around.cancel(this.timer);
    for (const { client_id } of [...this.waiting]) this.drop(client_id);
  }

  private keep(message: Pending): void {
    this.around.kept.set(PREFIX + message.client_id, JSON.stringify(message));
  }

  private async flush(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.around.cancel(this.timer);
    try {
      for (let next = this.next(); next; next = this.next()) {
        if (!(await this.one(next))) break;
      }
    } finally {
      this.busy = false;
    }
  }

  private next(): Pending | undefined {
    return this.waiting.find((one) => !one.failed);
  }

  /** Whether to go on with the next. */
  private async one(message: Pending): Promise<boolean> {
    const { at: _at, enclosed: _enclosed, failed: _failed, ...wire } = message;
    try {
      const sent = await this.around.send(wire);
      this.attempt = 0;
      if (this.drop(message.client_id)) this.around.sent(sent);
      return true;
    } catch (wrong) {
      // Given up, or its writer left, while it was on its way.
      if (!this.waiting.includes(message)) return true;
      if (wrong instanceof Refusal && !wrong.passing) {
        message.failed = wrong.code;
        this.keep(message);
        this.around.failed(wrong.code, wrong);
        this.around.changed();
        return true;
      }
      if (!(wrong instanceof Refusal) && !(wrong instanceof Unreachable)) throw wrong;
      const told = wrong instanceof Refusal && wrong.retryAfter ? wrong.retryAfter * 1000 : 0;
      const wait = Math.max(told, backoff(this.attempt, this.around.random));
      this.attempt += 1;
      this.timer = this.around.later(() => void this.flush(), wait);
      this.around.changed();
      return false;
    }
  }
}
