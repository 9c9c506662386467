import { describe, expect, it } from 'vitest';
import { moments, parseMoment } from './snooze';

// A Wednesday, ten past ten.
const NOW = new Date(2026, 5, 17, 10, 10).getTime();
const at = (day: number, hour: number, minute = 0) => new Date(2026, 5, day, hour, minute).getTime();

describe('what somebody types', () => {
  it.each([
    ['20 min', NOW + 20 * 60_000],
    ['3u', NOW + 3 * 3600_000],
    ['3h', NOW + 3 * 3600_000],
    ['2 dagen', at(19, 9)],
    ['morgen 9', at(18, 9)],
    ['tomorrow 14:30', at(18, 14, 30)],
    ['vrijdag', at(19, 9)],
    ['fri 8', at(19, 8)],
    ['wo', at(24, 9)],
    ['16:00', at(17, 16)],
    ['9:00', at(18, 9)],
  ])('%s', (words, moment) => expect(parseMoment(words, NOW)).toBe(moment));

  it.each(['', 'ooit', '25:00', 'vandaag 9', '0 min', 'morgen 9:75'])('“%s” is no moment in the future', (words) =>
    expect(parseMoment(words, NOW)).toBeNull(),
  );
});

it('offers no moment that has passed', () => {
  const evening = at(17, 22);
  expect(moments(evening).every((one) => one.at > evening)).toBe(true);
  expect(moments(evening).map((one) => one.key)).not.toContain('snooze.afternoon');
});

describe('the usual moments', () => {
  it('are each a moment of their own, also on a Sunday, when tomorrow is Monday', () => {
    for (let day = 14; day <= 21; day += 1) {
      for (const hour of [0, 8, 11, 12, 16, 23]) {
        const found = moments(at(day, hour, 0)).map((one) => one.at);
        expect(new Set(found).size, `at ${hour}:00 on the ${day}th`).toBe(found.length);
      }
    }
  });
});
