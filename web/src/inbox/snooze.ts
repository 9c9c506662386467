// Moments to snooze until: the usual ones, and what somebody types ("3u", "20 min", "morgen 9", "fri 14:30").
// Pure: the present comes in as an argument. Times are the reader's own.
import type { Key } from '../i18n/i18n.svelte';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

function at(now: number, days: number, hour: number, minute = 0): number {
  const date = new Date(now);
  date.setDate(date.getDate() + days);
  date.setHours(hour, minute, 0, 0);
  return date.getTime();
}

export function moments(now: number): { key: Key; at: number }[] {
  const day = new Date(now).getDay();
  const monday = (8 - day) % 7 || 7;
  const later = [
    { key: 'snooze.hour' as const, at: now + HOUR },
    { key: 'snooze.three_hours' as const, at: now + 3 * HOUR },
    { key: 'snooze.afternoon' as const, at: at(now, 0, 13) },
    { key: 'snooze.evening' as const, at: at(now, 0, 17) },
    { key: 'snooze.tomorrow' as const, at: at(now, 1, 9) },
    { key: 'snooze.monday' as const, at: at(now, monday, 9) },
    { key: 'snooze.week' as const, at: at(now, 7, 9) },
  ];
  // On a Sunday tomorrow morning is Monday morning: one moment, one line.
  return later.filter((one, index) => one.at > now + 15 * MINUTE && later.findIndex(({ at }) => at === one.at) === index);
}

const DAYS: readonly (readonly string[])[] = [
  ['zondag', 'sunday', 'zo', 'sun'],
  ['maandag', 'monday', 'ma', 'mon'],
  ['dinsdag', 'tuesday', 'di', 'tue'],
  ['woensdag', 'wednesday', 'wo', 'wed'],
  ['donderdag', 'thursday', 'do', 'thu'],
  ['vrijdag', 'friday', 'vr', 'fri'],
  ['zaterdag', 'saturday', 'za', 'sat'],
];

/** Null when the words name no moment in the future. */
export function parseMoment(words: string, now: number): number | null {
  const text = words.trim().toLowerCase();
  const span = /^(\d+)\s*(m|min|minuten|minutes|u|uur|h|hour|hours|d|dag|dagen|day|days|w|weken|week|weeks)$/.exec(text);
  if (span) {
    const amount = Number(span[1]);
    const unit = span[2] ?? '';
    if (amount === 0 || amount > 1000) return null;
    if (unit.startsWith('m')) return now + amount * MINUTE;
    if (unit.startsWith('u') || unit.startsWith('h')) return now + amount * HOUR;
    return at(now, amount * (unit.startsWith('w') ? 7 : 1), 9);
  }
  const parts = /^(?:([a-z]+)\s*)?(?:(\d{1,2})(?:[:.](\d{2}))?)?$/.exec(text);
  if (!parts || (!parts[1] && !parts[2])) return null;
  const hour = parts[2] ? Number(parts[2]) : 9;
  const minute = parts[3] ? Number(parts[3]) : 0;
  if (hour > 23 || minute > 59) return null;
  const name = parts[1];
  if (!name) {
    const today = at(now, 0, hour, minute);
    return today > now ? today : at(now, 1, hour, minute);
  }
  if (name === 'morgen' || name === 'tomorrow') return at(now, 1, hour, minute);
  if (name === 'vandaag' || name === 'today') {
    const today = at(now, 0, hour, minute);
    return today > now ? today : null;
  }
  const day = DAYS.findIndex((names) => names.includes(name));
  if (day < 0) return null;
  const ahead = (day - new Date(now).getDay() + 7) % 7 || 7;
  return at(now, ahead, hour, minute);
}
