import { beforeEach, describe, expect, it } from 'vitest';
import type { LiveEvent, ServerFrame } from '../api/types';
import { backoff } from './backoff';
import { LiveSocket, type Link } from './socket';

class Wire {
  readyState = 1;
  sent: { type: string; [more: string]: unknown }[] = [];
  onopen: ((event: Event) => void) | null = null;
  onclose: ((event: CloseEvent) => void) | null = null;
  onerror: ((event: Event) => void) | null = null;
  onmessage: ((event: MessageEvent) => void) | null = null;

  send(data: string): void {
    this.sent.push(JSON.parse(data));
  }
  close(): void {
    this.onclose?.({} as CloseEvent);
  }
  say(frame: ServerFrame): void {
    this.onmessage?.({ data: JSON.stringify(frame) } as MessageEvent);
  }
}

let wires: Wire[];
let timers: { run: () => void; ms: number }[];
let links: Link[];
let seen: number[];
let resets: number;
let socket: LiveSocket;

const event = (seq: number): LiveEvent => ({ seq, at: 0, kind: 'tag.changed', actor: { kind: 'system' } });
const wire = (): Wire => wires.at(-1)!;
const pass = (): void => timers.splice(0).forEach((timer) => timer.run());

beforeEach(() => {
  [wires, timers, links, seen, resets] = [[], [], [], [], 0];
  socket = new LiveSocket(
    {
      link: (state) => links.push(state),
      events: (events) => seen.push(...events.map((one) => one.seq)),
      reset: () => (resets += 1),
      frame: () => undefined,
    },
    {
      open: () => {
        wires.push(new Wire());
        return wire();
      },
      random: () => 0.5,
      later: (run, ms) => {
        const timer = { run, ms };
        timers.push(timer);
        return timer;
      },
      cancel: (timer) => (timers = timers.filter((one) => one !== timer)),
    },
  );
  socket.start();
  wire().onopen?.({} as Event);
});

describe('the live connection', () => {
  it('asks for nothing that it has not missed', () => {
    expect(wire().sent).toEqual([{ type: 'hello', since: null }]);
  });

  it('resumes after the last event it saw', () => {
    wire().say({ type: 'ready', seq: 10 });
    wire().say({ type: 'events', events: [event(11), event(12)] });
    wire().close();
    pass();
    wire().onopen?.({} as Event);
    expect(wires).toHaveLength(2);
    expect(wire().sent).toEqual([{ type: 'hello', since: 12 }]);
  });

  it('drops what it has seen before', () => {
    wire().say({ type: 'ready', seq: 10 });
    wire().say({ type: 'events', events: [event(11)] });
    wire().say({ type: 'events', events: [event(10), event(11), event(12)] });
    expect(seen).toEqual([11, 12]);
  });

  it('passes on the events of a replay, which come before ready', () => {
    wire().say({ type: 'ready', seq: 10 });
    wire().close();
    pass();
    wire().say({ type: 'events', events: [event(11), event(12)] });
    wire().say({ type: 'ready', seq: 12 });
    expect(seen).toEqual([11, 12]);
  });

  it('has everything fetched again at the first ready, and not at the next', () => {
    wire().say({ type: 'ready', seq: 10 });
    expect(resets).toBe(1);
    wire().close();
    pass();
    wire().onopen?.({} as Event);
    wire().say({ type: 'ready', seq: 10 });
    expect(resets).toBe(1);
  });

  it('has everything fetched again after a reset, and goes on from there', () => {
    wire().say({ type: 'reset', seq: 40 });
    wire().say({ type: 'events', events: [event(41)] });
    expect(resets).toBe(1);
    expect(seen).toEqual([41]);
    expect(links.at(-1)).toBe('live');
  });

  it('says again what it looks at after coming back', () => {
    wire().say({ type: 'ready', seq: 1 });
    socket.send({ type: 'viewing', conversation_id: 'c' });
    wire().close();
    pass();
    wire().say({ type: 'ready', seq: 1 });
    expect(wire().sent).toContainEqual({ type: 'viewing', conversation_id: 'c' });
  });

  it('takes silence after a ping for a dead line', () => {
    wire().say({ type: 'ready', seq: 1 });
    pass(); // the ping
    expect(wire().sent.at(-1)).toEqual({ type: 'ping' });
    pass(); // no answer
    expect(links.at(-1)).toBe('broken');
  });

  it('survives words it does not understand', () => {
    wire().onmessage?.({ data: '{broken' } as MessageEvent);
    wire().say({ type: 'ready', seq: 1 });
    expect(links.at(-1)).toBe('live');
  });

  it('stays away once it was stopped', () => {
    socket.stop();
    pass();
    expect(wires).toHaveLength(1);
  });
});

it('waits longer every time, up to a limit, never all at once', () => {
  const spread = [0, 1, 2, 3, 20].map((attempt) => [backoff(attempt, () => 0), backoff(attempt, () => 1)]);
  expect(spread).toEqual([[250, 500], [250, 1000], [250, 2000], [250, 4000], [250, 15_000]]);
});
