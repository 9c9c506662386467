// What the site sets without code: the `data-` attributes of the script tag.
import type { Theme } from '../shared/protocol';

export interface Options {
  /** Where Balie is: the origin of the script itself. */
  origin: string;
  account: string;
  locale: string;
  theme: Theme;
  side: 'start' | 'end' | null;
  /** Distance of the launcher from the corner, in CSS pixels. */
  offset: { x: number; y: number };
  /** Our own launcher, or none because the site has a button of its own. */
  launcher: boolean;
  /** `click`: nothing is fetched, told or kept before the visitor asks for the chat. */
  load: 'auto' | 'click';
  storage: 'frame' | 'site' | 'none';
  zIndex: number;
  label: string;
}

function one<T extends string>(value: string | undefined, allowed: readonly T[], otherwise: T): T {
  return allowed.includes(value as T) ? (value as T) : otherwise;
}

export function optionsOf(src: string, data: Record<string, string | undefined>, language: string): Options {
  const url = new URL(src);
  const [x = 20, y = x] = (data.offset ?? '').split(/[\s,]+/).filter(Boolean).map(Number).filter((n) => n >= 0 && n < 500);
  const side = one(data.position, ['left', 'right', 'start', 'end', ''], '');
  return {
    origin: url.origin,
    account: data.account ?? url.searchParams.get('account') ?? '',
    locale: data.locale && data.locale !== 'auto' ? data.locale : language,
    theme: one(data.theme, ['auto', 'light', 'dark'], 'auto'),
    side: side === 'left' || side === 'start' ? 'start' : side ? 'end' : null,
    offset: { x, y },
    launcher: data.launcher !== 'none',
    load: one(data.load, ['auto', 'click'], 'auto'),
    storage: one(data.storage, ['frame', 'site', 'none'], 'frame'),
    zIndex: Number(data.zIndex) || 2_147_483_000,
    label: data.label ?? 'Chat',
  };
}
