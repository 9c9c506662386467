import { describe, expect, it } from 'vitest';
import { caps, isSingle, match, nameOf } from './keymap';

const press = (key: string, held: Partial<Record<'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey', true>> = {}) =>
  nameOf({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...held });

describe('the name of a key press', () => {
  it('names letters in lower case and their shift apart', () => {
    expect(press('j')).toBe('j');
    expect(press('J', { shiftKey: true })).toBe('Shift+j');
  });

  it('does not name the shift that a symbol needs', () => {
    expect(press('?', { shiftKey: true })).toBe('?');
    expect(press('#', { shiftKey: true })).toBe('#');
  });

  it('takes the command key of a Mac for Ctrl', () => {
    expect(press('k', { metaKey: true })).toBe('Ctrl+k');
    expect(press('Enter', { ctrlKey: true, shiftKey: true })).toBe('Ctrl+Shift+Enter');
  });

  it('has none for a modifier alone', () => {
    expect(press('Shift', { shiftKey: true })).toBeNull();
  });
});

describe('single keys, which can be switched off', () => {
  it.each(['j', '?', 'Shift+a', 'g i', '.'])('%s is one', (key) => expect(isSingle(key)).toBe(true));
  it.each(['Ctrl+k', 'Ctrl+Enter', 'Escape'])('%s is not', (key) => expect(isSingle(key)).toBe(false));
});

describe('sequences', () => {
  it('waits for the rest of a sequence and then hits', () => {
    expect(match(['g'], ['g i', 'j'])).toEqual({ hit: null, partial: true });
    expect(match(['g', 'i'], ['g i', 'j'])).toEqual({ hit: 'g i', partial: false });
  });

  it('shows what is on the caps', () => {
    expect(caps('Ctrl+Enter')).toEqual(['Ctrl', '↵']);
    expect(caps('g i')).toEqual(['G', 'I']);
  });
});
