import { describe, expect, it } from 'vitest';
import { inboxUrl, matches, order, readFilter } from './filter';

const row = {
  status: 'open' as const,
  assignee_id: null,
  team_id: 't1',
  tags: ['a'],
  channel: 'x',
  account_id: 'acc',
  lane: 'public' as const,
  delivery_problem: false,
  contact: { id: 'c1', name: '', handle: '', avatar_url: null },
};

describe('an address and its filter', () => {
  it('say the same, both ways', () => {
    const filter = { status: 'pending' as const, assignee: 'me', tag: 'a b' };
    const url = inboxUrl(filter, 'id1');
    expect(url).toBe('/inbox/id1?status=pending&assignee=me&tag=a+b');
    expect(readFilter(new URL(url, 'http://x').searchParams)).toEqual(filter);
  });

  it('take an unknown status for open', () => {
    expect(readFilter(new URLSearchParams('status=lost')).status).toBe('open');
  });
});

describe('whether a changed conversation belongs in a list', () => {
  const fits = (filter: object, change: object = {}) => matches({ status: 'open', ...filter }, { ...row, ...change }, 'me');

  it('follows every field of the filter', () => {
    expect(fits({})).toBe(true);
    expect(fits({}, { status: 'closed' })).toBe(false);
    expect(fits({ assignee: 'none' })).toBe(true);
    expect(fits({ assignee: 'me' }, { assignee_id: 'me' })).toBe(true);
    expect(fits({ assignee: 'other' })).toBe(false);
    expect(fits({ team: 't2' })).toBe(false);
    expect(fits({ tag: 'b' })).toBe(false);
    expect(fits({ problem: 'true' })).toBe(false);
  });

  it('is not known here when the list searches text', () => {
    expect(fits({ q: 'pakket' })).toBeUndefined();
    expect(fits({ q: 'pakket', team: 't2' })).toBe(false);
  });
});

describe('the order of a list', () => {
  const of = (id: string, queue_key: number, last_message_at: number) => ({ id, queue_key, last_message_at });

  it('is by queue key for what is open, newest first for the rest, and never undecided', () => {
    const rows = [of('b', 2, 9), of('a', 2, 9), of('c', 1, 5)];
    expect(rows.toSorted(order('open')).map((one) => one.id)).toEqual(['c', 'a', 'b']);
    expect(rows.toSorted(order('closed')).map((one) => one.id)).toEqual(['a', 'b', 'c']);
  });
});
