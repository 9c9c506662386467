import { describe, expect, it } from 'vitest';
import { message } from './testing';
import { mark, Thread, unmark } from './thread';

describe('the thread', () => {
  it('orders by time, then by id, however the messages came', () => {
    const thread = new Thread();
    const [a, b, c] = [message({ id: 'a', at: 5 }), message({ id: 'b', at: 5 }), message({ id: 'c', at: 4 })];
    thread.merge([b]);
    thread.merge([a, c]);
    expect(thread.messages.map((one) => one.id)).toEqual(['c', 'a', 'b']);
  });

  it('replaces a message by its newer self, never by its older', () => {
    const thread = new Thread();
    thread.merge([message({ id: 'a', seq: 9, text: 'verbeterd', edited: true })]);
    thread.merge([message({ id: 'a', seq: 8, text: 'eerst' })]);
    expect(thread.messages.map((one) => one.text)).toEqual(['verbeterd']);
    expect(thread.merge([message({ id: 'a', seq: 10, removed: true, text: '' })])).toEqual([]);
    expect(thread.messages[0]?.removed).toBe(true);
  });

  it('says only what an agent said for the first time is news', () => {
    const thread = new Thread();
    const old = message({ id: 'a' });
    thread.merge([old]);
    const fresh = thread.merge([old, message({ id: 'b' }), message({ id: 'c', from: 'visitor' }), message({ id: 'd', removed: true })]);
    expect(fresh.map((one) => one.id)).toEqual(['b']);
  });

  it('marks what an agent has seen, and nothing becomes unseen', () => {
    const thread = new Thread();
    const said = ['a', 'b', 'c'].map((id, at) => message({ id, at, seq: at, from: 'visitor' }));
    thread.merge(said);
    thread.seen('b');
    thread.merge(said);
    expect(thread.messages.map((one) => one.seen)).toEqual([true, true, false]);
    thread.seen('unknown');
    expect(thread.messages.map((one) => one.seen)).toEqual([true, true, false]);
  });

  it('counts what came after the mark', () => {
    const thread = new Thread();
    const [a, b] = [message({ id: 'x:1' }), message({ id: 'b' })];
    thread.merge([a, b, message({ from: 'visitor' })]);
    expect([thread.unread(undefined), thread.unread(unmark(mark(a))), thread.unread(unmark(mark(b)))]).toEqual([2, 1, 0]);
    expect([unmark(null), unmark('rubbish'), unmark('')]).toEqual([undefined, undefined, undefined]);
  });
});
