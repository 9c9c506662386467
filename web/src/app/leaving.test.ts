// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError } from '../api/client';
import { session as calls } from '../api/calls';
import type { Me } from '../api/types';
import { en } from '../i18n/en';
import { language } from '../i18n/i18n.svelte';
import { blank, unsaved } from '../inbox/call';
import { drafts } from '../inbox/drafts';
import { leaving } from './leaving.svelte';
import { session } from './session.svelte';
import { toasts } from './toasts.svelte';

const close = vi.spyOn(calls, 'close');
const draft = { thread_id: null, text: 'Hoi', note: '', warning: '', visibility: null, at: Date.now() };
const refused = (status: number): ApiError => new ApiError({ type: 'about:blank', title: 'x', status, code: status ? 'x' : 'network' });

beforeEach(() => {
  localStorage.clear();
  language.texts = en;
  close.mockReset().mockResolvedValue(undefined);
  session.me = { id: 'me' } as Me;
  session.phase = 'in';
  leaving.stay();
});

describe('signing out', () => {
  it('asks first while words would be lost, and then leaves none', async () => {
    drafts.write('c', draft);
    unsaved.write({ ...blank('a', null), notes: 'Belde over een modem' });
    localStorage.setItem('balie.draft.other.c', JSON.stringify(draft));
    await leaving.ask();
    expect([leaving.asking, session.phase]).toEqual([true, 'in']);
    expect(close).not.toHaveBeenCalled();
    await leaving.go();
    expect([leaving.asking, session.phase, session.me]).toEqual([false, 'out', null]);
    expect(Object.keys(localStorage), 'what is a colleague’s stays').toEqual(['balie.draft.other.c']);
  });

  it('goes at once when nothing would be lost, also when the session had ended already', async () => {
    close.mockRejectedValueOnce(refused(401));
    await leaving.ask();
    expect(session.phase).toBe('out');
  });

  it('stays in, with every word, when the server could not be told', async () => {
    const told = vi.spyOn(toasts, 'fail');
    for (const status of [0, 503]) {
      close.mockRejectedValueOnce(refused(status));
      drafts.write('c', draft);
      await leaving.go();
      expect([session.phase, drafts.list()]).toEqual(['in', ['c']]);
    }
    expect(told).toHaveBeenCalledTimes(2);
  });
});

describe('drafts in this browser', () => {
  it('are forgotten after two weeks, everybody’s', () => {
    const old = JSON.stringify({ ...draft, at: Date.now() - 15 * 24 * 3600_000 });
    localStorage.setItem('balie.draft.me.c', old);
    expect(drafts.read('c')).toBeNull();
    expect(drafts.list()).toEqual([]);
    localStorage.setItem('balie.draft.other.c', old);
    drafts.write('d', draft);
    drafts.sweep();
    expect(Object.keys(localStorage)).toEqual(['balie.draft.me.d']);
  });

  it('are nobody’s when nobody is signed in', () => {
    session.me = null;
    drafts.write('c', draft);
    expect(localStorage.length).toBe(0);
  });
});
