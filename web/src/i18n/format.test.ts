import { describe, expect, it } from 'vitest';
import { bytes, duration, moment, names, span } from './format';

const MIN = 60_000;

describe('a running wait', () => {
  it.each([
    [0, '0:00'],
    [42_000, '0:42'],
    [119_000, '1:59'],
    [2 * MIN, '2 min'],
    [59 * MIN, '59 min'],
    [65 * MIN, '1 u 05'],
    [24 * 60 * MIN, '1 d'],
    [76 * 60 * MIN, '3 d 4 u'],
    [239 * 60 * MIN, '9 d 23 u'],
    [(264 * 24 + 23) * 60 * MIN, '264 d'],
  ])('%i ms reads %s', (ms, words) => expect(duration(ms, 'nl')).toBe(words));

  it('is never negative, whatever the clocks say', () => expect(duration(-5000, 'en')).toBe('0:00'));
  it('has English hours', () => expect(duration(65 * MIN, 'en')).toBe('1 h 05'));
});

it('an amount that does not tick has a unit', () => {
  expect(span(340, 'nl')).toBe('340 ms');
  expect(span(1400, 'nl')).toBe('1 s');
});

it('a moment is a time today, a weekday this week, a date before', () => {
  const now = new Date(2026, 5, 17, 15, 0).getTime();
  expect(moment(new Date(2026, 5, 17, 9, 5).getTime(), now, 'nl')).toBe('09:05');
  expect(moment(new Date(2026, 5, 15, 9, 5).getTime(), now, 'nl')).toContain('ma');
  expect(moment(new Date(2025, 5, 15).getTime(), now, 'nl')).toContain('2025');
});

it('sizes are read in the language', () => expect(bytes(1_600_000, 'nl')).toBe('1,5 MB'));

it('names are read in the language', () => {
  expect(names(['Merk'], 'nl')).toBe('Merk');
  expect(names(['Merk', 'Winkel', 'Support'], 'nl')).toBe('Merk, Winkel en Support');
  expect(names(['Brand', 'Shop'], 'en')).toBe('Brand and Shop');
});
