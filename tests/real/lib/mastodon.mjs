// A stand-in for a Mastodon server that we did not write (mastodon-mock), and its customers, over the plain API.
import { wire } from './chaos.mjs'
import { folder, freePort, server } from './process.mjs'
import { until } from './wait.mjs'

const plain = (html) => html.replace(/<br ?\/?>/g, '\n').replace(/<[^>]+>/g, '').replace(/&amp;/g, '&').replace(/&lt;/g, '<').replace(/&gt;/g, '>')

export async function mastodon({ rateLimit } = {}) {
  const [dir, port] = [folder('mastodon'), String(await freePort())]
  const start = () => server('mastodon.sh', [dir, port], { env: rateLimit ? { MASTODON_RATE_LIMIT: String(rateLimit) } : {} })
  let net = await start()
  const line = await wire(net.url)

  const as = (name) => async (method, path, body) => {
    const res = await fetch(net.url + path, {
      method,
      headers: { authorization: `Bearer ${name}-token`, ...(body && { 'content-type': 'application/json' }) },
      body: body && JSON.stringify(body),
    })
    const text = await res.text()
    if (!res.ok) throw new Error(`${method} ${path}: ${res.status} ${text.slice(0, 300)}`)
    return text ? JSON.parse(text) : null
  }

  /** A token of the brand's own application, as its owner makes one under Preferences, Development. */
  async function token() {
    const form = async (path, fields) => {
      const res = await fetch(net.url + path, { method: 'POST', body: new URLSearchParams(fields), redirect: 'manual' })
      if (res.status >= 400) throw new Error(`POST ${path}: ${res.status} ${await res.text()}`)
      return res
    }
    const redirect_uri = 'http://127.0.0.1/back'
    const app = await (await form('/api/v1/apps', { client_name: 'Inbox', redirect_uris: redirect_uri, scopes: 'read write' })).json()
    const { client_id, client_secret } = app
    const allowed = await form('/oauth/authorize', { username: 'brand', client_id, redirect_uri, scope: 'read write', response_type: 'code' })
    const code = new URL(allowed.headers.get('location')).searchParams.get('code')
    const given = await form('/oauth/token', { grant_type: 'authorization_code', code, client_id, client_secret, redirect_uri })
    return (await given.json()).access_token
  }

  let people = 0
  /** Somebody who has not been here before. */
  async function customer() {
    const name = people++ ? `customer${people}` : 'customer'
    const call = as(name)
    const post = async (text, more = {}) => ({ ...(await call('POST', '/api/v1/statuses', { status: text, language: 'nl', ...more })), text })
    const answersTo = async (to) => {
      const { descendants } = await call('GET', `/api/v1/statuses/${to.id}/context`)
      return descendants
        .filter((s) => s.account.acct === 'brand' && s.in_reply_to_id === to.id)
        .map((s) => ({ ...s, text: plain(s.content) }))
    }
    return {
      name,
      handle: name,
      mention: (text) => post(`@brand ${text}`),
      message: (text) => post(`@brand ${text}`, { visibility: 'direct' }),
      answer: (to, text) => post(text, { in_reply_to_id: to.id }),
      edit: (it, text) => call('PUT', `/api/v1/statuses/${it.id}`, { status: text }),
      remove: (it) => call('DELETE', `/api/v1/statuses/${it.id}`),
      answersTo,
      seesAnswer: (to, text, within = 30_000) =>
        until(`${name} sees the answer "${text}"`, async () => (await answersTo(to)).find((a) => a.text.includes(text)), {
          within,
          state: () => answersTo(to),
        }),
      notified: () => call('GET', '/api/v1/notifications'),
    }
  }

  return {
    key: 'mastodon',
    url: net.url,
    get net() { return net },
    customer,
    brand: async () => as('brand'),
    settings: { url: `http://127.0.0.1:${line.port}`, token: await token() },
    secret: 'token',
    /** Between Balie and the network; customers are not on it. */
    line,
    /** Trouble made by the server itself: effects status, ratelimit, latency, malformed, timeout. */
    fault: (path, effect, count = 1) => as('brand')('POST', '/api/v1/_mock/faults', { match: { path }, effect, count }),
    /** The server ends and is not there; then it is again, with everything it knew. */
    halt: () => net.stop(),
    resume: async () => { net = await start() },
    stop: () => Promise.all([net.stop(), line.stop()]),
  }
}
