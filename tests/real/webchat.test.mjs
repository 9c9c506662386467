// The chat on a site of our own: the platform is the server itself, so what is killed here is both ends of the line.
import { describe, it } from 'node:test'
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { Balie } from './lib/balie.mjs'
import { until } from './lib/wait.mjs'
import { Visitor } from './lib/visitor.mjs'

const SITE = 'https://winkel.example'

async function counter(tell) {
  const balie = await Balie.create()
  const people = []
  try {
    await balie.start()
    for (const name of ['Anna', 'Bram']) people.push(await balie.agent(name))
    await balie.connect({ key: 'webchat', settings: { name: 'Winkel', origins: SITE } })
    const [account] = (await people[0].get('/api/accounts')).items ?? (await people[0].get('/api/accounts'))
    const visitor = await new Visitor(balie, account.id, SITE).arrive()
    people.push(visitor)
    await tell({ balie, anna: people[0], bram: people[1], visitor })
  } catch (e) {
    e.message += `\n--- the server's log\n${balie.log()}`
    throw e
  } finally {
    for (const p of people) p.leave?.() ?? p.close?.()
    await balie.stop()
  }
}

async function story({ anna, bram, visitor, between, say }) {
  const mark = `#${randomUUID().slice(0, 8)}`
  await visitor.say(`waar blijft mijn pakket? ${mark}`)
  await between('a question is asked')
  const [row] = await Promise.all([anna, bram].map((a) => a.sees('the question', (r) => r.snippet?.includes(mark))))
  assert.equal(row.channel, 'webchat')
  assert.equal(row.lane, 'private')
  const id = row.id

  const claim = await anna.claim(id)
  await between('it is claimed')
  await anna.post(`/api/conversations/${id}/notes`, { text: `GEHEIM ${mark}` })
  await between('a note is written')
  const from = Date.now()
  const reply = await anna.reply(id, `het ligt bij de buren ${mark}`, { claim: await anna.claim(id) })
  assert.ok(claim.token)
  await between('a reply is accepted')
  assert.equal((await reply.again()).id, reply.message.id)
  const seen = await visitor.sees('the answer', (l) => l.from === 'agent' && l.text.includes(mark))
  say(`the answer stood before the visitor after ${Date.now() - from} ms`)
  assert.equal(seen.name, 'Anna')
  await between('the reply is shown')
  await bram.seesMessage('that it was delivered', (m) => m.id === reply.message.id && ['delivered', 'read'].includes(m.extra?.receipt?.state))
  await visitor.call('POST', 'read', { up_to: seen.id })
  await between('the reply is read')
  await bram.seesMessage('that it was read', (m) => m.id === reply.message.id && m.extra?.receipt?.state === 'read')

  const thanks = await visitor.say(`gevonden, dank je ${mark}`)
  await between('the visitor answered')
  await Promise.all([anna, bram].map((a) => a.sees('that it is open again', (r) => r.id === id && r.status === 'open' && r.last_direction === 'in')))

  await anna.post(`/api/messages/${reply.message.id}/actions`, { action: 'delete', reason: 'verkeerde klant' })
  await between('an answer is taken back')
  await visitor.sees('that it is gone', (l) => l.id === seen.id && l.removed && l.text === '')

  // What must hold whatever happened on the way.
  const whole = await anna.conversation(id)
  assert.deepEqual(whole.messages.map((m) => m.direction), ['in', 'note', 'out', 'in'])
  const page = await visitor.call('GET', 'messages')
  assert.deepEqual(page.messages.map((l) => l.from), ['visitor', 'agent', 'visitor'])
  await until('the visitor’s screen equals the server', () => {
    const shown = [...visitor.lines.values()].sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1))
    return JSON.stringify(shown.map((l) => [l.id, l.text, l.removed])) === JSON.stringify(page.messages.map((l) => [l.id, l.text, l.removed]))
  }, { state: () => [...visitor.lines.values()] })
  assert.ok(page.messages.some((l) => l.id === thanks.id))
  assert.ok(!JSON.stringify(visitor.frames).includes('GEHEIM'), 'a note never leaves')
  assert.equal(visitor.resyncs, 0, 'nothing had to be fetched afresh')
}

describe('webchat', { timeout: 300_000 }, () => {
  it('a visitor asks, an agent answers, and both know how far it got', (t) =>
    counter((all) => story({ ...all, between: async () => {}, say: (l) => t.diagnostic(l) })))

  it('a server killed at every seam loses nothing and doubles nothing, on either side', (t) =>
    counter(async (all) => {
      await story({ ...all, between: () => all.balie.crash(), say: (l) => t.diagnostic(l) })
      t.diagnostic(`the server was started ${all.balie.starts} times`)
    }))

  it('a storm of repeated and simultaneous calls is one message each', () =>
    counter(async ({ anna, visitor, balie }) => {
      const said = Array.from({ length: 8 }, (_, n) => ({ client_id: randomUUID(), text: `nummer ${n}` }))
      const calls = said.flatMap((body) => [body, body, body]).map((body) => visitor.call('POST', 'messages', body))
      await balie.crash()
      await Promise.all(calls)
      const page = await visitor.call('GET', 'messages')
      assert.deepEqual(page.messages.map((l) => l.text).sort(), said.map((s) => s.text))
      const [row] = [...anna.rows.values()]
      await until('the agent has them once', async () => (await anna.conversation(row.id)).messages.length === said.length)
    }))
})
