import { beforeEach, describe, expect, it } from 'vitest';
import { Refusal, Unreachable } from './api';
import { Outbox, type Pending } from './outbox';
import { Clock, keptIn, message, settle, Store } from './testing';
import type { Message, NewMessage } from './wire';

let clock: Clock;
let store: Store;
let sent: NewMessage[];
let answers: (Error | 'ok')[];
let arrived: Message[];

const make = (): Outbox =>
  new Outbox({
    kept: keptIn(store),
    send: async (one) => {
      sent.push(one);
      const answer = answers.shift() ?? 'ok';
      if (answer !== 'ok') throw answer;
      return message({ from: 'visitor', client_id: one.client_id, text: one.text });
    },
    now: () => clock.now,
    random: () => 1,
    later: clock.later,
    cancel: clock.cancel,
    changed: () => undefined,
    sent: (one) => arrived.push(one),
    failed: () => undefined,
  });

const pending = (client_id: string, over: Partial<Pending> = {}): Pending => ({ client_id, text: client_id, files: [], enclosed: [], at: clock.now++, ...over });

beforeEach(() => {
  [clock, store, sent, answers, arrived] = [new Clock(), new Store(), [], [], []];
});

describe('the unsent messages', () => {
  it('go one after the other, in the order of writing', async () => {
    const outbox = make();
    ['a', 'b', 'c'].forEach((id) => outbox.add(pending(id)));
    await settle();
    expect(sent.map((one) => one.client_id)).toEqual(['a', 'b', 'c']);
    expect(outbox.all).toEqual([]);
    expect(store.length).toBe(0);
  });

  it('are sent again under the same name while nobody answers, and do not overtake each other', async () => {
    answers = [new Unreachable(), new Unreachable()];
    const outbox = make();
    outbox.add(pending('a'));
    outbox.add(pending('b'));
    await clock.pass(60_000);
    expect(sent.map((one) => one.client_id)).toEqual(['a', 'a', 'a', 'b']);
    expect(arrived).toHaveLength(2);
  });

  it('outlive the page', async () => {
    answers = [new Unreachable()];
    make().add(pending('a', { text: 'nog niet weg' }));
    await settle();
    const after = make();
    expect(after.all.map((one) => one.text)).toEqual(['nog niet weg']);
    after.hurry();
    await settle();
    expect(after.all).toEqual([]);
  });

  it('wait as long as the server says', async () => {
    answers = [new Refusal(429, 'rate_limited', '', 45, null)];
    const outbox = make();
    outbox.add(pending('a'));
    await clock.pass(44_000);
    expect(sent).toHaveLength(1);
    await clock.pass(2000);
    expect(sent).toHaveLength(2);
  });

  it('stop at a refusal that is final, let the next go, and are sent again only when the visitor says so', async () => {
    answers = [new Refusal(413, 'too_large', '', null, null)];
    const outbox = make();
    outbox.add(pending('a'));
    outbox.add(pending('b'));
    await clock.pass(120_000);
    expect(outbox.all.map(({ client_id, failed }) => [client_id, failed])).toEqual([['a', 'too_large']]);
    outbox.retry('a');
    await settle();
    expect(outbox.all).toEqual([]);
  });

  it('are gone when the conversation shows them, whoever sent them', async () => {
    answers = [new Unreachable()];
    const outbox = make();
    outbox.add(pending('a'));
    await settle();
    outbox.confirm([message({ from: 'visitor', client_id: 'a' })]);
    expect(outbox.all).toEqual([]);
    expect(store.length).toBe(0);
  });

  it('survive rubbish in the storage', () => {
    store.setItem('balie:a:out.x', '{broken');
    expect(make().all).toEqual([]);
  });
});
