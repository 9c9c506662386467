// Our own played Discourse forum and its customers. There is no Discourse in a package registry: its shapes are from the
// published OpenAPI.
import { wire } from './chaos.mjs'
import { played } from './played.mjs'
import { until } from './wait.mjs'

export async function forum() {
  const net = await played('forum')
  const line = await wire(net.url)
  const play = async (what) => {
    const res = await fetch(`${net.url}/_play`, { method: 'POST', body: JSON.stringify(what) })
    if (!res.ok) throw new Error(`${res.status} ${await res.text()}`)
    return res.json()
  }
  let people = 0
  /** Somebody who has not been here before. */
  async function customer() {
    const name = `klant${++people}`
    const post = async (raw, more = {}) => ({ ...(await play({ do: 'post', by: name, raw, ...more })), text: raw })
    const answersTo = async (to) => (await play({})).said.filter((s) => s.to === to.id)
    return {
      name,
      handle: name,
      mention: (text) => post(`@brand ${text}`),
      answer: (to, text) => post(text, { to: to.id }),
      edit: (it, text) => play({ do: 'edit', id: it.id, raw: text }),
      remove: (it) => play({ do: 'delete', id: it.id }),
      peer: async (to, text) => post(text, { by: 'buur', to: to.id }),
      accept: (it) => play({ do: 'accept', id: it.id }),
      answersTo,
      seesAnswer: (to, text, within = 30_000) =>
        until(`the customer sees the answer "${text}"`, async () => (await answersTo(to)).find((a) => a.text.includes(text)), { within, state: () => play({}) }),
    }
  }
  return {
    key: 'forum',
    url: net.url,
    net,
    customer,
    settings: { url: `http://127.0.0.1:${line.port}`, username: 'brand', key: net.accounts.brand.key, calls_per_minute: '600' },
    secret: 'key',
    // It takes no key with a post: what may have been posted waits for a person.
    parks: true,
    line,
    halt: net.halt,
    resume: net.resume,
    stop: () => Promise.all([net.stop(), line.stop()]),
  }
}
