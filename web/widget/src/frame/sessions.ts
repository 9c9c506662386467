// Who the visitor is to the server: a token, made only when it is needed, replaced when it is void or when the site says
// who the visitor is. Another tab may have replaced it meanwhile: the kept one is read again before a new one is asked for.
import type { Identity, Page } from '../shared/protocol';
import { Refusal, type Api } from './api';
import type { Kept } from './kept';
import type { Session, Visitor } from './wire';

export interface SessionsAround {
  api: Api;
  kept: Kept;
  page(): Page;
  locale(): string;
  /** A session began, went on or changed: what it shows replaces what was shown. */
  shown(session: Session, replaced: boolean): void;
}

export class Sessions {
  visitor: Visitor | undefined;
  private opening: Promise<string> | undefined;
  private live: string | undefined;

  constructor(private readonly around: SessionsAround) {}

  get token(): string | undefined {
    return this.live;
  }

  /** Somebody was here before: there is something to go on with. */
  get known(): boolean {
    return this.around.kept.get('token') !== null;
  }

  /** The token, made or taken up again when there is none yet. */
  ensure(): Promise<string> {
    if (this.live) return Promise.resolve(this.live);
    this.opening ??= this.begin(this.around.kept.get('token')).finally(() => (this.opening = undefined));
    return this.opening;
  }

  /** A call with the token; once more with a new one when the server no longer knows it. */
  async with<T>(run: (token: string) => Promise<T>): Promise<T> {
    const token = await this.ensure();
    try {
      return await run(token);
    } catch (wrong) {
      if (!isVoid(wrong)) throw wrong;
      this.void(token);
      return run(await this.ensure());
    }
  }

  /** The server does not know this token any more. */
  void(token: string | undefined): void {
    if (token && this.around.kept.get('token') === token) this.around.kept.set('token', null);
    if (this.live === token) this.live = undefined;
  }

  /** Another tab got another token: this one goes on with it. */
  adopt(token: string | null): void {
    if (!token || token === this.live) return;
    this.live = undefined;
    void this.ensure().catch(() => undefined);
  }

  /** The site says who this is. The same words again cost nothing. */
  async identify(identity: Identity): Promise<void> {
    const print = fingerprint(identity);
    const { kept, api } = this.around;
    if (kept.get('person') === print && this.known) {
      await this.ensure();
      if (this.visitor?.identified) return;
    }
    const { avatar, ...claims } = identity;
    const body = identity.jwt ? { jwt: identity.jwt } : { ...claims, avatar_url: avatar };
    const session = await this.with((token) => api.identify(token, body));
    kept.set('person', print);
    this.take(session, session.switched === true);
  }

  /** Logged out on the site: nothing of this person stays in this browser. */
  async leave(): Promise<void> {
    const token = this.live ?? this.around.kept.get('token');
    this.live = undefined;
    this.visitor = undefined;
    this.around.kept.clear();
    if (token) await this.around.api.leave(token).catch(() => undefined);
  }

  private async begin(stored: string | null): Promise<string> {
    const { api, locale, page, kept } = this.around;
    try {
      return this.take(await api.session(stored, locale(), page()), false);
    } catch (wrong) {
      if (!stored || !isVoid(wrong)) throw wrong;
      this.void(stored);
      const other = kept.get('token');
      return this.take(await api.session(other, locale(), page()), true);
    }
  }

  private take(session: Session, replaced: boolean): string {
    const other = this.visitor !== undefined && this.visitor.id !== session.visitor.id;
    this.live = session.token;
    this.visitor = session.visitor;
    this.around.kept.set('token', session.token);
    this.around.shown(session, replaced || other);
    return session.token;
  }
}

function isVoid(wrong: unknown): boolean {
  return wrong instanceof Refusal && wrong.code === 'token_invalid';
}

/** What an identity says, without what changes on every page (a JWT's times). */
export function fingerprint(identity: Identity): string {
  const { jwt, ...rest } = identity;
  if (!jwt) return JSON.stringify(Object.entries(rest).sort());
  try {
    const payload = jwt.split('.')[1]?.replaceAll('-', '+').replaceAll('_', '/') ?? '';
    const { iat: _iat, exp: _exp, nbf: _nbf, jti: _jti, ...stable } = JSON.parse(atob(payload)) as Record<string, unknown>;
    return JSON.stringify(Object.entries(stable).sort());
  } catch {
    return jwt;
  }
}
