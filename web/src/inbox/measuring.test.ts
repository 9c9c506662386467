import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { threads } from '../api/calls';
import type { Measure, Thread } from '../api/types';
import { Measuring, type Words } from './measuring.svelte';

const thread = { id: 't', allowance: { may_reply: true, limit: { unit: 'graphemes', max: 20 } } } as unknown as Thread;
let words: Words;
let measuring: Measuring;
const ask = vi.spyOn(threads, 'measure');
const counted = (more: Partial<Measure> = {}): Measure => ({ used: 25, max: 20, unit: 'graphemes', over: true, parts: ['a', 'b'], notes: ['mentions_others'], ...more });

beforeEach(() => {
  vi.useFakeTimers();
  ask.mockReset();
  words = { thread, text: '', warning: '', visibility: 'public', answers: 'm1' };
  measuring = new Measuring(() => words);
});
afterEach(() => {
  measuring.stop();
  vi.useRealTimers();
});

/** Typed, and rested a while. */
const write = async (text: string): Promise<void> => {
  words = { ...words, text };
  measuring.again();
  await vi.advanceTimersByTimeAsync(400);
};

describe('how long it is', () => {
  it('is counted here at once, in graphemes and not in bytes, the warning included', () => {
    words = { ...words, text: '👨‍👩‍👧‍👦'.repeat(20) };
    expect(measuring.size).toEqual({ used: 20, max: 20, over: false, exact: false });
    words = { ...words, warning: 'Bloed' };
    expect(measuring.size).toMatchObject({ used: 25, over: true });
  });

  it('is what the server counts once it has, with how it would split it, until another letter is typed', async () => {
    ask.mockResolvedValue(counted());
    await write('met de namen erbij');
    expect(ask.mock.lastCall?.slice(0, 2)).toEqual(['t', { text: 'met de namen erbij', in_reply_to: 'm1', visibility: 'public', content_warning: null }]);
    expect(measuring.size).toMatchObject({ used: 25, over: true, exact: true });
    expect([measuring.parts, measuring.hints]).toEqual([['a', 'b'], ['mentions_others']]);
    words = { ...words, text: 'met de namen erbij!' };
    expect(measuring.size).toMatchObject({ used: 19, over: false, exact: false });
    expect([measuring.parts, measuring.hints]).toEqual([null, []]);
  });

  it('is asked once the words rest, and not of what is empty or may not be sent', async () => {
    ask.mockResolvedValue(counted());
    for (const text of ['m', 'me', 'met']) {
      words = { ...words, text };
      measuring.again();
      await vi.advanceTimersByTimeAsync(100);
    }
    await vi.advanceTimersByTimeAsync(400);
    expect(ask).toHaveBeenCalledTimes(1);
    await write('');
    words = { ...words, thread: { ...thread, allowance: { ...thread.allowance, may_reply: false } } };
    await write('met');
    expect(ask).toHaveBeenCalledTimes(1);
  });

  it('stays what was counted here when the server does not answer', async () => {
    ask.mockRejectedValue(new Error('away'));
    await write('met de namen erbij');
    expect(measuring.size).toMatchObject({ used: 18, exact: false });
  });

  it('is too much when the server refuses it as such, whatever was counted here', () => {
    words = { ...words, text: 'kort' };
    measuring.refused({ used: 30, parts: ['a', 'b'] });
    expect(measuring.size).toMatchObject({ used: 30, max: 20, over: true, exact: true });
    measuring.forget();
    expect(measuring.size).toMatchObject({ used: 4, over: false });
  });
});
