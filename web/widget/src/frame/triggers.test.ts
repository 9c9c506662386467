import { beforeEach, describe, expect, it } from 'vitest';
import { Clock, keptIn, Store } from './testing';
import { onPage, Triggers } from './triggers';
import type { TriggerRule } from './wire';

let clock: Clock;
let store: Store;
let fired: string[];
let free: boolean;

const make = (): Triggers =>
  new Triggers({ kept: keptIn(store), now: () => clock.now, later: clock.later, cancel: clock.cancel, free: () => free, fire: (rule) => fired.push(rule.id) });
const rule = (over: Partial<TriggerRule>): TriggerRule => ({ id: 'r', after_seconds: null, page: null, event: null, text: 'Hulp nodig?', ...over });
const shop = (path: string): string => `https://shop.example${path}`;

beforeEach(() => {
  [clock, store, fired, free] = [new Clock(), new Store(), [], true];
});

describe('a page pattern', () => {
  it.each([
    ['/winkel/*', '/winkel/brood', true],
    ['/winkel/*', '/winkels/brood', false],
    ['/', '/', true],
    ['/', '/a', false],
    ['*', '/alles/hier', true],
    ['/a.b', '/axb', false],
    ['/(x', '/(x', true],
    ['https://shop.example/*', '/a', true],
    ['https://ander.example/*', '/a', false],
  ])('%s on %s: %s', (pattern, path, is) => expect(onPage(pattern, shop(path))).toBe(is));

  it('fits no page that has no address', () => expect(onPage('/*', '')).toBe(false));
});

describe('speaking first', () => {
  it('waits the time on the page, and begins anew on another', async () => {
    const triggers = make();
    triggers.start([rule({ after_seconds: 30 })], shop('/a'));
    await clock.pass(29_000);
    triggers.page(shop('/b'));
    await clock.pass(29_000);
    expect(fired).toEqual([]);
    await clock.pass(1000);
    expect(fired).toEqual(['r']);
  });

  it('needs all conditions of a rule', async () => {
    const triggers = make();
    triggers.start([rule({ after_seconds: 5, page: '/mand', event: 'twijfel' })], shop('/mand'));
    triggers.event('twijfel');
    expect(fired).toEqual([]);
    await clock.pass(5000);
    expect(fired).toEqual(['r']);
  });

  it('hears an event that came before its page', () => {
    const triggers = make();
    triggers.start([rule({ page: '/mand', event: 'twijfel' })], shop('/'));
    triggers.event('twijfel');
    triggers.page(shop('/mand'));
    expect(fired).toEqual(['r']);
  });

  it('does not happen to who is talking already', () => {
    free = false;
    const triggers = make();
    triggers.start([rule({})], shop('/'));
    expect(fired).toEqual([]);
  });

  it('respects a decline: not that one again, and no other for the rest of the visit', async () => {
    const first = make();
    first.start([rule({})], shop('/'));
    first.decline();
    const after = make();
    after.start([rule({}), rule({ id: 'other' })], shop('/b'));
    expect(fired).toEqual(['r']);
    await clock.pass(13 * 3600_000);
    after.page(shop('/c'));
    expect(fired).toEqual(['r', 'other']);
  });

  it('invites once while an invitation stands', () => {
    const triggers = make();
    triggers.start([rule({}), rule({ id: 'other' })], shop('/'));
    triggers.page(shop('/b'));
    expect(fired).toEqual(['r']);
    expect(triggers.accept()?.id).toBe('r');
  });
});
