// The real binary on a free port and a data folder that goes away, with an account on a platform that the binary itself
// plays (`balie fake`), whose customers say what a test makes them say; or with the playground, whose customers speak unasked.
import { createHmac, randomBytes } from 'node:crypto';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const top = join(dirname(fileURLToPath(import.meta.url)), '../..');

export interface Admin {
  email: string;
  password: string;
}

const found = [process.env.BALIE_BIN, join(top, 'target/debug/balie'), join(top, 'target/release/balie')].find((f) => f && existsSync(f));

/** A connected system of the house's own. */
export interface System {
  id: string;
  /** Posts a `message.created` with this data, signed. */
  post(data: Record<string, unknown>): Promise<void>;
}

interface Platform {
  url: string;
  tokens: Record<string, string>;
}

export class Server {
  /** Those of the test that runs, also when they have stopped. */
  private static readonly all = new Set<Server>();

  url = '';
  admin: Admin = { email: '', password: '' };
  private child: ChildProcess | undefined;
  private platform: Platform | undefined;
  private player: ChildProcess | undefined;
  private data = '';
  private said = '';

  constructor(private readonly playground = false) {
    Server.all.add(this);
  }

  /** A test begins: what was only another's is forgotten. */
  static begin(): void {
    for (const server of Server.all) if (!server.data) Server.all.delete(server);
  }

  /** What the servers of this test said last. */
  static tails(): string[] {
    return [...Server.all].map((server) => server.said.slice(-40_000));
  }

  async start(): Promise<this> {
    if (!found) throw new Error('no balie binary: cargo build first, or set BALIE_BIN');
    this.data ||= mkdtempSync(join(tmpdir(), 'balie-e2e-'));
    this.url ||= `http://127.0.0.1:${await freePort()}`;
    const env = this.env();
    const child = spawn(found, ['serve', ...(this.playground ? ['--playground'] : []), '--listen', new URL(this.url).host], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (d: Buffer) => (this.said += d.toString()));
    const end = Date.now() + 30_000;
    // Ready is answered a moment before the first start's password is printed.
    const told = (): boolean => {
      this.admin.email ||= /\b(\S+@\S+)\b/.exec(this.said)?.[1] ?? '';
      this.admin.password ||= /password:?\s+(\S+)\s/i.exec(this.said)?.[1] ?? '';
      return this.admin.password !== '';
    };
    while (!(await fetch(`${this.url}/health/ready`).then((r) => r.ok, () => false)) || !told()) {
      if (child.exitCode !== null || Date.now() > end) throw new Error(`balie did not start, or printed no one-time password:\n${this.said.slice(-4000)}`);
      await new Promise((ok) => setTimeout(ok, 50));
    }
    if (!this.playground && !this.platform) {
      this.platform = await this.play(found);
      const add = ['account', 'add', 'mastodon', '--name', 'Merk', '--set', `url=${this.platform.url}`, '--set-env', 'token=BRAND'];
      execFileSync(found, add, { env: { ...env, BRAND: this.platform.tokens.brand }, stdio: 'pipe' });
    }
    return this;
  }

  /** Where the platform is that the account is on. */
  get platformUrl(): string {
    return this.platform?.url ?? '';
  }

  /** A customer posts on the platform. */
  async customer(text: string, who: 'customer' | 'customer2' = 'customer'): Promise<void> {
    const res = await fetch(`${this.platform?.url}/api/v1/statuses`, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.platform?.tokens[who]}`, 'content-type': 'application/json' },
      body: JSON.stringify({ status: `@brand ${text}`, language: 'nl' }),
    });
    if (!res.ok) throw new Error(`the platform refused: ${res.status} ${await res.text()}`);
  }

  /** What the brand said with this mark in it, as a customer reads it, oldest first; waits until there are so many. */
  async brandSaid(mark: string, count: number): Promise<string[]> {
    const ask = async (path: string): Promise<unknown> => {
      // With the customer's token: the brand's is what the connector spends.
      const res = await fetch(`${this.platform?.url}/api/v1${path}`, { headers: { authorization: `Bearer ${this.platform?.tokens.customer}` } });
      if (!res.ok) throw new Error(`the platform refused ${path}: ${res.status} ${await res.text()}`);
      return res.json();
    };
    const { id } = (await ask('/accounts/lookup?acct=brand')) as { id: string };
    const end = Date.now() + 30_000;
    for (;;) {
      const posts = (await ask(`/accounts/${id}/statuses?limit=40`)) as { content: string }[];
      const said = posts.map((one) => one.content).filter((text) => text.includes(mark)).reverse();
      if (said.length >= count || Date.now() > end) return said;
      await new Promise((ok) => setTimeout(ok, 500));
    }
  }

  /** Connects a system of the house's own that takes no replies from us. */
  async system(name: string): Promise<System> {
    const secret = randomBytes(32);
    const add = ['account', 'add', 'api', '--name', name, '--set', `name=${name}`, '--set-env', 'secret=SIGNING'];
    const told = execFileSync(found!, add, { env: { ...this.env(), SIGNING: `whsec_${secret.toString('base64')}` }, stdio: 'pipe' }).toString();
    const id = /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(told)?.[0];
    if (!id) throw new Error(`no account: ${told}`);
    return {
      id,
      post: async (data) => {
        const body = JSON.stringify({ type: 'message.created', timestamp: new Date().toISOString(), data });
        const message = `msg_${randomBytes(8).toString('hex')}`;
        const at = Math.floor(Date.now() / 1000).toString();
        const signature = createHmac('sha256', secret).update(`${message}.${at}.${body}`).digest('base64');
        const headers = { 'content-type': 'application/json', 'webhook-id': message, 'webhook-timestamp': at, 'webhook-signature': `v1,${signature}` };
        const res = await fetch(`${this.url}/hooks/${id}`, { method: 'POST', headers, body });
        if (!res.ok) throw new Error(`the hook refused: ${res.status} ${await res.text()}`);
      },
    };
  }

  private env(): NodeJS.ProcessEnv {
    return { PATH: process.env.PATH, HOME: this.data, BALIE_DATA: join(this.data, 'balie'), BALIE_POLL_MIN_MS: '500', BALIE_ALLOW_PRIVATE: '1' };
  }

  private play(binary: string): Promise<Platform> {
    const player = spawn(binary, ['fake', 'mastodon', '--listen', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'ignore'] });
    this.player = player;
    return new Promise((ok, no) => {
      let line = '';
      player.once('exit', () => no(new Error('the platform ended')));
      player.stdout.on('data', (d: Buffer) => {
        line += d.toString();
        if (line.includes('\n')) ok(JSON.parse(line) as Platform);
      });
    });
  }

  /** As a crash would. `start` then brings it back on the same folder and port. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.end('SIGTERM');
    this.player?.kill();
    if (this.data) rmSync(this.data, { recursive: true, force: true });
    this.data = '';
  }

  private async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((ok) => child.once('exit', ok));
    child.kill(signal);
    await ended;
  }
}

function freePort(): Promise<number> {
  return new Promise((ok, no) => {
    const server = createServer().once('error', no);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => ok(port));
    });
  });
}
