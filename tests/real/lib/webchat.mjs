// The chat on a site of our own, and its visitors. Its platform is Balie itself; the line is the one between the visitors and Balie.
import { wire } from './chaos.mjs'
import { Visitor } from './visitor.mjs'

const SITE = 'https://winkel.example'

export async function webchat() {
  const line = await wire()
  const visitors = []
  let account
  /** Somebody who has not been here before, with the page open. */
  async function customer() {
    const visitor = await new Visitor({ url: `http://127.0.0.1:${line.port}` }, account, SITE).arrive()
    visitors.push(visitor)
    return {
      name: 'bezoeker',
      handle: 'bezoeker',
      visitor,
      mention: (text) => visitor.say(text),
      answer: (_, text) => visitor.say(text),
      /** What the page shows of us. There is one thread, in which nothing answers one line in particular. */
      answersTo: async () => [...visitor.lines.values()].filter((l) => l.from === 'agent' && !l.removed),
      seesAnswer: (_, text, within) => visitor.sees(`the answer "${text}"`, (l) => l.from === 'agent' && l.text.includes(text), within),
    }
  }
  return {
    key: 'webchat',
    lane: 'private',
    customer,
    settings: { name: 'Winkel', origins: SITE },
    connected: async (balie, agent) => {
      const all = await agent.get('/api/accounts')
      account = (all.items ?? all).find((a) => a.channel === 'webchat').id
      await line.leadTo(balie.url)
    },
    line,
    stop: async () => {
      for (const visitor of visitors) visitor.leave()
      await line.stop()
    },
  }
}
