// What a visitor can do beside talking: leave a message for later, end the chat, say how it was, have the conversation
// sent. Each says in words what came of it.
import type { Page } from '../shared/protocol';
import { Left, Refusal, Unreachable, type Api } from './api';
import type { Words } from './i18n';
import type { Sessions } from './sessions';

export interface AsideAround {
  api: Api;
  sessions: Sessions;
  words(): Words;
  page(): Page;
  changed(): void;
  ended(): void;
  /** The rating was given or declined. */
  rated(): void;
  blocked(): void;
}

export class Aside {
  /** Words about the last thing that went wrong, or right. */
  notice: { text: string; good: boolean } | undefined;
  /** What the visitor chose to do instead of writing. */
  sheet: 'mail' | 'end' | undefined;
  /** The conversation ended and how it was has not been asked yet. Stands above the composer: somebody may be writing. */
  rating = false;
  /** What the offline form led to. */
  left: { by: 'mail' | 'chat'; email: string } | undefined;

  constructor(private readonly around: AsideAround) {}

  choose(sheet: Aside['sheet']): void {
    this.sheet = sheet;
    this.notice = undefined;
    this.around.changed();
  }

  clear(): void {
    this.notice = this.sheet = this.left = undefined;
    this.rating = false;
  }

  /** Each of these returns whether it succeeded; when not, `notice` says why. */
  rate(score: number, comment: string): Promise<boolean> {
    const { api, words } = this.around;
    return this.attempt(
      (token) => api.rate(token, score, comment),
      () => {
        this.rated();
        this.notice = { text: words().say('rating.thanks'), good: true };
      },
    );
  }

  /** Asked once per ending, also when the answer was no. */
  rated(): void {
    this.rating = false;
    this.around.rated();
    this.around.changed();
  }

  mail(email: string): Promise<boolean> {
    const { api, words, sessions } = this.around;
    return this.attempt(
      (token) => api.mailTranscript(token, email),
      () => {
        sessions.told(undefined, email);
        this.sheet = undefined;
        this.notice = { text: words().say('mail.done', { email }), good: true };
      },
    );
  }

  end(): Promise<boolean> {
    return this.attempt(
      (token) => this.around.api.end(token),
      () => {
        this.sheet = undefined;
        this.around.ended();
      },
    );
  }

  leave(values: Record<string, string>, clientId: string): Promise<boolean> {
    const { name = '', email = '', text = '', website, ...fields } = values;
    const { api, page, sessions } = this.around;
    return this.attempt(
      (token) => api.offline(token, { client_id: clientId, name, email, text, fields, website, page: page() }),
      ({ by }) => {
        sessions.told(name, email);
        this.left = { by, email };
      },
    );
  }

  leaveAnother(): void {
    this.left = undefined;
    this.around.changed();
  }

  async transcript(): Promise<Blob | undefined> {
    let blob: Blob | undefined;
    await this.attempt(
      (token) => this.around.api.transcript(token),
      (text) => (blob = text),
    );
    return blob;
  }

  wrong(wrong: unknown): void {
    if (wrong instanceof Left) return;
    const code = wrong instanceof Refusal ? wrong.code : wrong instanceof Unreachable ? 'unreachable' : 'other';
    const n = (wrong instanceof Refusal && wrong.retryAfter) || 60;
    if (code === 'blocked') this.around.blocked();
    this.notice = { text: this.around.words().refusal(code, { n }), good: false };
  }

  private async attempt<T>(run: (token: string) => Promise<T>, done: (answer: T) => void): Promise<boolean> {
    this.notice = undefined;
    try {
      done(await this.around.sessions.with(run));
      return true;
    } catch (wrong) {
      this.wrong(wrong);
      return false;
    } finally {
      this.around.changed();
    }
  }
}
