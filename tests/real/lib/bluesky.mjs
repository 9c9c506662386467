// A real Bluesky network (PLC, PDS, AppView) and its customers, through the official client.
import { AtpAgent, RichText } from '@atproto/api'
import { wire } from './chaos.mjs'
import { folder, server } from './process.mjs'
import { until } from './wait.mjs'

export async function bluesky() {
  // The directory says that the brand's server is behind the wire, as it says of any other server.
  const line = await wire()
  const url = `http://localhost:${line.port}`
  const net = await server('atproto-net.mjs', [folder('bluesky'), `--brand-pds=${url}`])
  await line.leadTo(net.pds)
  const brand = net.accounts.brand

  async function signedIn(name) {
    const agent = new AtpAgent({ service: net.pds })
    await agent.login({ identifier: net.accounts[name].handle, password: net.accounts[name].password })
    return agent
  }

  const control = async (body) => {
    const res = await fetch(net.control, { method: 'POST', body: JSON.stringify(body) })
    if (!res.ok) throw new Error(await res.text())
  }

  let people = 0
  /** Somebody who has not been here before. */
  async function customer() {
    const name = `klant${++people}`
    const agent = new AtpAgent({ service: net.pds })
    await agent.createAccount({ handle: `${name}.test`, email: `${name}@example.com`, password: `${name}-pass` })
    const post = async (text, reply) => {
      const rich = new RichText({ text })
      await rich.detectFacets(agent)
      const { uri, cid } = await agent.post({ text: rich.text, facets: rich.facets, reply, langs: ['nl'] })
      return { uri, cid, text, root: reply?.root ?? { uri, cid } }
    }
    const answersTo = async (to) => {
      const { data } = await agent.getPostThread({ uri: to.uri, depth: 10 })
      return (data.thread.replies ?? [])
        .filter((r) => r.post.author.did === brand.did)
        .map((r) => ({ uri: r.post.uri, cid: r.post.cid, text: r.post.record.text, root: r.post.record.reply.root }))
    }
    return {
      name,
      handle: `${name}.test`,
      mention: (text) => post(`@${brand.handle} ${text}`),
      /** An answer that does not name the brand. */
      answer: (to, text) => post(text, { root: to.root, parent: { uri: to.uri, cid: to.cid } }),
      remove: (it) => agent.deletePost(it.uri),
      /** What the brand wrote under that post, as this customer's own client shows it. */
      answersTo,
      seesAnswer: (to, text, within = 30_000) =>
        until(`${name} sees the answer "${text}"`, async () => (await answersTo(to)).find((a) => a.text.includes(text)), {
          within,
          state: () => answersTo(to),
        }),
      notified: async () => (await agent.listNotifications()).data.notifications,
    }
  }

  return {
    key: 'bluesky',
    url: net.pds,
    net,
    customer,
    /** The brand's own client: what a colleague posts outside Balie. */
    brand: () => signedIn('brand'),
    /** For `balie account add`. These servers have no chat, which is said: else the account is in trouble for that, now and then. */
    settings: { service: url, plc: net.plc, identifier: brand.handle, password: brand.app_password, chat_proxy: '-' },
    secret: 'password',
    /** Between Balie and the network; customers are not on it. */
    line,
    /** The brand's and the customers' server ends and is not there; then it is again, with everything it knew. */
    halt: () => control({ pds: 'stop' }),
    resume: () => control({ pds: 'start' }),
    stop: () => Promise.all([net.stop(), line.stop()]),
  }
}
