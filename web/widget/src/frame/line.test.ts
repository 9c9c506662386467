import { beforeEach, describe, expect, it } from 'vitest';
import { backoff, CEILING } from './backoff';
import { Line, type Link } from './line';
import { Clock, Wire } from './testing';
import type { FromServer } from './wire';

let clock: Clock;
let wires: Wire[];
let links: Link[];
let frames: FromServer[];
let closed: number[];
let polls: number;
let answering: boolean;
let line: Line;

const wire = (): Wire => wires.at(-1)!;
const ready = { type: 'ready', seq: 1, status: 'open', open: true, agents_online: true };

beforeEach(() => {
  clock = new Clock();
  [wires, links, frames, closed, polls, answering] = [[], [], [], [], 0, true];
  line = new Line({
    open: () => {
      wires.push(new Wire());
      return wire();
    },
    hello: () => ({ type: 'hello', token: 't', last_seq: 41, page: { url: '', title: '', referrer: '' } }),
    frame: (frame) => frames.push(frame),
    link: (link) => links.push(link),
    closed: (code) => closed.push(code),
    poll: async () => {
      polls += 1;
      return answering;
    },
    random: () => 1,
    later: clock.later,
    cancel: clock.cancel,
  });
  line.start();
});

describe('waiting before trying again', () => {
  it('is at random between one second and a ceiling that grows to thirty', () => {
    expect([0, 1, 2, 3, 4, 50].map((n) => backoff(n, () => 0))).toEqual([1000, 1000, 1000, 1000, 1000, 1000]);
    expect([0, 1, 2, 3, 4, 50].map((n) => backoff(n, () => 1))).toEqual([2000, 4000, 8000, 16_000, CEILING, CEILING]);
  });
});

describe('the line', () => {
  it('says the token in its first words, never in the address, and where it was', () => {
    wire().open();
    expect(wire().sent[0]).toMatchObject({ type: 'hello', token: 't', last_seq: 41 });
  });

  it('is live only after the server said so, and silent before', () => {
    wire().open();
    expect(line.send({ type: 'typing', on: true })).toBe(false);
    wire().say(ready);
    expect(line.send({ type: 'typing', on: true })).toBe(true);
    expect(links).toEqual(['connecting', 'live']);
  });

  it('comes back after a loss, later and later', async () => {
    wire().open();
    wire().say(ready);
    wire().close();
    expect(links.at(-1)).toBe('broken');
    await clock.pass(2000);
    expect(wires).toHaveLength(2);
    wire().close();
    await clock.pass(3999);
    expect(wires).toHaveLength(2);
    await clock.pass(1);
    expect(wires).toHaveLength(3);
  });

  it('does not wait when the network comes back', () => {
    wire().close();
    line.hurry();
    expect(wires).toHaveLength(2);
    line.hurry();
    expect(wires).toHaveLength(2);
  });

  it('notices a line that is dead although nobody said so', async () => {
    wire().open();
    wire().say(ready);
    await clock.pass(22_000);
    expect(wire().sent.at(-1)).toEqual({ type: 'ping' });
    wire().say({ type: 'pong' });
    await clock.pass(22_000 + 12_000);
    expect(links.at(-1)).toBe('broken');
    await clock.pass(2000);
    expect(wires).toHaveLength(2);
  });

  it('notices a line that opens and carries nothing', async () => {
    wire().open();
    await clock.pass(12_000);
    expect(links.at(-1)).toBe('broken');
  });

  it('notices a line that never opens and never says no', async () => {
    await clock.pass(12_000);
    expect(links.at(-1)).toBe('broken');
    await clock.pass(2000);
    expect(wires).toHaveLength(2);
  });

  it('fetches the news where sockets are blocked, and says that this works', async () => {
    for (let i = 0; i < 3; i++) {
      wire().close();
      await clock.pass(30_000);
    }
    expect(polls).toBeGreaterThan(0);
    expect(links.at(-1)).toBe('polled');
    answering = false;
    await clock.pass(5000);
    expect(links.at(-1)).toBe('broken');
    line.hurry();
    wire().open();
    wire().say(ready);
    const before = polls;
    await clock.pass(20_000);
    expect(polls).toBe(before);
    expect(links.at(-1)).toBe('live');
  });

  it.each([4401, 4403, 4404, 1008])('does not come back by itself after %i', async (code) => {
    wire().close(code);
    await clock.pass(120_000);
    expect(wires).toHaveLength(1);
    expect(closed).toEqual([code]);
  });

  it('comes back after a minute when there were too many', async () => {
    wire().close(4429);
    await clock.pass(59_999);
    expect(wires).toHaveLength(1);
    await clock.pass(1);
    expect(wires).toHaveLength(2);
  });

  it('drops what it cannot read, and what an old socket still says', () => {
    const old = wire();
    old.open();
    old.onmessage?.({ data: '{"type":' } as MessageEvent);
    old.close();
    line.hurry();
    old.say(ready);
    expect(frames).toEqual([]);
    expect(line.isLive).toBe(false);
  });
});
