// The real binary with the playground, on a free port and a data folder that goes away.
import { spawn, type ChildProcess } from 'node:child_process';
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

export class Server {
  url = '';
  admin: Admin = { email: '', password: '' };
  private child: ChildProcess | undefined;
  private readonly data = mkdtempSync(join(tmpdir(), 'balie-e2e-'));
  private said = '';

  async start(): Promise<this> {
    const binary = [process.env.BALIE_BIN, join(top, 'target/debug/balie'), join(top, 'target/release/balie')].find((f) => f && existsSync(f));
    if (!binary) throw new Error('no balie binary: cargo build first, or set BALIE_BIN');
    this.url ||= `http://127.0.0.1:${await freePort()}`;
    const child = spawn(binary, ['serve', '--playground', '--data', this.data, '--listen', new URL(this.url).host], {
      env: { PATH: process.env.PATH, HOME: this.data, BALIE_POLL_MIN_MS: '500', BALIE_PLAYGROUND_PACE: '40' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (d: Buffer) => (this.said += d.toString()));
    const end = Date.now() + 30_000;
    while (!(await fetch(`${this.url}/health/ready`).then((r) => r.ok, () => false))) {
      if (child.exitCode !== null || Date.now() > end) throw new Error(`balie did not start:\n${this.said.slice(-4000)}`);
      await new Promise((ok) => setTimeout(ok, 50));
    }
    this.admin.email ||= /\b(\S+@\S+)\b/.exec(this.said)?.[1] ?? '';
    this.admin.password ||= /password:?\s+(\S+)/i.exec(this.said)?.[1] ?? '';
    if (!this.admin.password) throw new Error(`the first start printed no one-time password:\n${this.said.slice(-4000)}`);
    return this;
  }

  /** As a crash would. `start` then brings it back on the same folder and port. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.end('SIGTERM');
    rmSync(this.data, { recursive: true, force: true });
  }

  log(): string {
    return this.said;
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
