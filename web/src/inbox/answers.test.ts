import { describe, expect, it } from 'vitest';
import type { Message } from '../api/types';
import { saysOnlyFields } from './answers';

const of = (text: string, fields: { label: string; value: string }[]): Pick<Message, 'text' | 'extra'> =>
  ({ text, extra: { fields } }) as unknown as Pick<Message, 'text' | 'extra'>;

describe('a form’s text', () => {
  const fields = [
    { label: 'Je naam', value: 'Noor' },
    { label: 'Wat is er mis?', value: 'Hij lekt.\nAl een week.' },
  ];

  it('is not shown beside the fields it repeats', () => {
    expect(saysOnlyFields(of('Je naam: Noor\nWat is er mis?: Hij lekt.\nAl een week.', fields))).toBe(true);
  });

  it('stays when it says anything else', () => {
    expect(saysOnlyFields(of('Waar blijft mijn bestelling?', fields))).toBe(false);
    expect(saysOnlyFields(of('Je naam: Noor\nWat is er mis?: Hij lekt.\nAl een week.\nHaast!', fields))).toBe(false);
  });

  it('stays when there are no fields', () => {
    expect(saysOnlyFields(of('', []))).toBe(false);
    expect(saysOnlyFields({ text: 'Dag', extra: null } as unknown as Pick<Message, 'text' | 'extra'>)).toBe(false);
  });
});
