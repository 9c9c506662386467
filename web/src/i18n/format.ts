// Moments and amounts in words: pure functions of their arguments.
import type { Locale } from '../api/types';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const formats = new Map<string, Intl.DateTimeFormat>();

function format(locale: Locale, name: string, options: Intl.DateTimeFormatOptions) {
  const key = `${locale}:${name}`;
  const known = formats.get(key);
  if (known) return known;
  const made = new Intl.DateTimeFormat(locale === 'nl' ? 'nl-NL' : 'en-GB', options);
  formats.set(key, made);
  return made;
}

const two = (value: number): string => String(value).padStart(2, '0');

/** "0:42" under two minutes, then "12 min", "1 u 05", "3 d 4 u"; from ten days on the hours say nothing: "12 d". */
export function duration(ms: number, locale: Locale): string {
  const left = Math.max(0, ms);
  const hour = locale === 'nl' ? 'u' : 'h';
  if (left < 2 * MINUTE) {
    const seconds = Math.floor(left / 1000);
    return `${Math.floor(seconds / 60)}:${two(seconds % 60)}`;
  }
  if (left < HOUR) return `${Math.floor(left / MINUTE)} min`;
  if (left < DAY) return `${Math.floor(left / HOUR)} ${hour} ${two(Math.floor((left % HOUR) / MINUTE))}`;
  const hours = left < 10 * DAY ? Math.floor((left % DAY) / HOUR) : 0;
  return `${Math.floor(left / DAY)} d${hours ? ` ${hours} ${hour}` : ''}`;
}

/** Like `duration`, without seconds: for amounts that do not tick. */
export function span(ms: number, locale: Locale): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 2 * MINUTE) return `${Math.round(ms / 1000)} s`;
  return duration(ms, locale);
}

export function clockTime(at: number, locale: Locale): string {
  return format(locale, 'time', { hour: '2-digit', minute: '2-digit' }).format(at);
}

export function exact(at: number, locale: Locale): string {
  return format(locale, 'exact', { dateStyle: 'full', timeStyle: 'medium' }).format(at);
}

/** The shortest unambiguous name of a moment: a time today, else a day, else a date. */
export function moment(at: number, now: number, locale: Locale): string {
  const today = new Date(now).toDateString() === new Date(at).toDateString();
  if (today) return clockTime(at, locale);
  if (Math.abs(now - at) < 6 * DAY) {
    return format(locale, 'weekday', { weekday: 'short', hour: '2-digit', minute: '2-digit' }).format(at);
  }
  return format(locale, 'date', { day: 'numeric', month: 'short', year: 'numeric' }).format(at);
}

export function dayName(at: number, locale: Locale): string {
  return format(locale, 'day', { weekday: 'long', day: 'numeric', month: 'long' }).format(at);
}

export function bytes(size: number, locale: Locale): string {
  const number = new Intl.NumberFormat(locale === 'nl' ? 'nl-NL' : 'en-GB', { maximumFractionDigits: 1 });
  if (size < 1024) return `${size} B`;
  if (size < 1024 * 1024) return `${number.format(size / 1024)} kB`;
  return `${number.format(size / (1024 * 1024))} MB`;
}

export function count(value: number, locale: Locale): string {
  return new Intl.NumberFormat(locale === 'nl' ? 'nl-NL' : 'en-GB').format(value);
}

/** "Merk, Winkel en Support". */
export function names(all: readonly string[], locale: Locale): string {
  return new Intl.ListFormat(locale === 'nl' ? 'nl-NL' : 'en-GB').format(all);
}
