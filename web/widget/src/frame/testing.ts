// What the unit tests of the frame stand on: time that moves when told, storage of its own, and a server that answers from
// a script.
import type { Storing } from './kept';
import { Kept } from './kept';
import type { Config, Message, Session } from './wire';

export class Clock {
  now = 1_760_000_000_000;
  private next = 1;
  private timers = new Map<number, { at: number; run: () => void }>();

  readonly later = (run: () => void, ms: number): unknown => {
    this.timers.set(this.next, { at: this.now + ms, run });
    return this.next++;
  };
  readonly cancel = (timer: unknown): void => void this.timers.delete(timer as number);

  get due(): number[] {
    return [...this.timers.values()].map(({ at }) => at - this.now).sort((a, b) => a - b);
  }

  /** Time passes; whatever falls due runs in order, and what it promised is settled. */
  async pass(ms: number): Promise<void> {
    await settle();
    const end = this.now + ms;
    for (;;) {
      const [first] = [...this.timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at);
      if (!first) break;
      this.timers.delete(first[0]);
      this.now = Math.max(this.now, first[1].at);
      first[1].run();
      await settle();
    }
    this.now = end;
    await settle();
  }
}

/** Lets every promise that can be kept be kept. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

export class Store implements Storing {
  readonly map = new Map<string, string>();
  getItem(name: string): string | null {
    return this.map.get(name) ?? null;
  }
  setItem(name: string, value: string): void {
    this.map.set(name, value);
  }
  removeItem(name: string): void {
    this.map.delete(name);
  }
  key(index: number): string | null {
    return [...this.map.keys()][index] ?? null;
  }
  get length(): number {
    return this.map.size;
  }
}

export const keptIn = (store: Storing): Kept => new Kept({ mode: 'frame', account: 'a', own: () => store, site: {}, tell: () => undefined });

export const config = (over: Partial<Config> = {}): Config => ({
  account: 'a',
  name: 'De Korst',
  language: 'nl',
  open: true,
  opens_at: null,
  agents_online: true,
  expected_wait: 'minutes',
  texts: { title: null, greeting: null, away: null, consent: null },
  color: null,
  side: 'right',
  quick_replies: [],
  prechat: [],
  when_closed: 'form',
  identity: 'optional',
  rating: true,
  transcript: { download: true, mail: true },
  files: { max: 2, max_bytes: 1000, mimes: ['image/png'] },
  text_max: 100,
  triggers: [],
  ...over,
});

let made = 0;

export const message = (over: Partial<Message> = {}): Message => ({
  id: `m${++made}`,
  seq: made,
  from: 'agent',
  name: 'Noor',
  avatar_url: null,
  text: 'Dag',
  quick_replies: [],
  at: 1_760_000_000_000 + made,
  edited: false,
  removed: false,
  client_id: null,
  seen: false,
  files: [],
  ...over,
});

export const session = (over: Partial<Session> = {}): Session => ({
  token: 't1',
  visitor: { id: 'v1', name: null, email: null, verified: false, identified: false },
  status: 'none',
  seq: 10,
  messages: [],
  more: false,
  config: config(),
  ...over,
});

/** Answers in the order of `script`; what it was asked is kept. */
export class Server {
  asked: { method: string; path: string; token: string | null; body: unknown }[] = [];
  /** By "METHOD path"; a function may look at the body. `undefined` is silence. */
  answers = new Map<string, (body: never) => { status: number; body?: unknown } | undefined>();

  private held: { what: RegExp; until: Promise<void> }[] = [];

  readonly fetch = (async (input: string, options: RequestInit = {}) => {
    const method = options.method ?? 'GET';
    const path = input.replace('/visit/a/', '');
    const headers = (options.headers ?? {}) as Record<string, string>;
    const body = typeof options.body === 'string' ? (JSON.parse(options.body) as unknown) : options.body;
    this.asked.push({ method, path, token: headers.authorization?.replace('Bearer ', '') ?? null, body });
    for (const { what, until } of this.held) if (what.test(`${method} ${path}`)) await until;
    const answer = this.answers.get(`${method} ${path.split('?')[0]}`)?.(body as never);
    if (!answer) throw new TypeError('no network');
    return new Response(answer.status === 204 ? null : JSON.stringify(answer.body ?? {}), { status: answer.status });
  }) as unknown as typeof fetch;

  on(call: string, answer: (body: never) => { status: number; body?: unknown } | undefined): this {
    this.answers.set(call, answer);
    return this;
  }

  /** Such calls are under way until what this returns is called. */
  hold(what: RegExp): () => void {
    let go = (): void => undefined;
    this.held.push({ what, until: new Promise((done) => (go = done)) });
    return go;
  }

  count(call: string): number {
    return this.asked.filter(({ method, path }) => `${method} ${path.split('?')[0]}` === call).length;
  }
}

export const refuse = (status: number, code: string, more: object = {}) => () => ({ status, body: { error: { code, message: code, ...more } } });

/** The other end of a socket, in a test's hand. */
export class Wire {
  sent: { type: string; [more: string]: unknown }[] = [];
  onopen: ((event: Event) => void) | null = null;
  onclose: ((event: CloseEvent) => void) | null = null;
  onmessage: ((event: MessageEvent) => void) | null = null;

  send(data: string): void {
    this.sent.push(JSON.parse(data) as { type: string });
  }
  close(code = 1006): void {
    this.onclose?.({ code } as CloseEvent);
  }
  say(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame) } as MessageEvent);
  }
  open(): void {
    this.onopen?.({} as Event);
  }
}
