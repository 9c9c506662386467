// The page's one clock. `minute` moves once a minute and drives every waiting time; `second` moves only
// while somebody on screen asks for it, so that an idle page repaints nothing.
import { createSubscriber } from 'svelte/reactivity';

function every(interval: number): () => number {
  const subscribe = createSubscriber((update) => {
    const timer = setInterval(update, interval);
    return () => clearInterval(timer);
  });
  return () => {
    subscribe();
    return Date.now();
  };
}

const minute = every(60_000);
const second = every(1000);

export const clock = {
  get minute(): number {
    return minute();
  },
  get second(): number {
    return second();
  },
};

const TWO_MINUTES = 120_000;

/** Now, precise enough for a timer that started at `since`: by the second in its first two minutes. */
export function nowFor(since: number): number {
  const coarse = clock.minute;
  return Math.abs(coarse - since) < TWO_MINUTES ? clock.second : coarse;
}
