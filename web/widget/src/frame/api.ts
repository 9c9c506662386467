// The calls of docs/WEBCHAT.md, each once. A refusal is an error with the server's code; silence is `Unreachable`.
import type { Page } from '../shared/protocol';
import type { Batch, Config, Message, NewMessage, Session, Uploaded } from './wire';

export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    /** Seconds, where waiting helps. */
    readonly retryAfter: number | null,
    readonly field: string | null,
  ) {
    super(message);
  }

  /** The same call may well succeed later. */
  get passing(): boolean {
    return this.status >= 500 || this.status === 429;
  }
}

/** Nobody answered: no network, or the server is away. The same call again is safe. */
export class Unreachable extends Error {}

/** Who asked has left: nobody waits for the answer any more. */
export class Left extends Error {}

interface Ask {
  body?: unknown;
  method?: string;
  token?: string | null;
}

export class Api {
  constructor(
    private readonly account: string,
    private readonly fetching: typeof fetch,
  ) {}

  config(locale: string): Promise<Config> {
    return this.json(`config?locale=${encodeURIComponent(locale)}`, {});
  }

  session(token: string | null, locale: string, page: Page): Promise<Session> {
    return this.json('session', { token, body: { locale, page } });
  }

  identify(token: string, body: unknown): Promise<Session> {
    return this.json('identify', { token, body });
  }

  async leave(token: string): Promise<void> {
    await this.call('session', { token, method: 'DELETE' });
  }

  after(token: string, seq: number): Promise<Batch> {
    return this.json(`messages?after=${seq}`, { token });
  }

  newest(token: string): Promise<Batch> {
    return this.json('messages', { token });
  }

  before(token: string, id: string): Promise<Batch> {
    return this.json(`messages?before=${encodeURIComponent(id)}`, { token });
  }

  send(token: string, message: NewMessage): Promise<Message> {
    return this.json('messages', { token, body: message });
  }

  upload(token: string, file: File): Promise<Uploaded> {
    const body = new FormData();
    body.append('file', file, file.name || 'image.png');
    return this.json('files', { token, body });
  }

  async read(token: string, upTo: string): Promise<void> {
    await this.call('read', { token, body: { up_to: upTo } });
  }

  async rate(token: string, score: number, comment: string): Promise<void> {
    await this.call('rating', { token, body: { score, comment } });
  }

  async end(token: string): Promise<void> {
    await this.call('end', { token, method: 'POST' });
  }

  async transcript(token: string): Promise<Blob> {
    return (await this.call('transcript', { token })).blob();
  }

  async mailTranscript(token: string, email: string): Promise<void> {
    await this.call('transcript', { token, body: { email } });
  }

  offline(token: string, body: unknown): Promise<{ by: 'mail' | 'chat' }> {
    return this.json('offline', { token, body });
  }

  private async json<T>(path: string, ask: Ask): Promise<T> {
    const response = await this.call(path, ask);
    return response.json() as Promise<T>;
  }

  private async call(path: string, { body, method, token }: Ask): Promise<Response> {
    const headers: Record<string, string> = {};
    if (token) headers.authorization = `Bearer ${token}`;
    const form = body instanceof FormData;
    if (body !== undefined && !form) headers['content-type'] = 'application/json';
    let response: Response;
    try {
      response = await this.fetching(`/visit/${this.account}/${path}`, {
        method: method ?? (body === undefined ? 'GET' : 'POST'),
        headers,
        body: body === undefined ? null : form ? body : JSON.stringify(body),
        credentials: 'omit',
        cache: path.startsWith('config') ? 'default' : 'no-store',
      });
    } catch {
      throw new Unreachable();
    }
    if (response.ok) return response;
    throw await refusal(response);
  }
}

interface Told {
  error?: { code?: string; message?: string; retry_after?: number; field?: string };
}

async function refusal(response: Response): Promise<Refusal> {
  // A proxy in between answers in its own words: then only the status is known.
  const { error = {} } = (await response.json().catch(() => ({}))) as Told;
  const wait = error.retry_after ?? (Number(response.headers.get('retry-after')) || null);
  return new Refusal(response.status, error.code ?? `http_${response.status}`, error.message ?? '', wait, error.field ?? null);
}
