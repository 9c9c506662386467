// Two processes on one PostgreSQL: agents on different nodes see one truth, and a node may die at any moment.
import { after, before, describe, it } from 'node:test'
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { Balie } from './lib/balie.mjs'
import { mastodon } from './lib/mastodon.mjs'
import { postgres } from './lib/postgres.mjs'
import { story } from './lib/story.mjs'
import { until } from './lib/wait.mjs'

const mark = () => `#${randomUUID().slice(0, 8)}`

describe('two processes on one PostgreSQL', { timeout: 300_000 }, () => {
  let network, database, one, two, anna, bram
  before(async () => {
    ;[network, database] = await Promise.all([mastodon(), postgres()])
    one = await Balie.create({ database: database.url })
    // The master key is shared; everything else is in the database.
    two = await Balie.create({ database: database.url, beside: one })
    await one.start()
    await two.start()
    anna = await one.agent('Anna')
    bram = await two.agent('Bram')
    await one.connect(network)
  }, { timeout: 120_000 })
  after(async () => {
    for (const agent of [anna, bram]) agent?.close()
    for (const it of [one, two, database, network]) await it?.stop()
  })
  const told = (f) => f().catch((e) => {
    e.message += `\n--- node one\n${one.log(30)}\n--- node two\n${two.log(30)}`
    throw e
  })

  it('the story, told by agents on different nodes', (t) =>
    told(() => story({ network, balie: one, anna, bram, mark: mark(), say: (l) => t.diagnostic(l) })))

  it('a node dies: the other takes its accounts over, and its agents come back to what they missed', (t) =>
    told(async () => {
      const customer = await network.customer()
      await one.kill()
      const missed = mark(), from = Date.now()
      await customer.mention(`is daar iemand? ${missed}`)
      const late = await bram.seesMessage('what came after the death', (m) => m.text.includes(missed), 120_000)
      t.diagnostic(`taken over after ${Date.now() - from} ms`)
      await one.start()
      await anna.seesMessage('what she missed', (m) => m.id === late.id)
    }))

  it('nodes die in turn on the way: nothing lost, nothing doubled', () => {
    // A node that died held its accounts by leases of half a minute; that long the other may have to wait.
    const deaths = { 'a mention is posted': one, 'it is claimed': two, 'the customer answered': two, 'a post is taken back': one }
    return told(() => story({ network, balie: one, anna, bram, mark: mark(), patience: 90_000, between: (seam) => deaths[seam]?.crash() }))
  })

  it('the database goes away and comes back: not ready, alive, and nothing lost', () =>
    told(async () => {
      const customer = await network.customer()
      await database.stop()
      await until('not ready', async () => (await fetch(`${one.url}/health/ready`)).status === 503)
      assert.equal((await fetch(`${one.url}/health/live`)).status, 200)
      const refused = await anna.get('/api/conversations').then(() => null, (e) => e)
      assert.ok(refused.status >= 500 && refused.code, 'a clear error, as a problem with a code')
      const meanwhile = mark()
      await customer.mention(`tijdens de storing ${meanwhile}`)
      await database.start()
      await until('ready again', async () => (await fetch(`${one.url}/health/ready`)).ok, { within: 30_000 })
      for (const agent of [anna, bram]) await agent.seesMessage('what was asked meanwhile', (m) => m.text.includes(meanwhile), 60_000)
    }))
})
