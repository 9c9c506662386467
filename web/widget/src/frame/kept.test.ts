import { describe, expect, it } from 'vitest';
import { Kept } from './kept';
import { Store } from './testing';

const blocked = (): Store => {
  throw new DOMException('denied', 'SecurityError');
};

describe('what outlives the page', () => {
  it('is kept in our own storage, apart for each account', () => {
    const store = new Store();
    store.setItem('balie:b:token', 'theirs');
    const told: unknown[] = [];
    const kept = new Kept({ mode: 'frame', account: 'a', own: () => store, site: {}, tell: (...all) => told.push(all) });
    kept.set('token', 't');
    kept.set('out.1', '{}');
    expect(kept.each('out.')).toEqual([['out.1', '{}']]);
    kept.clear();
    expect([...store.map.keys()]).toEqual(['balie:b:token']);
    expect(told).toEqual([]);
  });

  it('is kept by the site where the browser gives the frame no storage', () => {
    const told: unknown[] = [];
    const kept = new Kept({ mode: 'frame', account: 'a', own: blocked, site: { token: 't0' }, tell: (...all) => told.push(all) });
    expect(kept.get('token')).toBe('t0');
    kept.set('token', 't1');
    kept.set('token', 't1');
    kept.set('token', null);
    expect(told).toEqual([['token', 't1'], ['token', null]]);
  });

  it('hears of other tabs from the site, and does not tell it back', () => {
    const told: unknown[] = [];
    const kept = new Kept({ mode: 'frame', account: 'a', own: blocked, site: { token: 't0' }, tell: (...all) => told.push(all) });
    expect(kept.heard('token', 't1')).toBe(true);
    expect(kept.get('token')).toBe('t1');
    kept.heard('token', null);
    expect([kept.get('token'), told.length]).toEqual([null, 0]);
    const own = new Kept({ mode: 'frame', account: 'a', own: () => new Store(), site: {}, tell: () => undefined });
    expect(own.heard('token', 'stale')).toBe(false);
  });

  it('moves home when our own storage works again', () => {
    const store = new Store();
    const told: unknown[] = [];
    const kept = new Kept({ mode: 'frame', account: 'a', own: () => store, site: { token: 't0' }, tell: (...all) => told.push(all) });
    expect(kept.get('token')).toBe('t0');
    expect(store.getItem('balie:a:token')).toBe('t0');
    expect(told).toEqual([['token', null]]);
  });

  it('is nothing at all when the site says so', () => {
    const store = new Store();
    const told: unknown[] = [];
    const kept = new Kept({ mode: 'none', account: 'a', own: () => store, site: { token: 't0' }, tell: (...all) => told.push(all) });
    expect(kept.get('token')).toBeNull();
    kept.set('token', 't');
    expect([kept.get('token'), store.length, told.length]).toEqual(['t', 0, 0]);
  });

  it('goes on when the storage is full', () => {
    const store = new Store();
    const kept = new Kept({ mode: 'frame', account: 'a', own: () => store, site: {}, tell: () => undefined });
    store.setItem = () => {
      throw new DOMException('full', 'QuotaExceededError');
    };
    expect(() => kept.set('draft', 'x')).not.toThrow();
  });
});
