// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { conversations } from '../api/calls';
import type { Me } from '../api/types';
import { session } from '../app/session.svelte';
import { drafts } from './drafts';
import { Keeping } from './keeping.svelte';

const put = vi.spyOn(conversations, 'draft');
let text: string;
let thread: string | null;
let keeping: Keeping;
const words = () => ({ thread_id: thread, text, note: '', warning: '', visibility: null });

beforeEach(() => {
  localStorage.clear();
  session.me = { id: 'me' } as Me;
  vi.useFakeTimers();
  put.mockReset().mockResolvedValue(undefined);
  text = '';
  thread = 't';
  keeping = new Keeping('c', words, () => (thread ? { thread_id: thread, text, visibility: null, content_warning: null } : null));
});
afterEach(() => vi.useRealTimers());

const write = (said: string): void => {
  text = said;
  keeping.here();
  keeping.soon();
};

describe('unsent words', () => {
  it('are in this browser at once, and on the server once they rest', async () => {
    write('Hoi');
    expect([drafts.read('c')?.text, keeping.saved]).toEqual(['Hoi', 'local']);
    await vi.advanceTimersByTimeAsync(500);
    write('Hoi Sanne');
    await vi.advanceTimersByTimeAsync(500);
    expect(put).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(500);
    expect(put.mock.calls).toEqual([['c', { thread_id: 't', text: 'Hoi Sanne', visibility: null, content_warning: null }]]);
    expect(keeping.saved).toBe('server');
  });

  it('are there again next time', () => {
    write('Hoi');
    const again = new Keeping('c', words, () => null);
    expect(again.saved).toBe('none');
    expect([again.last()?.text, again.saved]).toEqual(['Hoi', 'local']);
  });

  it('are kept here alone while the server is away, or while it is not known where they go', async () => {
    put.mockRejectedValue(new Error('away'));
    write('Hoi');
    await vi.advanceTimersByTimeAsync(1000);
    expect([put.mock.calls.length, keeping.saved]).toEqual([1, 'local']);
    thread = null;
    write('Hoi Sanne');
    await vi.advanceTimersByTimeAsync(1000);
    expect([put.mock.calls.length, keeping.saved]).toEqual([1, 'local']);
  });

  it('go to the server when the conversation is left before they rested, and only then', async () => {
    write('Hoi');
    keeping.stop();
    expect(put).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1000);
    keeping.stop();
    expect(put).toHaveBeenCalledTimes(1);
  });

  it('are no draft any more when they are being sent, or wiped', async () => {
    write('Hoi');
    keeping.cancel();
    await vi.advanceTimersByTimeAsync(1000);
    expect(put).not.toHaveBeenCalled();
    write('');
    expect([drafts.read('c'), keeping.saved]).toEqual([null, 'none']);
  });
});
