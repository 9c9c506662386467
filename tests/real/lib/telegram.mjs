// Our own Telegram (nobody else's can be installed), served by the binary; customers act through /_play, as no bot can.
import { randomUUID } from 'node:crypto'
import { wire } from './chaos.mjs'
import { played } from './played.mjs'
import { until } from './wait.mjs'

export async function telegram({ settings = {} } = {}) {
  const net = await played('telegram')
  const line = await wire(net.url)

  async function play(verb, given = {}) {
    const res = await fetch(`${net.url}/_play/${verb}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(given),
    })
    const body = await res.json()
    if (!res.ok) throw new Error(`${verb}: ${body.error}`)
    return body
  }

  /** Somebody who has not been here before, in a chat with the bot. */
  async function customer() {
    const me = await play('user', { name: 'Klant', username: `klant_${randomUUID().slice(0, 8)}` })
    const say = (text, more = {}) => play('say', { from: me.id, text, ...more })
    const answersTo = async (to) =>
      (await play('chat', { chat: me.id })).messages
        .filter((m) => m.from?.is_bot && m.reply_to_message?.message_id === to.message_id)
    return {
      name: me.first_name,
      handle: me.username,
      id: me.id,
      mention: (text) => say(text),
      message: (text) => say(text),
      answer: (to, text) => say(text, { reply_to: to.message_id }),
      edit: (it, text) => play('edit', { from: me.id, message_id: it.message_id, text }),
      block: () => play('block', { from: me.id }),
      unblock: () => play('unblock', { from: me.id }),
      answersTo,
      seesAnswer: (to, text, within = 30_000) =>
        until(`${me.username} sees the answer "${text}"`, async () => (await answersTo(to)).find((a) => a.text.includes(text)), {
          within,
          state: () => answersTo(to),
        }),
    }
  }

  return {
    key: 'telegram',
    url: net.url,
    net,
    play,
    customer,
    // A question waits five seconds: a dead line is noticed sooner than by the usual twenty.
    settings: { url: `http://127.0.0.1:${line.port}`, token: net.accounts.brand.token, wait: '5', ...settings },
    secret: 'token',
    /** Customers reach the brand in private. */
    lane: 'private',
    /** Nobody is told of a deletion there: an edit is the last thing that happens. */
    removes: false,
    /** No key, and nothing to look into: what may have been sent waits for a person. */
    parks: true,
    line,
    halt: net.halt,
    resume: net.resume,
    stop: () => Promise.all([net.stop(), line.stop()]),
  }
}
