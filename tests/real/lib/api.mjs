// A system of the organisation's own that talks to Balie by signed webhooks, and its customers. It signs and verifies by
// hand; judges/webhooks_judge.py does the same with the library that others wrote.
import { createHmac, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'
import { wire } from './chaos.mjs'
import { freePort } from './process.mjs'
import { until } from './wait.mjs'

const mac = (secret, id, at, body) =>
  createHmac('sha256', Buffer.from(secret.slice(6), 'base64')).update(`${id}.${at}.${body}`).digest('base64')

export async function api() {
  const secret = `whsec_${randomBytes(32).toString('base64')}`
  const taken = new Map()
  const serve = (req, res) => {
    let body = ''
    req.on('data', (d) => { body += d })
    req.on('end', () => {
      const [id, at] = [req.headers['webhook-id'], req.headers['webhook-timestamp']]
      const right = `v1,${mac(secret, id, at, body)}`
      const given = req.headers['webhook-signature'] ?? ''
      if (given.length !== right.length || !timingSafeEqual(Buffer.from(given), Buffer.from(right))) return res.writeHead(401).end()
      const event = JSON.parse(body)
      if (event.type !== 'reply.created') return res.writeHead(204).end()
      taken.set(id, { ...event.data, times: (taken.get(id)?.times ?? 0) + 1 })
      res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ external_id: `r-${id}` }))
    })
  }
  let server
  const halt = () => new Promise((ok) => { server.closeAllConnections(); server.close(ok) })
  const listen = (port) => new Promise((ok, no) => { server = createServer(serve).once('error', no).listen(port, '127.0.0.1', ok) })
  const port = await freePort()
  await listen(port)
  /** Two lines: replies go over the one, what customers say over the other. */
  const [out, in_] = await Promise.all([wire(`http://127.0.0.1:${port}`), wire()])
  const both = (what) => async (...args) => { await Promise.all([out, in_].map((line) => line[what](...args))) }

  let hook
  /** As a sender does it: again until it was taken, signed anew each time; longer than any outage here lasts. */
  const post = (type, data) => {
    const body = JSON.stringify({ type, timestamp: new Date().toISOString(), data })
    const id = `msg_${randomUUID()}`
    return until(`Balie takes ${type}`, async () => {
      const at = String(Math.floor(Date.now() / 1000))
      const res = await fetch(hook, {
        method: 'POST', body,
        headers: { 'content-type': 'application/json', 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': `v1,${mac(secret, id, at, body)}` },
      })
      if (res.status >= 500) return null
      if (!res.ok) throw Object.assign(new Error(`${res.status} ${await res.text()}`), { fatal: true })
      return res.json()
    }, { within: 150_000, every: 100 })
  }

  let people = 0
  async function customer() {
    const name = `klant-${++people}`
    const say = async (text, thread, reply_to, author = name) => {
      const it = { id: randomUUID(), text }
      it.thread = thread ?? it.id
      await post('message.created', {
        external_id: it.id, text, reply_to, sent_at: new Date().toISOString(),
        thread: { external_id: it.thread, lane: 'public' }, author: { external_id: author, name: author },
      })
      return it
    }
    const answersTo = async (to) => [...taken].map(([id, data]) => ({ ...data, id: `r-${id}`, thread: data.thread.external_id })).filter((a) => a.in_reply_to === to.id)
    return {
      name,
      handle: name,
      mention: (text) => say(text),
      answer: (to, text) => say(text, to.thread, to.id),
      remove: (it) => post('message.deleted', { external_id: it.id }),
      status: (answer, status) => post('message.status', { external_id: answer.id, status }),
      answersTo,
      seesAnswer: (to, text, within = 30_000) =>
        until(`${name} sees the answer "${text}"`, async () => (await answersTo(to)).find((a) => a.text.includes(text)), { within, state: () => [...taken] }),
    }
  }

  return {
    key: 'api',
    customer,
    settings: { name: 'Winkel', url: `http://127.0.0.1:${out.port}/`, secret },
    secret: 'secret',
    /** Where Balie is called, which nobody knows before it is connected. */
    connected: async (balie, agent) => {
      const all = await agent.get('/api/accounts')
      await in_.leadTo(balie.url)
      hook = `http://127.0.0.1:${in_.port}${(all.items ?? all).find((a) => a.channel === 'api').hook}`
    },
    line: { cut: both('cut'), blackhole: both('blackhole'), half: both('half'), calm: both('calm') },
    /** The system ends and is not there; then it is again, with everything it knew. */
    halt,
    resume: () => listen(port),
    stop: () => Promise.all([halt(), out.stop(), in_.stop()]),
  }
}
