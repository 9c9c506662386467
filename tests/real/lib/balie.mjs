// The real binary with a data folder of its own: started, killed, started again on the same folder.
import { spawn } from 'node:child_process'
import { createWriteStream, existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { folder, freePort, track } from './process.mjs'
import { until } from './wait.mjs'
import { Agent } from './agent.mjs'

const top = join(dirname(fileURLToPath(import.meta.url)), '../../..')

export function binary() {
  const found = [process.env.BALIE_BIN, join(top, 'target/debug/balie'), join(top, 'target/release/balie')].find((f) => f && existsSync(f))
  if (!found) throw new Error('no balie binary: cargo build first, or set BALIE_BIN')
  return found
}

export class Balie {
  /** @param {{ env?: Record<string, string>, database?: string, beside?: Balie }} options `beside`: shares that one's data folder */
  static async create({ env = {}, database, beside } = {}) {
    const balie = new Balie()
    balie.data = folder('server')
    balie.port = await freePort()
    balie.url = `http://127.0.0.1:${balie.port}`
    balie.logFile = join(balie.data, 'server.log')
    balie.env = {
      PATH: process.env.PATH,
      HOME: balie.data,
      BALIE_DATA: beside?.env.BALIE_DATA ?? join(balie.data, 'balie'),
      BALIE_LISTEN: `127.0.0.1:${balie.port}`,
      BALIE_ALLOW_PRIVATE: '1',
      BALIE_POLL_MIN_MS: '1000',
      ...(database && { BALIE_DATABASE: database }),
      ...env,
    }
    balie.starts = 0
    return balie
  }

  /** Starts the server and waits until it says it is ready. */
  async start() {
    const log = createWriteStream(this.logFile, { flags: 'a' })
    const child = spawn(binary(), ['serve'], { env: this.env, stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.pipe(log, { end: false })
    child.stderr.pipe(log, { end: false })
    this.server = track(child)
    this.starts++
    await until('balie is ready', async () => {
      if (!this.server.alive) throw Object.assign(new Error(`balie ended:\n${this.log()}`), { fatal: true })
      return (await fetch(`${this.url}/health/ready`)).ok
    }, { state: () => this.log() })
    return this
  }

  /** As a crash would: no warning, no tidying up. */
  async kill() {
    await this.server.stop('SIGKILL')
  }

  async crash() {
    await this.kill()
    await this.start()
  }

  async stop() {
    await this.server?.stop('SIGTERM')
  }

  log(lines = 60) {
    return existsSync(this.logFile) ? readFileSync(this.logFile, 'utf8').split('\n').slice(-lines).join('\n') : ''
  }

  /** Runs `balie …` on the same data folder; gives what it printed. */
  async cli(args, { env = {} } = {}) {
    const child = spawn(binary(), args, { env: { ...this.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    const kept = track(child)
    let out = '', err = ''
    child.stdout.on('data', (d) => { out += d })
    child.stderr.on('data', (d) => { err += d })
    const { code } = await kept.ended
    if (code !== 0) throw new Error(`balie ${args.join(' ')} ended with ${code}\n${out}${err}`)
    return out
  }

  /** Connects the brand's account; its secret goes by the environment, as a script should do it. */
  async connect(network, { name = 'Brand' } = {}) {
    const args = ['account', 'add', network.key, '--name', name]
    const env = {}
    for (const [key, value] of Object.entries(network.settings)) {
      if (key === network.secret) {
        env.STORY_SECRET = value
        args.push('--set-env', `${key}=STORY_SECRET`)
      } else args.push('--set', `${key}=${value}`)
    }
    return this.cli(args, { env })
  }

  /** A colleague who works here: made on the command line, signed in over HTTP, listening on the socket. */
  async agent(name, role = 'agent') {
    const email = `${name.toLowerCase()}@brand.example`
    const password = `${name.toLowerCase()}-has-a-long-password`
    await this.cli(['user', 'add', email, '--name', name, '--role', role], { env: { BALIE_PASSWORD: password } })
    const agent = new Agent(this, { name, email, password })
    await agent.signIn()
    await agent.listen()
    return agent
  }
}
