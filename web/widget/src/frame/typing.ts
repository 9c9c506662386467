// Who is typing, in both directions. Neither is numbered and both may be lost, so both fade by themselves.
import type { FromVisitor } from './wire';

const FADES = 10_000;
const EVERY = 2_000;
const STOPS = 5_000;

export interface TypingAround {
  now(): number;
  later(run: () => void, ms: number): unknown;
  cancel(timer: unknown): void;
  send(frame: FromVisitor): void;
  changed(): void;
}

export class Typing {
  /** Who types on the other side; an empty name is somebody. */
  theirs: string | undefined;
  private fading: unknown;
  private said = -EVERY;
  private on = false;
  private stopping: unknown;

  constructor(private readonly around: TypingAround) {}

  /** The visitor types, or stopped. Said at most once in two seconds. */
  ours(on: boolean): void {
    const { now, later, cancel, send } = this.around;
    cancel(this.stopping);
    if (on) {
      this.stopping = later(() => this.ours(false), STOPS);
      if (now() - this.said < EVERY) return;
      this.said = now();
      this.on = true;
      send({ type: 'typing', on });
    } else if (this.on) {
      this.on = false;
      send({ type: 'typing', on });
    }
  }

  hear(on: boolean, name: string | null): void {
    const { later, cancel, changed } = this.around;
    cancel(this.fading);
    this.theirs = on ? (name ?? '') : undefined;
    if (on) this.fading = later(() => this.hear(false, null), FADES);
    changed();
  }

  hush(): void {
    this.around.cancel(this.fading);
    this.theirs = undefined;
  }
}
