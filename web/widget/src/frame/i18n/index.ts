// Which language the visitor reads, and how times and sizes are said in it.
import { en } from './en';
import { nl } from './nl';

export type Key = keyof typeof nl;
export type Locale = 'nl' | 'en';
export type Holes = Record<string, string | number>;

/** The nearest language we write. */
export function localeOf(tag: string): Locale {
  return /^nl\b/i.test(tag) ? 'nl' : 'en';
}

export class Words {
  readonly locale: Locale;

  constructor(
    /** BCP 47, as the site or the browser says it: decides the shape of times too. */
    readonly tag: string,
    private readonly zone?: string,
  ) {
    this.locale = localeOf(tag);
  }

  /** A text with its holes filled; `n` also chooses between singular and plural. */
  say(key: Key, holes: Holes = {}): string {
    const [one, many = one] = (this.locale === 'nl' ? nl : en)[key].split('|') as [string, string?];
    return (holes.n === 1 ? one : many).replace(/\{(\w+)\}/g, (_, hole: string) => String(holes[hole] ?? ''));
  }

  /** What to tell about a refusal, by its code. */
  refusal(code: string, holes: Holes = {}): string {
    const key = `error.${code}`;
    return this.say(key in nl ? (key as Key) : 'error.other', holes);
  }

  time(at: number): string {
    return this.format(at, { hour: '2-digit', minute: '2-digit' });
  }

  /** "vandaag", "gisteren", or the date, with the year when it is another one. */
  day(at: number, now: number): string {
    const away = this.days(at, now);
    if (away === 0) return this.say('today');
    if (away === -1) return this.say('yesterday');
    if (away === 1) return this.say('tomorrow');
    const year = new Date(at).getFullYear() === new Date(now).getFullYear() ? undefined : ('numeric' as const);
    return this.format(at, { weekday: 'long', day: 'numeric', month: 'long', year });
  }

  /** A moment to come: "morgen 09:00". */
  moment(at: number, now: number): string {
    const away = this.days(at, now);
    const day = away > 1 && away < 7 ? this.format(at, { weekday: 'long' }) : this.day(at, now);
    return this.say('at', { day, time: this.time(at) });
  }

  size(bytes: number): string {
    const [value, unit] = bytes < 1e6 ? [Math.max(1, Math.round(bytes / 1e3)), 'kB'] : [Math.round(bytes / 1e5) / 10, 'MB'];
    return `${new Intl.NumberFormat(this.shape).format(value)} ${unit}`;
  }

  /** The visitor's own region where it is of a language we write; else the words and the times would mix. */
  private get shape(): string {
    const own = localeOf(this.tag) === 'nl' || /^en\b/i.test(this.tag);
    return own && this.tag.length > 2 ? this.tag : this.locale === 'nl' ? 'nl-NL' : 'en-GB';
  }

  private format(at: number, options: Intl.DateTimeFormatOptions): string {
    const zone = this.zone ? { timeZone: this.zone } : {};
    try {
      return new Intl.DateTimeFormat(this.shape, { ...options, ...zone }).format(at);
    } catch {
      // A tag that the browser does not know.
      return new Intl.DateTimeFormat(this.locale, { ...options, ...zone }).format(at);
    }
  }

  private days(at: number, now: number): number {
    const start = (t: number): number => new Date(t).setHours(0, 0, 0, 0);
    return Math.round((start(at) - start(now)) / 86_400_000);
  }
}
