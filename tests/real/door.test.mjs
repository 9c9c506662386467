// The open door: a system of the organisation's own by signed webhooks, and a forum.
import { after, before, describe, it } from 'node:test'
import { randomUUID } from 'node:crypto'
import assert from 'node:assert/strict'
import { api } from './lib/api.mjs'
import { forum } from './lib/forum.mjs'
import { story } from './lib/story.mjs'
import { counter } from './stories.mjs'

const mark = () => `#${randomUUID().slice(0, 8)}`

for (const [name, make] of [['a system that signs', api], ['a forum', forum]]) {
  describe(name, { timeout: 300_000 }, () => {
    let network
    before(async () => { network = await make() })
    after(() => network?.stop())

    it('a message becomes a conversation, and the answer reaches the customer', (t) =>
      counter(network, (balie, anna, bram) => story({ network, balie, anna, bram, mark: mark(), say: (l) => t.diagnostic(l) })))

    it('a server killed at every seam loses nothing and doubles nothing', (t) =>
      counter(network, async (balie, anna, bram) => {
        await story({ network, balie, anna, bram, mark: mark(), between: () => balie.crash(), say: (l) => t.diagnostic(l) })
        t.diagnostic(`the server was started ${balie.starts} times`)
      }))
  })
}

describe('what only one of them has', { timeout: 120_000 }, () => {
  it('a system says that the reply was read, and then that it came back', async () => {
    const network = await api()
    try {
      await counter(network, async (balie, anna) => {
        const customer = await network.customer()
        const asked = await customer.mention('komt dit aan?')
        const row = await anna.sees('the question', (r) => r.snippet?.includes('komt dit aan'))
        const { message } = await anna.reply(row.id, 'ja')
        const answer = await customer.seesAnswer(asked, 'ja')
        await anna.seesMessage('that it was sent', (m) => m.id === message.id && m.delivery?.state === 'sent')
        await customer.status(answer, 'read')
        await anna.seesMessage('that it was read', (m) => m.id === message.id && m.extra?.receipt?.state === 'read')
        await customer.status(answer, 'failed')
        await anna.sees('that the customer waits again', (r) => r.id === row.id && r.status === 'open' && r.delivery_problem)
      }, { agents: ['Anna'] })
    } finally {
      await network.stop()
    }
  })

  it('a peer solves it: the conversation waits for nobody and says who', async () => {
    const network = await forum()
    try {
      await counter(network, async (balie, anna) => {
        const customer = await network.customer()
        const asked = await customer.mention('hoe reset ik hem?')
        const row = await anna.sees('the question', (r) => r.snippet?.includes('reset'))
        await customer.accept(await customer.peer(asked, 'tien tellen de knop'))
        await anna.sees('that it waits for nobody', (r) => r.id === row.id && r.waiting_since === null && r.status !== 'open', 60_000)
        const { log } = await anna.conversation(row.id)
        assert.ok(JSON.stringify(log).includes('buur'), JSON.stringify(log))
      }, { agents: ['Anna'] })
    } finally {
      await network.stop()
    }
  })
})
