import { describe, expect, it } from 'vitest';
import { expiry } from '../app/expiry';
import { complete, firstValues, settingsOf, wrongField } from './fields';
import { outcome } from './outcome';
import { blocks, inline } from './setup';
import type { ChannelField } from '../api/types';

const field = (key: string, kind: ChannelField['kind'], required = false, byDefault: string | null = null): ChannelField => ({
  key,
  kind,
  required,
  default: byDefault,
  label: { nl: key, en: key },
  help: { nl: '', en: '' },
  options: [],
});
const fields = [field('server', 'url', true), field('token', 'secret', true), field('days', 'number', false, '7'), field('dms', 'bool', false, 'true')];

describe('the fields of a channel', () => {
  it('having no mailbox is told, so that one can be given up', () => {
    const mailbox = [field('mailbox', 'mailbox', false)];
    expect(settingsOf(mailbox, { mailbox: '' })).toEqual({ mailbox: null });
    expect(settingsOf(mailbox, { mailbox: 'id' })).toEqual({ mailbox: 'id' });
    expect(wrongField({ code: 'account.field', field: 'mailbox' }, mailbox)).toEqual({ key: 'mailbox', words: 'field.choice' });
  });


  it('start from what is stored or the default, and never show a secret', () => {
    expect(firstValues(fields, { server: 'https://x', token: 'leak' })).toEqual({ server: 'https://x', token: '', days: '7', dms: true });
  });

  it('send what was filled in, in its own kind', () => {
    expect(settingsOf(fields, { server: ' https://x ', token: '', days: '14', dms: false })).toEqual({ server: 'https://x', days: 14, dms: false });
  });

  it('say of what was emptied that it is empty, so that it can be; a secret that is not typed again stays', () => {
    const more = [field('hours', 'lines'), field('days', 'number'), field('token', 'secret')];
    expect(settingsOf(more, { hours: ' ', days: '', token: '' })).toEqual({ hours: null, days: null });
  });

  it('are complete when what is required is there; a stored secret may stay', () => {
    const values = { server: 'https://x', token: '', days: '', dms: true };
    expect(complete(fields, values)).toBe(false);
    expect(complete(fields, values, true)).toBe(true);
  });
});

describe('what the server did not take', () => {
  it('is told at its field, in words that belong to its kind', () => {
    expect(wrongField({ code: 'account.field', field: 'server' }, fields)).toEqual({ key: 'server', words: 'field.url' });
    expect(wrongField({ code: 'account.field', field: 'token' }, fields)).toEqual({ key: 'token', words: 'field.needed' });
    expect(wrongField({ code: 'account.field', field: 'unknown' }, fields)).toBeNull();
    expect(wrongField({ code: 'oauth.denied' }, fields)).toBeNull();
  });
});

describe('credentials that end', () => {
  const day = 24 * 3600_000;
  it('are warned of from two weeks ahead, and not when the account is off', () => {
    expect(expiry({ enabled: true, expires_at: 15 * day }, 0)).toBeNull();
    expect(expiry({ enabled: true, expires_at: 14 * day - 1 }, 0)).toBe('soon');
    expect(expiry({ enabled: true, expires_at: day }, day)).toBe('ended');
    expect(expiry({ enabled: false, expires_at: day }, 0)).toBeNull();
    expect(expiry({ enabled: true, expires_at: null }, 0)).toBeNull();
  });
});

describe('the setup notes of a channel', () => {
  it('go on counting after a block of code', () => {
    const lists = blocks('1. a\n2. b\n\n```\nx\n```\n\n3. c').filter((block) => block.kind === 'list');
    expect(lists.map((list) => list.start)).toEqual([1, 3]);
  });

  it('read headings, lists and paragraphs', () => {
    expect(blocks('# Title\nOne\ntwo\n\n1. a\n2. b\n- c').map((block) => block.kind)).toEqual(['heading', 'paragraph', 'list', 'list']);
  });

  it('leave a list its margin, and the code in it its own', () => {
    const [, code] = blocks('1. Put this:\n\n   ```html\n   <div>\n     <b>x</b>\n\n  </div>\n   ```');
    expect(code).toEqual({ kind: 'code', text: '<div>\n  <b>x</b>\n\n</div>' });
  });

  it('read blocks of code and tables as they are', () => {
    const [code, table, after] = blocks('```json\n{ "a": "| b |" }\n\n# not a heading\n```\n| type | data |\n|---|---|\n| `a|b` | **x** |\nAfter');
    expect(code).toEqual({ kind: 'code', text: '{ "a": "| b |" }\n\n# not a heading' });
    expect(table).toEqual({
      kind: 'table',
      head: [[{ kind: 'text', text: 'type' }], [{ kind: 'text', text: 'data' }]],
      rows: [[[{ kind: 'code', text: 'a|b' }], [{ kind: 'bold', text: 'x' }]]],
    });
    expect(after?.kind).toBe('paragraph');
    expect(blocks('```\nnever closed'), 'nothing is lost').toEqual([{ kind: 'code', text: 'never closed' }]);
  });

  it('link only to the web; everything else stays text', () => {
    expect(inline('[x](javascript:alert(1)) <b>no</b>').every((piece) => piece.kind === 'text')).toBe(true);
    expect(inline('*a* b*c')[0]).toEqual({ kind: 'italic', text: 'a' });
    expect(inline('see [docs](https://d.example)')).toEqual([
      { kind: 'text', text: 'see ' },
      { kind: 'link', text: 'docs', href: 'https://d.example' },
    ]);
  });
});

describe('the way back from connecting in the browser', () => {
  const cookie = (problem: object): string => `balie_told=${Buffer.from(JSON.stringify(problem)).toString('base64url')}`;

  it('tells what was connected, or why not in the words of the server', () => {
    expect(outcome(new URLSearchParams('connected=a1'), '')).toEqual({ connected: 'a1' });
    const cause = { nl: 'Geen toestemming — jammer', en: 'No' };
    expect(outcome(new URLSearchParams('failed=oauth.denied'), `x=y; ${cookie({ code: 'oauth.denied', cause })}`)).toMatchObject({
      failed: { code: 'oauth.denied', cause },
    });
    expect(outcome(new URLSearchParams(), cookie({ code: 'oauth.denied' }))).toBeNull();
  });

  it('shows no words that came with an address of somebody else', () => {
    const link = new URLSearchParams('failed=oauth.denied&detail=Bel+0900-1234');
    expect(JSON.stringify(outcome(link, 'balie_told=%%%'))).not.toContain('0900');
    expect(outcome(link, cookie({ code: 'account.twice', detail: 'old news' }))).toEqual({
      failed: { type: 'about:blank', title: 'oauth.denied', status: 422, code: 'oauth.denied' },
    });
  });
});
