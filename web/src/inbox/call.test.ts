import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Account, Contact } from '../api/types';
import type { Me } from '../api/types';
import { session } from '../app/session.svelte';
import { attemptAt } from './attempt';
import { blank, bodyOf, callBack, localMoment, numberOf, restored, telephones, unsaved, wrong } from './call';

const NOW = new Date(2026, 2, 2, 12).getTime();

function known(...claims: { kind: string; value: string; verified: boolean }[]): Contact {
  return { id: 'c', name: 'Noor', links: [], identities: [{ claims }] } as unknown as Contact;
}

beforeEach(() => {
  session.me = { id: 'me' } as Me;
  const kept = new Map<string, string>();
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  });
});

describe('a call that is written down', () => {
  it('begins with the number that is vouched for, else with what was typed, else with none', () => {
    const typed = { kind: 'phone', value: '+31611111111', verified: false };
    const proven = { kind: 'phone', value: '+31622222222', verified: true };
    const mail = { kind: 'email', value: 'noor@fietspad.example', verified: true };
    expect(numberOf(known(mail, typed, proven))).toBe('+31622222222');
    expect(numberOf(known(mail, typed))).toBe('+31611111111');
    expect(numberOf(known(mail))).toBe('');
    expect(blank('a', known(typed))).toMatchObject({ name: 'Noor', number: '+31611111111', after: 'closed' });
    expect(blank('a', { ...known(typed), name: '+31611111111' }).name).toBe('');
    expect(blank('a', null)).toMatchObject({ name: '', number: '' });
  });

  it('says what it was about, and calls back in the future or not at all', () => {
    const draft = { ...blank('a', null), notes: ' modem stuk ' };
    expect(wrong(blank('a', null), NOW)).toEqual({ notes: 'problem.call.empty' });
    expect(wrong(draft, NOW)).toEqual({});
    for (const moment of ['', '2026-03-02T11:59', 'never']) {
      expect(wrong({ ...draft, after: 'other', moment }, NOW), moment).toEqual({ moment: 'problem.call.call_back_at' });
    }
    expect(wrong({ ...draft, after: 'other', moment: '2026-03-02T12:01' }, NOW)).toEqual({});
  });

  it('sends a moment to call back or a status, never both', () => {
    const draft = { ...blank('a', null), notes: ' modem stuk ', number: ' ' };
    expect(bodyOf(draft)).toEqual({ account_id: 'a', direction: 'in', number: null, name: null, notes: 'modem stuk', outcome: null, then: 'closed' });
    expect(bodyOf({ ...draft, after: 'pending' }).then).toBe('pending');
    const back = bodyOf({ ...draft, after: String(NOW + 1) });
    expect([back.call_back_at, back.then]).toEqual([NOW + 1, undefined]);
    expect(callBack({ ...draft, after: 'other', moment: '2026-03-02T12:00' })).toBe(NOW);
  });

  it('is one note for the same words, however often they are sent', () => {
    const draft = { ...blank('a', null), notes: 'x' };
    const words = (notes: string): string => JSON.stringify(bodyOf({ ...draft, notes }));
    const tried = attemptAt(null, words('x'));
    unsaved.write({ ...draft, tried });
    expect(attemptAt(unsaved.read()?.tried, words('x')).key, 'also after a reload').toBe(tried.key);
    expect(attemptAt(tried, words('y')).key).not.toBe(tried.key);
  });

  it('says at the choice itself that its moment has passed, or is too far', () => {
    const draft = { ...blank('a', null), notes: 'x', after: String(NOW) };
    expect(wrong(draft, NOW - 1)).toEqual({});
    expect(wrong(draft, NOW + 1)).toEqual({ after: 'problem.call.call_back_at' });
    expect(wrong({ ...draft, after: String(NOW + 367 * 86_400_000) }, NOW)).toEqual({ after: 'problem.call.call_back_at' });
  });

  it('keeps the moment to call back that was chosen before, and never closes instead', () => {
    const lines = [{ id: 'a' }, { id: 'b' }] as Account[];
    const kept = { ...blank('b', null), notes: 'x', after: String(NOW + 3_600_000) };
    const back = restored(kept, lines);
    expect([back.account, back.after, callBack(back)]).toEqual(['b', 'other', NOW + 3_600_000]);
    expect(bodyOf(back), 'the same words, the same key').toEqual(bodyOf(kept));
    expect(wrong(back, NOW + 7_200_000), 'passed: somebody chooses again').toEqual({ moment: 'problem.call.call_back_at' });
    expect(restored({ ...kept, account: 'gone', after: 'pending' }, lines)).toMatchObject({ account: 'a', after: 'pending' });
    expect(localMoment(NOW)).toBe('2026-03-02T12:00');
  });

  it('is kept in the browser while there are words in it', () => {
    const draft = { ...blank('a', null), notes: 'modem stuk' };
    unsaved.write(draft);
    expect(unsaved.read()).toEqual(draft);
    unsaved.write({ ...draft, notes: ' ' });
    expect(unsaved.read()).toBeNull();
    localStorage.setItem('balie.call.me', '{');
    expect(unsaved.read()).toBeNull();
  });

  it('is offered where calls can be written down', () => {
    const accounts = [
      { name: 'Winkel', enabled: true, calls: true },
      { name: 'Oud', enabled: false, calls: true },
      { name: 'Mastodon', enabled: true, calls: false },
      { name: 'Balie', enabled: true, calls: true },
    ] as Account[];
    expect(telephones(accounts).map((one) => one.name)).toEqual(['Balie', 'Winkel']);
  });
});
