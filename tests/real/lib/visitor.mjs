// A visitor of somebody's site, as docs/WEBCHAT.md has it: plain HTTP and a plain socket. Whatever happens to the server or the line, what
// they said is said again under the same id until it is answered, and the socket comes back with the last number it has seen.
import { randomUUID } from 'node:crypto'
import WebSocket from 'ws'
import { until } from './wait.mjs'

const pause = (ms) => new Promise((ok) => setTimeout(ok, ms))

/** Longer than any outage here lasts. */
const PATIENCE = 150_000

export class Visitor {
  /** @param {{ url: string }} balie the server, or the line to it */
  constructor(balie, account, origin) {
    Object.assign(this, { balie, account, origin })
    this.lines = new Map()
    this.seq = null
    this.frames = []
    this.resyncs = 0
  }

  /** One call; anything but an answer or a clear refusal is tried again. */
  async call(method, path, body) {
    for (const end = Date.now() + PATIENCE; ;) {
      const res = await fetch(`${this.balie.url}/visit/${this.account}/${path}`, {
        method,
        headers: {
          origin: this.origin,
          ...(this.token && { authorization: `Bearer ${this.token}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        body: body === undefined ? undefined : JSON.stringify(body),
      }).catch(() => null)
      if (res && res.status < 500) {
        const text = await res.text()
        const json = text ? JSON.parse(text) : null
        if (!res.ok) throw Object.assign(new Error(`${method} ${path}: ${res.status} ${json?.error?.code}`), { status: res.status, code: json?.error?.code })
        return json
      }
      if (Date.now() > end) throw new Error(`${method} ${path}: no answer within ${PATIENCE / 1000} s`)
      await pause(100)
    }
  }

  async arrive() {
    const entered = await this.call('POST', 'session', { locale: 'nl' })
    this.token = entered.token
    this.#take(entered)
    this.here = true
    this.#open()
    await until('the visitor is connected', () => this.isReady, { within: 30_000 })
    return this
  }

  #take({ messages, seq }) {
    for (const line of messages) this.lines.set(line.id, line)
    this.seq = Math.max(this.seq ?? 0, seq)
  }

  #open() {
    if (!this.here) return
    const socket = new WebSocket(`${this.balie.url.replace('http', 'ws')}/visit/${this.account}/ws`, { headers: { origin: this.origin } })
    this.socket = socket
    this.isReady = false
    socket.on('open', () => socket.send(JSON.stringify({ type: 'hello', token: this.token, last_seq: this.seq })))
    socket.on('message', (data) => {
      const said = JSON.parse(data)
      this.frames.push(said)
      if (said.type === 'message') this.lines.set(said.data.id, said.data)
      if (said.type === 'resync') { this.resyncs++; this.call('GET', 'messages').then((page) => this.#take(page), () => {}) }
      if (said.seq !== undefined) this.seq = Math.max(this.seq ?? 0, said.seq)
      if (said.type === 'ready') this.isReady = true
      if (said.type === 'message' && said.data.from === 'agent') socket.send(JSON.stringify({ type: 'ack', seq: said.seq }))
    })
    socket.on('error', () => {})
    socket.on('close', () => { this.isReady = false; setTimeout(() => this.#open(), 100) })
  }

  async say(text) {
    const line = await this.call('POST', 'messages', { client_id: randomUUID(), text, page: { url: `${this.origin}/`, title: 'Winkel' } })
    this.lines.set(line.id, line)
    return line
  }

  sees(what, test, within = 30_000) {
    return until(`the visitor sees ${what}`, () => [...this.lines.values()].find(test), { within, state: () => [...this.lines.values()] })
  }

  leave() {
    this.here = false
    this.socket?.removeAllListeners('close')
    this.socket?.close()
  }
}
