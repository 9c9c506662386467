import { describe, expect, it } from 'vitest';
import { complete, firstValues, settingsOf } from './fields';
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
  it('start from what is stored or the default, and never show a secret', () => {
    expect(firstValues(fields, { server: 'https://x', token: 'leak' })).toEqual({ server: 'https://x', token: '', days: '7', dms: true });
  });

  it('send only what was filled in, in its own kind', () => {
    expect(settingsOf(fields, { server: ' https://x ', token: '', days: '14', dms: false })).toEqual({ server: 'https://x', days: 14, dms: false });
  });

  it('are complete when what is required is there; a stored secret may stay', () => {
    const values = { server: 'https://x', token: '', days: '', dms: true };
    expect(complete(fields, values)).toBe(false);
    expect(complete(fields, values, true)).toBe(true);
  });
});

describe('the setup notes of a channel', () => {
  it('read headings, lists and paragraphs', () => {
    expect(blocks('# Title\nOne\ntwo\n\n1. a\n2. b\n- c').map((block) => block.kind)).toEqual(['heading', 'paragraph', 'list', 'list']);
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
