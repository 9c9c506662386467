// Processes that the stories start: each is stopped with the story, whatever way that ends.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, chmodSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export { freePort } from './port.mjs'

const real = join(dirname(fileURLToPath(import.meta.url)), '..')
const running = new Set()
const folders = new Set()

process.on('exit', () => {
  for (const child of running) child.kill('SIGTERM')
  for (const dir of folders) rmSync(dir, { recursive: true, force: true, maxRetries: 3 })
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))

/** A temporary folder that is removed at the end; other users may enter it (PostgreSQL runs as another user). */
export function folder(name) {
  const dir = mkdtempSync(join(tmpdir(), `balie-${name}-`))
  chmodSync(dir, 0o755)
  folders.add(dir)
  return dir
}

/** Keeps sight of a child, so that it does not outlive us. */
export function track(child) {
  running.add(child)
  const ended = new Promise((ok) => child.once('exit', (code, signal) => { running.delete(child); ok({ code, signal }) }))
  return {
    child,
    ended,
    get alive() { return running.has(child) },
    async stop(signal = 'SIGTERM') {
      if (running.has(child)) child.kill(signal)
      return ended
    },
  }
}

/** Starts a program that prints one JSON line when it is ready; gives that line with `stop`. */
export async function ready(command, args, { env = {}, within = 90_000 } = {}) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
  const kept = track(child)
  let said = ''
  child.stderr.on('data', (d) => { said = (said + d).slice(-4000) })
  const line = await new Promise((ok, no) => {
    const late = setTimeout(() => no(new Error(`${command} was not ready within ${within / 1000} s\n${said}`)), within)
    createInterface({ input: child.stdout }).once('line', (l) => { clearTimeout(late); ok(l) })
    child.once('error', no)
    kept.ended.then(({ code }) => { clearTimeout(late); no(new Error(`${command} ended with ${code}\n${said}`)) })
  })
  child.stdout.resume()
  return { ...JSON.parse(line), stop: kept.stop }
}

/** One of the programs in servers/. */
export function server(script, args = [], options) {
  const path = join(real, 'servers', script)
  return script.endsWith('.mjs') ? ready(process.execPath, [path, ...args], options) : ready(path, args, options)
}
