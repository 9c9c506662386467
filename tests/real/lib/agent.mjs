// An agent at a screen: signs in, listens on the socket and keeps what a page would show, replacing rows by id.
// Nothing here reloads: what is not told by the socket is not seen.
import { randomUUID } from 'node:crypto'
import WebSocket from 'ws'
import { until } from './wait.mjs'

export class Problem extends Error {
  constructor(method, path, status, body) {
    super(`${method} ${path}: ${status} ${body?.code ?? ''} ${body?.detail ?? body?.title ?? ''}`)
    Object.assign(this, { status, code: body?.code, body })
  }
}

export class Agent {
  constructor(balie, { name, email, password }) {
    Object.assign(this, { balie, name, email, password })
    this.rows = new Map()
    this.messages = new Map()
    this.accounts = new Map()
    /** The number of the event that last told of a message or an account. */
    this.told = new Map()
    this.kinds = []
    this.seq = null
    this.resets = 0
  }

  async signIn() {
    const res = await fetch(`${this.balie.url}/api/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: this.balie.url },
      body: JSON.stringify({ email: this.email, password: this.password }),
    })
    const body = await res.json().catch(() => null)
    if (!res.ok) throw new Problem('POST', '/api/session', res.status, body)
    this.cookie = res.headers.getSetCookie().map((c) => c.split(';')[0]).join('; ')
    this.me = body
  }

  async call(method, path, body, headers = {}) {
    const res = await fetch(this.balie.url + path, {
      method,
      headers: {
        cookie: this.cookie,
        ...(method !== 'GET' && { origin: this.balie.url }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    })
    const text = await res.text()
    const json = text ? JSON.parse(text) : null
    if (!res.ok) throw new Problem(method, path, res.status, json)
    return json
  }
  get(path) { return this.call('GET', path) }
  post(path, body = {}, headers) { return this.call('POST', path, body, headers) }
  put(path, body) { return this.call('PUT', path, body) }

  /** Opens the socket and keeps it open: after a cut it comes back with the last number it has seen. */
  async listen() {
    this.listening = true
    await this.#fill()
    this.#open()
    await until(`${this.name}'s socket is ready`, () => this.isReady, { within: 30_000 })
  }

  /** What a page loads once, and again only when the server says `reset`. */
  async #fill() {
    for (const status of ['open', 'pending', 'snoozed', 'closed']) {
      const page = await this.get(`/api/conversations?status=${status}`)
      for (const row of page.items) if (!(this.rows.get(row.id)?.version > row.version)) this.rows.set(row.id, row)
    }
  }

  /** What stood on the screen, afresh: what was not told meanwhile is told by nobody any more. */
  async #renew(since) {
    await this.#fill()
    const renew = (kept, some) => { for (const it of some) if (!(this.told.get(it.id) > since)) kept.set(it.id, it) }
    for (const id of [...this.rows.keys()]) {
      const whole = await this.conversation(id).catch((e) => { if (e.status !== 404) throw e })
      if (whole) renew(this.messages, whole.messages)
      else this.rows.delete(id)
    }
    const all = await this.get('/api/accounts')
    renew(this.accounts, all.items ?? all)
  }

  /** As a page does: until it succeeds, because the server may go away between saying `reset` and being asked. */
  #refill(since) {
    this.#renew(since).catch(() => { if (this.listening) setTimeout(() => this.#refill(since), 200) })
  }

  #open() {
    if (!this.listening) return
    const socket = new WebSocket(`${this.balie.url.replace('http', 'ws')}/api/live`, { headers: { cookie: this.cookie, origin: this.balie.url } })
    this.socket = socket
    this.isReady = false
    socket.on('open', () => socket.send(JSON.stringify({ type: 'hello', since: this.seq })))
    socket.on('message', (data) => this.#take(JSON.parse(data)))
    socket.on('error', () => {})
    socket.on('close', () => { this.isReady = false; setTimeout(() => this.#open(), 100) })
  }

  #take(said) {
    if (said.type === 'ready') { this.seq = said.seq; this.isReady = true }
    if (said.type === 'reset') { this.seq = said.seq; this.resets++; this.#refill(said.seq) }
    if (said.type !== 'events') return
    for (const event of said.events) {
      // What happens while a client joins may be told twice; rows are replaced by id, so that changes nothing.
      this.seq = Math.max(this.seq ?? 0, event.seq)
      this.kinds.push(event.kind)
      if (event.row) this.rows.set(event.row.id, event.row)
      for (const [kept, it] of [[this.messages, event.message], [this.accounts, event.account]]) {
        if (!it) continue
        kept.set(it.id, it)
        this.told.set(it.id, event.seq)
      }
      if (event.kind === 'conversation.hidden') this.rows.delete(event.conversation_id)
    }
  }

  /** Waits until the screen shows a row for which `test` holds. */
  sees(what, test, within = 30_000) {
    return until(`${this.name} sees ${what}`, () => [...this.rows.values()].find(test), { within, state: () => [...this.rows.values()] })
  }

  seesMessage(what, test, within = 30_000) {
    return until(`${this.name} sees ${what}`, () => [...this.messages.values()].find(test), { within, state: () => [...this.messages.values()] })
  }

  seesAccount(what, test, within = 60_000) {
    return until(`${this.name} sees ${what}`, () => [...this.accounts.values()].find(test), { within, state: () => this.get('/api/accounts').then((a) => (a.items ?? a)) })
  }

  conversation(id) { return this.get(`/api/conversations/${id}`) }
  claim(id) { return this.post(`/api/conversations/${id}/claim`) }

  /** Sends a reply to the newest customer message; gives the message and the request, so that it can be sent again. */
  async reply(id, text, { then = 'pending', key = randomUUID(), claim } = {}) {
    const held = claim ?? (await this.claim(id))
    const now = await this.conversation(id)
    const to = now.messages.filter((m) => m.direction === 'in').at(-1)
    const thread = now.threads.find((t) => t.id === to.thread_id)
    const request = {
      thread_id: thread.id,
      in_reply_to: to.id,
      text,
      attachments: [],
      claim_token: held.token,
      seen_version: thread.version,
      then,
    }
    const send = () => this.post(`/api/conversations/${id}/replies`, request, { 'idempotency-key': key })
    return { message: await send(), again: send, request, key }
  }

  close() {
    this.listening = false
    this.socket?.removeAllListeners('close')
    this.socket?.close()
  }
}
