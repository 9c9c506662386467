import { describe, expect, it } from 'vitest';
import type { Message } from '../api/types';
import { addressed, readAddresses, writeAddresses } from './address';

describe('addresses as people type them', () => {
  it('are read with and without names, whatever stands between them', () => {
    expect(readAddresses('Anna <anna@example.org>, bram@example.org;\n"Vries, Carla de" <carla@example.org>').boxes).toEqual([
      { name: 'Anna', address: 'anna@example.org' },
      { name: '', address: 'bram@example.org' },
      { name: 'Vries, Carla de', address: 'carla@example.org' },
    ]);
  });

  it('are each there once, and what cannot be one is named', () => {
    const read = readAddresses('anna@example.org, ANNA@example.org, bram, <x y@z>, , @example.org');
    expect(read.boxes).toEqual([{ name: '', address: 'anna@example.org' }]);
    expect(read.wrong).toEqual(['bram', '<x y@z>', '@example.org']);
  });

  it('come back as they went in', () => {
    const text = 'Anna <anna@example.org>, bram@example.org, "Vries, Carla de" <carla@example.org>';
    expect(writeAddresses(readAddresses(text).boxes)).toBe(text);
  });
});

describe('to whom an answer goes', () => {
  const anna = { name: 'Anna', address: 'anna@example.org' };
  const bram = { name: 'Bram', address: 'bram@example.org' };
  const mail = (recipients: object | null): Message =>
    ({ author: { name: 'Anna', handle: 'anna@example.org' }, extra: recipients && { recipients } }) as unknown as Message;

  it('is who the message names for it, with the others in Cc when all are answered', () => {
    const message = mail({ reply: [anna], reply_all: [bram, anna] });
    expect(addressed(message, 'reply')).toEqual({ to: [anna], cc: [] });
    expect(addressed(message, 'all')).toEqual({ to: [anna], cc: [bram] });
    expect(addressed(message, 'forward')).toEqual({ to: [], cc: [] });
  });

  it('is the author when nothing is named', () => {
    expect(addressed(mail(null), 'reply').to).toEqual([anna]);
    expect(addressed(null, 'reply').to).toEqual([]);
  });
});
