// Who the visitor is to the server: a token, made only when it is needed, replaced when it is void or when the site says
// who the visitor is. Another tab may have replaced it meanwhile: the kept one is read again before a new one is asked for.
// What was asked for somebody who has left meanwhile is dropped, whatever the answer is.
import type { Identity, Page } from '../shared/protocol';
import { Left, Refusal, type Api } from './api';
import type { Kept } from './kept';
import type { Session, Visitor } from './wire';

export interface SessionsAround {
  api: Api;
  kept: Kept;
  page(): Page;
  locale(): string;
  /** A session began, went on or changed: what it shows replaces what was shown. */
  shown(session: Session, replaced: boolean): void;
  /** Another person sits here now: what the former wrote and was asked goes. */
  parted(): void;
}

export class Sessions {
  visitor: Visitor | undefined;
  /** Raised whenever another person may sit here. */
  era = 0;
  /** Raised by logging out. */
  private left = 0;
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
    if (!this.opening) {
      const opening = this.begin(this.around.kept.get('token')).finally(() => {
        if (this.opening === opening) this.opening = undefined;
      });
      this.opening = opening;
    }
    return this.opening;
  }

  /** A call with the token; once more with a new one when the server no longer knows it. For whom it is: nobody else. */
  with<T>(run: (token: string) => Promise<T>): Promise<T> {
    const { era } = this;
    return this.call(run, () => era === this.era);
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
    // Said of who comes, not of who was here: only a logging out makes it void.
    const { left } = this;
    const session = await this.call(
      (token) => api.identify(token, body),
      () => left === this.left,
    );
    this.take(session, session.switched === true);
    kept.set('person', print);
  }

  /** Logged out on the site: nothing of this person stays in this browser. */
  async leave(): Promise<void> {
    const token = this.live ?? this.around.kept.get('token');
    this.era += 1;
    this.left += 1;
    this.live = this.visitor = this.opening = undefined;
    this.around.kept.clear();
    if (token) await this.around.api.leave(token).catch(() => undefined);
  }

  /** What is known of the visitor by their own word, until the server says it back. */
  told(name: string | undefined, email: string | undefined): void {
    const { visitor } = this;
    if (!visitor) return;
    this.visitor = { ...visitor, name: (!visitor.identified && name) || visitor.name || name || null, email: (!visitor.verified && email) || visitor.email };
  }

  private async call<T>(run: (token: string) => Promise<T>, here: () => boolean, again = true): Promise<T> {
    const token = await this.ensure();
    try {
      if (!here()) throw new Left();
      const answer = await run(token);
      if (here()) return answer;
    } catch (wrong) {
      if (here()) {
        if (!again || !isVoid(wrong)) throw wrong;
        this.void(token);
        return this.call(run, here, false);
      }
    }
    throw new Left();
  }

  private async begin(stored: string | null): Promise<string> {
    const { api, locale, page, kept } = this.around;
    const { left } = this;
    let replaced = false;
    let session = await api.session(stored, locale(), page()).catch((wrong: unknown) => {
      if (left === this.left && !(stored && isVoid(wrong))) throw wrong;
      return undefined;
    });
    if (!session && left === this.left) {
      this.void(stored ?? undefined);
      replaced = true;
      session = await api.session(kept.get('token'), locale(), page());
    }
    if (!session || left !== this.left) throw new Left();
    return this.take(session, replaced);
  }

  private take(session: Session, replaced: boolean): string {
    const former = this.visitor;
    const other = former !== undefined && former.id !== session.visitor.id;
    if (other && former.identified) {
      this.era += 1;
      this.around.parted();
    }
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
