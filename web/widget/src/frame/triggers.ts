// When to speak first. All conditions of a rule must hold. Who declined one invitation is left alone for the rest of the
// visit, and never sees that one again.
import type { Kept } from './kept';
import type { TriggerRule } from './wire';

/** A path pattern where `*` stands for anything; the rest is taken literally. A full address in the pattern is matched whole. */
export function onPage(pattern: string, url: string): boolean {
  const literal = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  let subject = url;
  if (!/^https?:/.test(pattern)) {
    try {
      subject = new URL(url).pathname;
    } catch {
      return false;
    }
  }
  return new RegExp(`^${literal.join('.*')}$`).test(subject);
}

export interface TriggerAround {
  kept: Kept;
  now(): number;
  later(run: () => void, ms: number): unknown;
  cancel(timer: unknown): void;
  /** Nothing speaks against an invitation now: the chat is closed, nobody has talked yet. */
  free(): boolean;
  fire(rule: TriggerRule): void;
}

/** A visit ends half a day after the last decline: longer than anybody stays, shorter than "never again". */
const VISIT = 12 * 60 * 60 * 1000;

export class Triggers {
  private rules: TriggerRule[] = [];
  private readonly events = new Set<string>();
  private url = '';
  private since = 0;
  private timer: unknown;
  private shown: TriggerRule | undefined;

  constructor(private readonly around: TriggerAround) {}

  start(rules: TriggerRule[], url: string): void {
    this.rules = rules;
    this.page(url);
  }

  /** Another page: its time begins anew. */
  page(url: string): void {
    if (url === this.url) return;
    this.url = url;
    this.since = this.around.now();
    this.look();
  }

  event(name: string): void {
    this.events.add(name);
    this.look();
  }

  /** What the visitor was invited with, when the chat was opened by it. */
  accept(): TriggerRule | undefined {
    const taken = this.shown;
    this.shown = undefined;
    return taken;
  }

  decline(): void {
    const { kept, now } = this.around;
    if (this.shown) kept.set(`declined.${this.shown.id}`, String(now()));
    kept.set('quiet', String(now()));
    this.shown = undefined;
    this.around.cancel(this.timer);
  }

  stop(): void {
    this.around.cancel(this.timer);
    this.rules = [];
  }

  look(): void {
    const { kept, now, cancel, later, free, fire } = this.around;
    cancel(this.timer);
    if (this.shown || now() - Number(kept.get('quiet') ?? -VISIT) < VISIT) return;
    let soonest = Infinity;
    for (const rule of this.rules) {
      if (kept.get(`declined.${rule.id}`) !== null) continue;
      if (rule.page !== null && !onPage(rule.page, this.url)) continue;
      if (rule.event !== null && !this.events.has(rule.event)) continue;
      const left = this.since + (rule.after_seconds ?? 0) * 1000 - now();
      if (left > 0) {
        soonest = Math.min(soonest, left);
      } else if (free()) {
        this.shown = rule;
        fire(rule);
        return;
      }
    }
    if (soonest < Infinity) this.timer = later(() => this.look(), soonest);
  }
}
