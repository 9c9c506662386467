// Matrix: Synapse, the reference homeserver. The stories of every network in a public room, and what rooms of two add.
import { after, before, describe, it } from 'node:test'
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { matrix } from './lib/matrix.mjs'
import { until } from './lib/wait.mjs'
import { counter, stories } from './stories.mjs'

stories('Matrix', matrix)

const mark = () => `#${randomUUID().slice(0, 8)}`
const png = Buffer.from('89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082', 'hex')

describe('Matrix, between two', { timeout: 300_000 }, () => {
  let network
  before(async () => { network = await matrix() }, { timeout: 120_000 })
  after(() => network?.stop())

  const tell = (between = async () => {}) => (balie, anna, bram) => private_(network, balie, anna, bram, () => between(balie))

  it('an invitation is taken, and everything of the talk comes over', () => counter(network, tell()))
  it('a server killed at every seam loses nothing and doubles nothing', () => counter(network, tell((balie) => balie.crash())))

  it('a homeserver that is restarted after a minute: red, then green, nothing lost, nothing doubled', () =>
    counter(network, async (balie, anna) => {
      const customer = await network.customer()
      const before_ = mark(), answer = mark(), after_ = mark()
      const asked = await customer.message(`eerste vraag ${before_}`)
      const row = await anna.sees('the first question', (r) => r.snippet?.includes(before_))
      await network.halt()
      const reply = await anna.reply(row.id, `antwoord tijdens de storing ${answer}`)
      const sick = await anna.seesAccount('the account in trouble, with cause and cure',
        (a) => ['degraded', 'down'].includes(a.health.state) && a.health.cause?.en && a.health.cure?.nl)
      assert.equal(sick.health.code, 'unreachable')
      await network.resume()
      await customer.message(`na de storing ${after_}`)
      await anna.seesMessage('what was asked afterwards', (m) => m.text.includes(after_), 90_000)
      await anna.seesAccount('the account well again', (a) => a.health.state === 'ok', 90_000)
      await until('the reply was sent', async () =>
        (await anna.conversation(row.id)).messages.find((m) => m.id === reply.message.id)?.delivery.state === 'sent', { within: 90_000 })
      assert.equal((await customer.answersTo(asked)).length, 1, 'one answer in the room')
    }))

  it('a room that is encrypted is shown as such, and cannot be answered', () =>
    counter(network, async (balie, anna) => {
      const customer = await network.customer()
      const room = (await customer.call('POST', 'client/v3/createRoom', {
        preset: 'trusted_private_chat', is_direct: true, invite: [network.net.accounts.brand.user_id],
        initial_state: [{ type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } }],
      })).room_id
      await customer.call('PUT', `client/v3/rooms/${encodeURIComponent(room)}/send/m.room.encrypted/${randomUUID()}`,
        { algorithm: 'm.megolm.v1.aes-sha2', ciphertext: 'AwgAEpAB', session_id: 'x', sender_key: 'y', device_id: 'Z' })
      const row = await anna.sees('that something came', (r) => r.snippet?.startsWith('🔒'))
      const thread = (await anna.conversation(row.id)).threads[0]
      assert.equal(thread.allowance.may_reply, false)
      assert.equal(thread.allowance.code, 'matrix.encrypted')
      assert.match(thread.allowance.words.nl, /versleuteld/i)
      await assert.rejects(anna.reply(row.id, 'kan dit?'), (e) => e.status === 409 || e.status === 422)
    }))
})

async function private_(network, balie, anna, bram, between) {
  const customer = await network.customer()
  const tag = mark()
  const asked = await customer.message(`mijn factuur klopt niet ${tag}`)
  await between()
  const row = await anna.sees('the question', (r) => r.snippet?.includes(tag))
  assert.equal(row.lane, 'private')
  await between()

  // Words change, and come as a version; a file comes along.
  await customer.edit(asked, `mijn rekening klopt niet ${tag}`)
  const url = await customer.upload('factuur.png', 'image/png', png)
  await between()
  const edited = await bram.seesMessage('the new words', (m) => m.text.includes(`rekening klopt niet ${tag}`))
  assert.ok(edited.edited_at)
  const photo = await customer.message(`de factuur ${tag}`, { msgtype: 'm.image', filename: 'factuur.png', url, info: { mimetype: 'image/png' } })
  const shown = await bram.seesMessage('the file, kept', (m) => m.text.includes(`de factuur ${tag}`) && m.attachments?.[0]?.state === 'stored')
  assert.equal(shown.attachments[0].name, 'factuur.png')

  // The answer reaches them in their own client; they read it, like it, and answer.
  const { message } = await anna.reply(row.id, `Wij kijken het na ${tag}`)
  await between()
  const answer = await customer.seesAnswer(photo, tag)
  assert.deepEqual(answer.content['m.mentions'], { user_ids: [customer.handle] })
  await customer.read(answer)
  await customer.react(answer, '🎉')
  await between()
  await until('it is read and liked', async () => {
    const now = (await anna.conversation(row.id)).messages.find((m) => m.id === message.id)
    return now.delivery?.state === 'sent' && now.extra?.receipt?.state === 'read' && now.extra?.reactions?.[0]?.emoji === '🎉'
  }, { state: async () => (await anna.conversation(row.id)).messages })
  const thanks = await customer.answer(answer, `fijn, dank ${tag}`)
  await bram.seesMessage('the thanks', (m) => m.text.includes(`fijn, dank ${tag}`))
  await customer.remove(thanks)
  await between()
  const gone = await bram.seesMessage('that it was taken back', (m) => m.text.includes('fijn, dank') && m.removed_at, 60_000)
  assert.ok(gone.text.includes(tag))

  // A colleague writes in another client.
  await (await network.brand())('PUT', `client/v3/rooms/${encodeURIComponent(asked.room)}/send/m.room.message/${randomUUID()}`, { msgtype: 'm.text', body: `nog iets ${tag}` })
  await bram.seesMessage('what the colleague wrote', (m) => m.direction === 'out' && m.text.includes(`nog iets ${tag}`))

  const whole = (await anna.conversation(row.id)).messages.filter((m) => m.text.includes(tag))
  assert.deepEqual(whole.map((m) => m.direction), ['in', 'in', 'out', 'in', 'out'], 'each once, in order')
  assert.equal((await customer.answersTo(photo)).length, 1, 'one answer in the room')
}
