// Notification mails of a platform without an API, in a mailbox on real mail servers: Dovecot and Exim.
import { after, before, describe, it } from 'node:test'
import { randomUUID } from 'node:crypto'
import assert from 'node:assert/strict'
import { email } from './lib/email.mjs'
import { until } from './lib/wait.mjs'
import { counter } from './stories.mjs'

const mark = () => `#${randomUUID().slice(0, 8)}`
const checker = 'mx.brand.test'
const key = randomUUID()

/** A mail as the platform writes it, with what the mail server that checks senders found. */
const notice = (pin, text, { verdict = 'pass', id = `${randomUUID()}@pinterest.com` } = {}) => [
  `Authentication-Results: ${checker}; dkim=${verdict} header.d=pinterest.com`,
  'From: Pinterest <ideas@discover.pinterest.com>',
  'To: care@brand.test',
  'Subject: Noor commented on your Pin',
  `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
  `Message-ID: <${id}>`,
  'MIME-Version: 1.0',
  'Content-Type: text/html; charset=utf-8',
  '',
  `<p>${text}</p><a href="https://www.pinterest.com/pin/${pin}/?utm_source=mail">See it</a>`,
  '',
].join('\r\n')

describe('notification mails in a mailbox', { timeout: 300_000 }, () => {
  let network
  before(async () => { network = await email() }, { timeout: 60_000 })
  after(() => network?.stop())

  /** A server whose only account reads the brand's mailbox for notifications. */
  const watching = (tell) =>
    counter({ ...network, connects: false }, async (balie, anna) => {
      const iris = await balie.agent('Iris', 'admin')
      try {
        const { imap_host, imap_port, certificate, password, address: user } = network.settings
        const settings = { name: 'Pinterest', key, imap_host, imap_port: Number(imap_port), certificate, password, user, checked_by: checker }
        const account = await iris.post('/api/accounts', { channel: 'notify', settings })
        const customer = await network.customer()
        /** The mail server's own copy of what a platform sent. */
        const delivered = (id) => until('the mail is in the mailbox', async () => (await network.colleague.inbox()).find((m) => m.id === `<${id}>`))
        const send = async (pin, text, more) => {
          const id = `${randomUUID()}@pinterest.com`
          await customer.raw(notice(pin, text, { ...more, id }))
          await delivered(id)
          return id
        }
        await tell({ balie, anna, iris, account, customer, send })
      } finally {
        iris.close()
      }
    }, { agents: ['Anna'] })

  const times = (conversation, word) => conversation.messages.filter((m) => m.text.includes(word)).length

  it('each becomes a conversation with its link, and the mailbox stays as it was', () =>
    watching(async ({ anna, iris, account, customer, send }) => {
      const pin = randomUUID(), [word, again, own, forged] = [mark(), mark(), mark(), mark()]
      await customer.mention(`gewone post ${own}`)
      await send(pin, `namens wie? ${forged}`, { verdict: 'fail' })
      const id = await send(pin, `ook in het groen? ${word}`)
      const row = await anna.sees('the notification', (r) => r.channel === 'notify' && r.snippet?.includes(word))
      const { messages, threads } = await anna.conversation(row.id)
      const link = `https://www.pinterest.com/pin/${pin}/?utm_source=mail`
      assert.deepEqual([messages.length, messages[0].url, messages[0].direction], [1, link, 'in'])
      assert.deepEqual([threads[0].allowance.may_reply, threads[0].allowance.hand_off.url], [false, link])

      await send(pin, `en in het blauw? ${again}`)
      await anna.seesMessage('the next one about the same', (m) => m.conversation_id === row.id && m.text.includes(again))
      // Handed over as well: it is here already.
      const raw = notice(pin, `ook in het groen? ${word}`, { id })
      const handed = await fetch(`${anna.balie.url}/hooks/${account.id}`, { method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'message/rfc822' }, body: raw })
      const { messages: [became] } = await handed.json()
      assert.deepEqual([handed.status, became.id, became.duplicate], [202, messages[0].id, true])
      const now = await anna.conversation(row.id)
      assert.deepEqual([now.messages.length, times(now, word), times(now, again)], [2, 1, 1])

      // What is not vouched for is held; mail of others is nobody's here.
      const held = (await iris.get(`/api/quarantine?account=${account.id}`)).items
      const whole = await Promise.all(held.map(({ id }) => iris.get(`/api/quarantine/${id}`)))
      assert.deepEqual([whole.filter((h) => h.payload.includes(forged)).length, whole.filter((h) => h.payload.includes(own)).length], [1, 0])
      assert.ok(![...anna.messages.values()].some((m) => m.text.includes(own) || m.text.includes(forged)))
      const mailbox = await network.colleague.inbox()
      assert.equal(mailbox.filter((m) => [word, again, own, forged].some((w) => `${m.text}${m.html}`.includes(w))).length, 4, 'nothing is moved or deleted')
      assert.ok(mailbox.every((m) => !m.flags.includes('\\Seen')), 'reading is not marking')
    }))

  it('a server killed while mails come in loses none and doubles none', () =>
    watching(async ({ balie, anna, send }) => {
      const pin = randomUUID(), words = [mark(), mark(), mark(), mark()]
      await send(pin, `voor de klap ${words[0]}`)
      await balie.crash()
      const row = await anna.sees('what came before', (r) => r.channel === 'notify' && r.snippet?.includes(words[0]))
      await balie.kill()
      await send(pin, `terwijl hij weg was ${words[1]}`)
      await balie.start()
      await anna.seesMessage('what came meanwhile', (m) => m.text.includes(words[1]))
      await send(pin, `midden in het lezen ${words[2]}`)
      await balie.crash()
      await anna.seesMessage('what was being read', (m) => m.text.includes(words[2]))
      await balie.crash()
      // Ids are read in their order: when this one is here, all before it were read again or not at all.
      await send(pin, `daarna ${words[3]}`)
      await anna.seesMessage('what came after', (m) => m.text.includes(words[3]))
      const now = await anna.conversation(row.id)
      assert.deepEqual(words.map((word) => times(now, word)), [1, 1, 1, 1])
    }))

  it('a login that is refused is red with cause and cure, and what came meanwhile is read afterwards', () =>
    watching(async ({ anna, iris, account, send }) => {
      const word = mark(), path = `/api/accounts/${account.id}`
      await anna.seesAccount('the account well', (a) => a.id === account.id && a.health.state === 'ok')
      await iris.call('PATCH', path, { settings: { password: 'not-this-one' } })
      const sick = await anna.seesAccount('that the login is refused', (a) => a.id === account.id && a.health.state === 'down')
      assert.equal(sick.health.code, 'mailbox.refused')
      assert.ok(sick.health.cause.nl && sick.health.cure.en)
      await send(randomUUID(), `hoort u mij? ${word}`)
      await iris.call('PATCH', path, { settings: { password: network.settings.password } })
      await anna.sees('what came meanwhile', (r) => r.snippet?.includes(word), 90_000)
      await anna.seesAccount('the account well again', (a) => a.id === account.id && a.health.state === 'ok', 90_000)
    }))
})
