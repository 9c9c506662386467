// What the host page's loader and our frame say to each other. Both ends are of one release mostly, but a page may stay
// open over an upgrade: a message of another version is dropped, never guessed at. Each side posts to the exact origin
// of the other and believes only the window and the origin it knows.
export const VERSION = 1;

/** Where the visitor is. Queries and fragments stay on the page: they may carry what is not ours to know. */
export interface Page {
  /** Origin and path, without query and fragment. */
  url: string;
  title: string;
  referrer: string;
}

export type Theme = 'auto' | 'light' | 'dark';

/** Who the site says the visitor is. Believed by the server only with a hash or a token signed by the site's server. */
export interface Identity {
  id?: string;
  user_hash?: string;
  /** A short-lived token signed by the site, instead of id and hash. */
  jwt?: string;
  name?: string;
  email?: string;
  phone?: string;
  avatar?: string;
}

/** From the loader to the frame. */
export interface ToFrame {
  init: { page: Page; locale: string; theme: Theme; open: boolean; storage: 'frame' | 'site' | 'none'; kept: Record<string, string> };
  open: null;
  close: null;
  identify: Identity;
  reset: null;
  locale: string;
  theme: Theme;
  event: { name: string };
  page: Page;
  /** Another tab of the site changed what is kept. */
  kept: { name: string; value: string | null };
  /** The visitor took the invitation, or declined it. */
  teaser: 'accept' | 'decline';
}

/** From the frame to the loader. */
export interface ToLoader {
  /** The frame listens: `init` may come. */
  hello: null;
  /** The chat may be shown here; how the launcher looks. */
  ready: { label: string; accent: string | null; ink: string | null; side: 'start' | 'end' };
  /** The chat may not be shown here, in words for the site's developer. */
  refused: { code: string; message: string };
  close: null;
  open: null;
  unread: { count: number; label: string };
  /** An invitation beside the launcher, or none. */
  teaser: { text: string; from: string; open: string; decline: string } | null;
  /** Keeps a value in the site's own storage, because ours is blocked. `null` forgets it. */
  keep: { name: string; value: string | null };
  /** An agent said something. Not what: the page's scripts are not part of the conversation. */
  message: { id: string; from: string };
  error: { code: string; message: string };
}

export interface Envelope<T, K extends keyof T = keyof T> {
  balie: number;
  type: K;
  data: T[K];
}

export function envelope<T, K extends keyof T>(type: K, data: T[K]): Envelope<T, K> {
  return { balie: VERSION, type, data };
}

/** The message in an event, when it is from the window and the origin we know, and of our version. */
export function received<T>(event: MessageEvent, from: MessageEventSource | null | undefined, origin: string): Envelope<T> | undefined {
  if (!from || event.source !== from || event.origin !== origin) return undefined;
  const data: unknown = event.data;
  if (typeof data !== 'object' || data === null) return undefined;
  const { balie, type } = data as Partial<Envelope<T>>;
  if (balie !== VERSION || typeof type !== 'string') return undefined;
  return data as Envelope<T>;
}
