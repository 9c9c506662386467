// A real Matrix homeserver (Synapse) and its customers, over the plain client-server API.
import { randomUUID } from 'node:crypto'
import { wire } from './chaos.mjs'
import { folder, freePort, server } from './process.mjs'
import { until } from './wait.mjs'

const id = encodeURIComponent

export async function matrix({ rateLimits } = {}) {
  const dir = folder('matrix')
  const port = await freePort()
  const start = () => server('synapse.sh', [dir, String(port)], { env: rateLimits ? { SYNAPSE_RATE_LIMITS: '1' } : {} })
  let net = await start()
  const line = await wire(net.url)
  const brand = net.accounts.brand

  const as = (who) => async (method, path, body) => {
    const res = await fetch(`${net.url}/_matrix/${path}`, {
      method,
      headers: { authorization: `Bearer ${who.access_token}`, ...(body && { 'content-type': 'application/json' }) },
      body: body && JSON.stringify(body),
    })
    const text = await res.text()
    if (!res.ok) throw new Error(`${method} ${path}: ${res.status} ${text.slice(0, 300)}`)
    return text ? JSON.parse(text) : null
  }

  // A public room where the brand is: what names it there is a mention.
  const call = as(brand)
  const square = (await call('POST', 'client/v3/createRoom', { preset: 'public_chat', name: 'Het plein' })).room_id

  let people = 0
  /** Somebody who has not been here before. */
  async function customer() {
    const name = people++ ? `customer${people}` : 'customer'
    const who = net.accounts[name]
    const call = as(who)
    await call('POST', `client/v3/join/${id(square)}`, {})
    const send = async (room, content, kind = 'm.room.message') => {
      const { event_id } = await call('PUT', `client/v3/rooms/${id(room)}/send/${kind}/${randomUUID()}`, content)
      return { id: event_id, room, text: content.body }
    }
    const text = (body, more) => ({ msgtype: 'm.text', body, 'm.mentions': {}, ...more })
    const replyTo = (to) => ({ 'm.relates_to': { 'm.in_reply_to': { event_id: to.id } } })
    /** What stands in the room, oldest first, as this customer's own client loads it. */
    const said = async (room) => (await call('GET', `client/v3/rooms/${id(room)}/messages?dir=b&limit=100`)).chunk.reverse()
    const answersTo = async (to) =>
      (await said(to.room))
        .filter((e) => e.sender === brand.user_id && e.content['m.relates_to']?.['m.in_reply_to']?.event_id === to.id)
        .map((e) => ({ id: e.event_id, room: to.room, text: e.content.body, content: e.content }))
    let talk
    return {
      name,
      handle: who.user_id,
      call,
      said,
      mention: (body) => send(square, text(`@brand ${body}`, { 'm.mentions': { user_ids: [brand.user_id] } })),
      /** In the room of the two, made and the brand invited when it is not there yet. */
      message: async (body, more) => {
        talk ??= (await call('POST', 'client/v3/createRoom', { preset: 'trusted_private_chat', is_direct: true, invite: [brand.user_id] })).room_id
        return send(talk, text(body, more))
      },
      answer: (to, body) => send(to.room, text(body, replyTo(to))),
      edit: (it, body) =>
        send(it.room, { ...text(`* ${body}`), 'm.new_content': text(body), 'm.relates_to': { rel_type: 'm.replace', event_id: it.id } }),
      react: (it, key) => send(it.room, { 'm.relates_to': { rel_type: 'm.annotation', event_id: it.id, key } }, 'm.reaction'),
      read: (it) => call('POST', `client/v3/rooms/${id(it.room)}/receipt/m.read/${id(it.id)}`, {}),
      remove: (it) => call('PUT', `client/v3/rooms/${id(it.room)}/redact/${id(it.id)}/${randomUUID()}`, {}),
      upload: async (name, mime, bytes) => {
        const res = await fetch(`${net.url}/_matrix/media/v3/upload?filename=${name}`, {
          method: 'POST', headers: { authorization: `Bearer ${who.access_token}`, 'content-type': mime }, body: bytes,
        })
        return (await res.json()).content_uri
      },
      answersTo,
      seesAnswer: (to, body, within = 30_000) =>
        until(`${name} sees the answer "${body}"`, async () => (await answersTo(to)).find((a) => a.text.includes(body)), {
          within,
          state: () => answersTo(to),
        }),
    }
  }

  return {
    key: 'matrix',
    url: net.url,
    get net() { return net },
    square,
    customer,
    /** The brand's own client: what a colleague writes outside Balie. */
    brand: async () => call,
    settings: { server: `http://127.0.0.1:${line.port}`, user: 'brand', password: brand.password },
    secret: 'password',
    /** Between Balie and the homeserver; customers are not on it. */
    line,
    /** The homeserver ends and is not there. */
    halt: () => net.stop(),
    /** It is there again, with everything it knew. */
    resume: async () => {
      const { accounts } = net
      net = await start()
      // Whoever was signed in still is.
      net.accounts = accounts
    },
    stop: () => Promise.all([net.stop(), line.stop()]),
  }
}
