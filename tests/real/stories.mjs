// The stories every network must pass; a network's own file says which network and what is particular to it.
import { after, afterEach, before, describe, it } from 'node:test'
import { randomUUID } from 'node:crypto'
import assert from 'node:assert/strict'
import { Balie } from './lib/balie.mjs'
import { decided, story } from './lib/story.mjs'
import { until } from './lib/wait.mjs'

const mark = () => `#${randomUUID().slice(0, 8)}`

/** Runs `tell` with a fresh server on which the brand is connected (unless `network.connects` is false); shows the server's log when it fails. */
export async function counter(network, tell, { env, agents = ['Anna', 'Bram'] } = {}) {
  const balie = await Balie.create({ env })
  const people = []
  try {
    await balie.start()
    for (const name of agents) people.push(await balie.agent(name))
    if (network.connects !== false) await balie.connect(network)
    await network.connected?.(balie, people[0])
    await tell(balie, ...people)
  } catch (e) {
    e.message += `\n--- the server's log\n${balie.log()}`
    throw e
  } finally {
    for (const p of people) p.close()
    await balie.stop()
  }
}

export function stories(name, make) {
  describe(name, { timeout: 600_000 }, () => {
    let network
    before(async () => { network = await make() }, { timeout: 120_000 })
    after(() => network?.stop())

    it('a mention becomes a conversation, and the answer reaches the customer', (t) =>
      counter(network, (balie, anna, bram) => story({ network, balie, anna, bram, mark: mark(), say: (l) => t.diagnostic(l) })))

    it('a server killed at every seam loses nothing and doubles nothing', (t) =>
      counter(network, async (balie, anna, bram) => {
        await story({ network, balie, anna, bram, mark: mark(), between: () => balie.crash(), say: (l) => t.diagnostic(l) })
        t.diagnostic(`the server was started ${balie.starts} times`)
      }))

    describe('on a bad wire', () => {
      afterEach(() => network.line.calm())

      const outage = (title, break_, { passes = false } = {}) =>
        it(title, (t) =>
          counter(network, async (balie, anna, bram) => {
            const customer = await network.customer()
            const before_ = mark(), during = mark(), answer = mark()
            const asked = await customer.mention(`eerste vraag ${before_}`)
            const row = await anna.sees('the first question', (r) => r.snippet?.includes(before_))

            await break_(network.line)
            await customer.mention(`tijdens de storing ${during}`)
            const reply = await anna.reply(row.id, `antwoord tijdens de storing ${answer}`)
            const sick = await anna.seesAccount('the account in trouble, with cause and cure',
              (a) => ['degraded', 'down'].includes(a.health.state) && a.health.cause?.en && a.health.cure?.nl)
            assert.ok(sick.health.since)
            assert.equal((await fetch(`${balie.url}/health/live`)).status, 200)
            if (!passes) assert.equal((await customer.answersTo(asked)).length, 0, 'nothing reached the network')

            await network.line.calm()
            await bram.seesMessage('what was asked meanwhile', (m) => m.text.includes(during), 90_000)
            await anna.seesAccount('the account well again', (a) => a.health.state === 'ok', 90_000)
            const arrived = async () => (await customer.answersTo(asked)).some((a) => a.text.includes(answer))
            if (network.parks) await decided({ agent: anna, id: row.id, reply: reply.message, arrived, say: (l) => t.diagnostic(l) })
            await until('the reply was sent', async () =>
              (await anna.conversation(row.id)).messages.find((m) => m.id === reply.message.id)?.delivery.state === 'sent', { within: 90_000 })
            await customer.seesAnswer(asked, answer)
            assert.equal((await customer.answersTo(asked)).filter((a) => a.text.includes(answer)).length, 1, 'one answer on the network')
          }))

      outage('a platform that is gone: red with cause and cure, then the gap is filled and the reply sent once', (w) => w.cut())
      // One that never answers is tried on all networks at once, in all.test.mjs: only time limits end that.
      // What we send passes, what comes back does not: a reply may have been posted, and must not be posted again.
      outage('connections cut in the middle of an answer: the same', (w) => w.half(40), { passes: true })
    })
  })
}
