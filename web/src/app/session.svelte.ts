// Who is signed in. The page's other stores start and stop with this one.
import { ApiError, onSignedOut } from '../api/client';
import { session as calls } from '../api/calls';
import type { Id, Locale, Me } from '../api/types';
import { firstLocale, language } from '../i18n/i18n.svelte';

export interface ShortcutPreferences {
  enabled: boolean;
  keys: Record<string, string | null>;
}

export interface Preferences {
  shortcuts: ShortcutPreferences;
  /** What follows after sending with the main key. */
  after_send: 'next' | 'stay';
  tour_done: boolean;
}

type Phase = 'unknown' | 'out' | 'in' | 'unreachable';
type Hook = () => void | Promise<void>;

class Session {
  phase = $state<Phase>('unknown');
  me = $state.raw<Me | null>(null);
  /** True when a session ended without us asking for it. */
  expired = $state(false);
  /** The password somebody just signed in with, while it is one that another person chose and they have not answered yet. */
  given = $state<string | null>(null);
  private readonly starts: Hook[] = [];
  private readonly stops: Hook[] = [];

  onStart(hook: Hook): void {
    this.starts.push(hook);
  }

  onStop(hook: Hook): void {
    this.stops.push(hook);
  }

  get id(): Id {
    return this.me?.id ?? '';
  }

  get manages(): boolean {
    return this.me?.role === 'admin';
  }

  get supervises(): boolean {
    return this.me?.role === 'admin' || this.me?.role === 'supervisor';
  }

  get preferences(): Preferences {
    const found = (this.me?.preferences ?? {}) as Partial<Preferences>;
    return {
      shortcuts: {
        enabled: found.shortcuts?.enabled ?? true,
        keys: found.shortcuts?.keys ?? {},
      },
      after_send: found.after_send ?? 'next',
      tour_done: found.tour_done ?? false,
    };
  }

  async start(): Promise<void> {
    onSignedOut(() => {
      if (this.phase !== 'in') return;
      this.expired = true;
      this.leave();
    });
    await language.use(firstLocale());
    try {
      await this.enter(await calls.me());
    } catch (error) {
      this.phase = error instanceof ApiError && error.status === 401 ? 'out' : 'unreachable';
    }
  }

  async signIn(email: string, password: string): Promise<void> {
    const me = await calls.open(email, password);
    this.expired = false;
    this.given = me.password_temporary ? password : null;
    await this.enter(me);
  }

  /** Fails when the server could not be told: the session then still works, so the page stays. */
  async signOut(forget: () => void = () => undefined): Promise<void> {
    try {
      await calls.close();
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 401)) throw error;
    }
    forget();
    sessionStorage.clear();
    this.leave();
  }

  /** The password is their own now. */
  owned(): void {
    if (this.me) this.me = { ...this.me, password_temporary: false };
    this.given = null;
  }

  /** Not now; the banner stays. */
  later(): void {
    this.given = null;
  }

  async prefer(change: Partial<Preferences>): Promise<void> {
    await this.patch({ preferences: { ...this.me?.preferences, ...change } });
  }

  async patch(change: {
    name?: string;
    locale?: Locale;
    preferences?: Record<string, unknown>;
  }): Promise<void> {
    this.me = await calls.patch(change);
    await language.use(this.me.locale);
  }

  private async enter(me: Me): Promise<void> {
    this.me = me;
    await language.use(me.locale);
    this.phase = 'in';
    for (const hook of this.starts) void hook();
  }

  private leave(): void {
    this.me = null;
    this.given = null;
    this.phase = 'out';
    for (const hook of this.stops) void hook();
  }
}

export const session = new Session();
