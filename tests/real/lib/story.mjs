// The story: a customer mentions the brand, two agents work on it, the answer reaches the customer, the customer
// answers and takes a post back. `between` is called at every seam; a crash there must change nothing.
import assert from 'node:assert/strict'
import { until } from './wait.mjs'

const count = (list, test) => list.filter(test).length

/**
 * @param {object} o
 * @param {object} o.network   one of bluesky(), mastodon(), telegram(), email(); says by `lane`, `removes` and `parks` what is not as usual
 * @param {object} o.balie     a started server, the brand's account connected
 * @param {object} o.anna      two agents, listening
 * @param {object} o.bram
 * @param {(seam: string) => Promise<void>} o.between
 * @param {(line: string) => void} o.say
 * @param {string} o.mark      makes this telling's texts unlike another's
 * @param {number} o.patience  milliseconds; what the network or another node has a part in may take so long
 */
export async function story({ network, balie, anna, bram, between = async () => {}, say = () => {}, mark, patience = 30_000 }) {
  const customer = await network.customer()
  const question = `waar blijft mijn pakket? Al 3 dagen niks ${mark} 📦`
  const answer = `Wat vervelend! Stuur je ons je bestelnummer? ${mark}`
  const thanks = `Het is 12345, dank je wel ${mark}`

  // A mention reaches the queue of both, without reload.
  const asked = await customer.mention(question)
  const from = Date.now()
  await between('a mention is posted')
  const shown = (row) => row.snippet?.includes(mark)
  const [row] = await Promise.all([anna.sees('the mention', shown, patience), bram.sees('the mention', shown, patience)])
  say(`the mention stood in both queues after ${Date.now() - from} ms`)
  assert.equal(row.status, 'open')
  assert.equal(row.lane, network.lane ?? 'public')
  assert.equal(row.channel, network.key)
  assert.equal(row.assignee_id, null)
  assert.ok(row.waiting_since, 'the customer waits')
  const id = row.id
  await between('the mention is shown')

  // One claims it, the other sees that and cannot.
  const claim = await anna.claim(id)
  assert.ok(claim.token, 'the holder gets a token')
  await between('it is claimed')
  await bram.sees("Anna's claim", (r) => r.id === id && r.claim?.user_id === anna.me.id)
  await assert.rejects(bram.claim(id), (e) => e.status === 409 && e.code === 'claim.held' && e.body.holder.id === anna.me.id)

  // Assign, tag, note.
  await anna.put(`/api/conversations/${id}/assignee`, { user_id: anna.me.id, team_id: null })
  await between('it is assigned')
  await anna.post(`/api/conversations/${id}/tags`, { name: 'bezorging' })
  await between('it is tagged')
  await anna.post(`/api/conversations/${id}/notes`, { text: `Pakket ligt bij de buren ${mark}` })
  await between('a note is written')
  await bram.sees('assignee and tag', (r) => r.id === id && r.assignee_id === anna.me.id && r.tags.length === 1)
  await bram.seesMessage('the note', (m) => m.conversation_id === id && m.direction === 'note')

  // She replies; the same request again changes nothing.
  const reply = await anna.reply(id, answer, { claim: await anna.claim(id) })
  await between('a reply is accepted')
  assert.equal((await reply.again()).id, reply.message.id, 'the same key is the same reply')
  if (network.parks) await decided({ agent: anna, id, reply: reply.message, arrived: async () => (await customer.answersTo(asked)).length > 0, say })
  const seen = await customer.seesAnswer(asked, mark, patience)
  await between('the reply is on the network')
  await bram.seesMessage('the reply sent', (m) => m.id === reply.message.id && m.delivery?.state === 'sent')
  await bram.sees('that it waits for the customer', (r) => r.id === id && r.status === 'pending' && r.waiting_since === null)
  await between('the reply is settled')

  // The customer answers without naming the brand: open again, the whole thread in order.
  const answered = await customer.answer(seen, thanks)
  await between('the customer answered')
  await Promise.all([anna, bram].map((a) => a.sees('that it is open again', (r) => r.id === id && r.status === 'open' && r.last_direction === 'in', patience)))
  const whole = await bram.conversation(id)
  assert.deepEqual(
    whole.messages.filter((m) => m.direction !== 'context').map((m) => [m.direction, m.text.includes(mark)]),
    [['in', true], ['note', true], ['out', true], ['in', true]],
    'the whole thread, in order',
  )
  await between('the answer is shown')

  // The customer takes a post back: it is shown as removed, and its words stay readable to us. Where nobody is told of
  // that, they change it: the new words are shown, and the old ones stay. What was mailed can neither be taken back nor changed.
  if (network.removes ?? true) {
    await customer.remove(answered)
    await between('a post is taken back')
    const removed = await bram.seesMessage('that it was removed', (m) => m.conversation_id === id && m.direction === 'in' && m.removed_at, Math.max(patience, 60_000))
    assert.ok(removed.text.includes('12345'), 'the words of the customer are not edited')
    await between('the removal is shown')
  } else if (customer.edit) {
    await customer.edit(answered, `${thanks}, nee: 54321`)
    await between('a post is changed')
    const edited = await bram.seesMessage('that it was changed', (m) => m.conversation_id === id && m.text.includes('54321'), Math.max(patience, 60_000))
    assert.deepEqual(edited.versions.map((v) => v.text), [thanks], 'the words of the customer are not lost')
    await between('the change is shown')
  }

  await nothingLostNothingDoubled({ network, balie, customer, asked, id, agents: [anna, bram], mark })
}

/** Where nobody but a person can know whether a reply left: waits until it is known, and decides by looking at the network. */
export async function decided({ agent, id, reply, arrived, say = () => {}, within = 90_000 }) {
  const state = async () => (await agent.conversation(id)).messages.find((m) => m.id === reply.id)?.delivery.state
  const known = await until('the reply is sent, or a person has to decide', async () => {
    const now = await state()
    return ['sent', 'uncertain'].includes(now) && now
  }, { within, state })
  if (known === 'sent') return
  const as = (await arrived()) ? 'sent' : 'resend'
  say(`the reply was uncertain; a person looked: ${as}`)
  await agent.post(`/api/messages/${reply.id}/resolve`, { as })
  await until('the reply was sent', async () => (await state()) === 'sent', { within, state })
}

/** What must hold whatever happened on the way. */
export async function nothingLostNothingDoubled({ network, customer, asked, id, agents, mark }) {
  const [anna] = agents
  const now = await anna.conversation(id)
  const texts = now.messages.filter((m) => m.text.includes(mark)).map((m) => `${m.direction}: ${m.text}`)
  assert.equal(new Set(texts).size, texts.length, `each message once: ${texts.join(' | ')}`)
  assert.equal(count(now.messages, (m) => m.direction === 'in'), 2)
  assert.equal(count(now.messages, (m) => m.direction === 'out'), 1)
  assert.equal(count(now.messages, (m) => m.direction === 'note'), 1)
  const rows = (await Promise.all(['open', 'pending', 'snoozed', 'closed'].map((s) => anna.get(`/api/conversations?status=${s}`)))).flatMap((p) => p.items)
  assert.equal(count(rows, (r) => r.id === id), 1, 'the conversation is in one list, once')
  assert.equal((await customer.answersTo(asked)).filter((a) => a.text.includes(mark)).length, 1, 'the network has one answer')
  for (const agent of agents) {
    const row = rows.find((r) => r.id === id)
    await until(`${agent.name}'s screen equals the server`, () => agent.rows.get(id)?.version === row.version)
    assert.deepEqual(agent.rows.get(id), row)
  }
}
