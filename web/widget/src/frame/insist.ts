// What must succeed in the end: again with back-off while nobody answers or the server says "later"; a refusal is final.
import { Left, Refusal, Unreachable } from './api';
import { backoff } from './backoff';

export interface InsistAround {
  random(): number;
  later(run: () => void, ms: number): unknown;
  cancel(timer: unknown): void;
  refused(wrong: Refusal): void;
}

export class Insist {
  private readonly timers = new Map<string, unknown>();

  constructor(private readonly around: InsistAround) {}

  /** Under one name only the last wish is pursued. */
  async on(name: string, run: () => Promise<void>, tries = 0): Promise<void> {
    const { random, later, cancel, refused } = this.around;
    cancel(this.timers.get(name));
    try {
      await run();
    } catch (wrong) {
      if (wrong instanceof Unreachable || (wrong instanceof Refusal && wrong.passing)) {
        const told = wrong instanceof Refusal && wrong.retryAfter ? wrong.retryAfter * 1000 : 0;
        this.timers.set(name, later(() => void this.on(name, run, tries + 1), Math.max(told, backoff(tries, random))));
        return;
      }
      if (wrong instanceof Left) return;
      if (!(wrong instanceof Refusal)) throw wrong;
      refused(wrong);
    }
  }

  /** Nothing is wished for any more. */
  stop(): void {
    for (const timer of this.timers.values()) this.around.cancel(timer);
    this.timers.clear();
  }
}
