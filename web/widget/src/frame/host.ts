// What the site around us says: where the visitor is, and who.
import type { Identity, Page } from '../shared/protocol';
import type { FromVisitor } from './wire';

export interface HostAround {
  later(run: () => void, ms: number): unknown;
  cancel(timer: unknown): void;
  send(frame: FromVisitor): void;
  /** The visitor has asked for the chat, now or before. */
  wanted(): boolean;
  identify(identity: Identity): void;
}

export class Host {
  /** Said without proof, and told when the visitor asks for the chat: nothing is kept unasked. */
  private claims: Identity | undefined;
  private moving: unknown;

  constructor(
    public page: Page,
    private readonly around: HostAround,
  ) {}

  /** Who clicks through a site is told where they came to rest: the server hears one page a second. */
  visit(page: Page): void {
    const { later, cancel, send } = this.around;
    const moved = page.url !== this.page.url;
    this.page = page;
    cancel(this.moving);
    if (moved) this.moving = later(() => send({ type: 'page', url: page.url, title: page.title }), 1000);
  }

  identify(identity: Identity): void {
    const { wanted, identify } = this.around;
    const proven = !!(identity.jwt ?? identity.user_hash);
    this.claims = proven || wanted() ? undefined : identity;
    if (!this.claims) identify(identity);
  }

  /** The visitor asks for the chat. */
  opened(): void {
    if (this.claims) this.identify(this.claims);
  }

  forget(): void {
    this.claims = undefined;
  }
}
