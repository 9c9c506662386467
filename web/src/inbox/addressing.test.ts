import { beforeEach, describe, expect, it } from 'vitest';
import type { Message } from '../api/types';
import { en } from '../i18n/en';
import { language } from '../i18n/i18n.svelte';
import { Addressing } from './addressing.svelte';

const anna = { name: 'Anna', address: 'anna@example.org' };
const bram = { name: 'Bram', address: 'bram@example.org' };
const mail = {
  author: { name: 'Anna', handle: 'anna@example.org' },
  extra: { recipients: { to: [], cc: [], bcc: [], reply: [anna], reply_all: [bram] } },
} as unknown as Message;
let free: boolean;
let address: Addressing;

beforeEach(() => {
  language.texts = en;
  free = true;
  address = new Addressing(() => free, () => mail);
});

describe('to whom an answer goes', () => {
  it('is left to the channel unless somebody chooses', () => {
    expect([address.toText, address.ccText, address.touched]).toEqual(['Anna <anna@example.org>', '', false]);
    expect(address.body).toEqual({});
  });

  it('follows from the kind of answer until somebody types', () => {
    address.as('all');
    expect(address.body).toEqual({ recipients: { to: [anna], cc: [bram], bcc: [] } });
    address.to = 'carla@example.org';
    address.bcc = 'bram@example.org';
    address.subject = ' Je bestelling ';
    expect(address.body).toEqual({
      recipients: { to: [{ name: '', address: 'carla@example.org' }], cc: [bram], bcc: [{ name: '', address: 'bram@example.org' }] },
      subject: 'Je bestelling',
    });
    address.as('reply');
    expect(address.toText, 'another kind starts afresh').toBe('Anna <anna@example.org>');
    address.reset();
    expect([address.touched, address.subject]).toEqual([false, '']);
  });

  it('is somebody else when it is passed on, and then needs no word', () => {
    address.as('forward');
    expect([address.forwards, address.misaddressed]).toEqual([true, en['address.missing']]);
    address.to = 'magazijn@example.org';
    expect(address.misaddressed).toBeNull();
    expect(address.body).toMatchObject({ forward: true });
  });

  it('is not what cannot be an address, in any of the fields', () => {
    address.bcc = 'anna';
    expect(address.misspelt).toContain('anna');
    expect(address.misaddressed).toBe(address.misspelt);
  });

  it('stays as typed in a draft', () => {
    address.as('all');
    address.to = 'anna, bram@example.org';
    const again = new Addressing(() => true, () => mail);
    again.restore(address.kept!);
    expect([again.kind, again.toText, again.ccText]).toEqual(['all', 'anna, bram@example.org', 'Bram <bram@example.org>']);
  });

  it('is nobody’s to choose where the channel knows: nothing is said or kept about it', () => {
    free = false;
    address.to = 'anna';
    address.as('forward');
    expect([address.misaddressed, address.forwards, address.body, address.kept]).toEqual([null, false, {}, undefined]);
  });
});
