// On real mail servers: Dovecot and Exim.
import { after, before, describe, it } from 'node:test'
import { randomUUID } from 'node:crypto'
import assert from 'node:assert/strict'
import { email } from './lib/email.mjs'
import { counter, stories } from './stories.mjs'
import { tokens } from './lib/tokens.mjs'
import { until } from './lib/wait.mjs'
import { Visitor } from './lib/visitor.mjs'

stories('Dovecot and Exim', email)

const mark = () => `#${randomUUID().slice(0, 8)}`
const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

describe('what is particular to mail', { timeout: 300_000 }, () => {
  let network
  before(async () => { network = await email() }, { timeout: 60_000 })
  after(() => network?.stop())

  it('files travel both ways, and nothing in the mailbox is marked as read', () =>
    counter(network, async (balie, anna) => {
      const customer = await network.customer(), word = mark()
      const asked = await customer.mention(`zie de foto ${word}`, { files: [{ name: 'doos é.png', mime: 'image/png', content: png }] })
      const row = await anna.sees('the mail', (r) => r.snippet?.includes(word))
      const got = (await anna.conversation(row.id)).messages.at(-1)
      assert.deepEqual(got.attachments.map((a) => [a.name, a.mime]), [['doos é.png', 'image/png']])
      const file = await until('the file is here', async () => (await anna.conversation(row.id)).messages.at(-1).attachments[0].url)
      const bytes = Buffer.from(await (await fetch(balie.url + file, { headers: { cookie: anna.cookie } })).arrayBuffer())
      assert.equal(bytes.toString('base64'), png)

      const form = new FormData()
      form.append('file', new Blob([Buffer.from(png, 'base64')], { type: 'image/png' }), 'label.png')
      const upload = await (await fetch(`${balie.url}/api/uploads`, { method: 'POST', headers: { cookie: anna.cookie, origin: balie.url }, body: form })).json()
      const held = await anna.claim(row.id), now = await anna.conversation(row.id)
      await anna.post(`/api/conversations/${row.id}/replies`, {
        thread_id: now.threads[0].id, text: `hier is het label ${word}`, claim_token: held.token, seen_version: now.threads[0].version,
        attachments: [{ upload_id: upload.id, alt: 'het label' }], then: 'pending',
      }, { 'idempotency-key': randomUUID() })
      const answer = await customer.seesAnswer(asked, 'hier is het label')
      assert.deepEqual(answer.files.map((f) => [f.name, f.content]), [['label.png', png]])
      assert.ok(answer.html.includes('hier is het label') && answer.text.includes('> zie de foto'), 'two forms, the question below')
      const inbox = await network.colleague.inbox()
      assert.ok(inbox.find((m) => m.id === asked.id).flags.every((flag) => flag !== '\\Seen'), 'reading is not marking')
    }))

  it('what a colleague answers from her own mail program stands in the conversation', () =>
    counter(network, async (balie, anna) => {
      const customer = await network.customer(), word = mark()
      const asked = await customer.mention(`wie helpt mij ${word}`)
      const row = await anna.sees('the mail', (r) => r.snippet?.includes(word))
      await network.colleague.answer(asked, customer.handle, `Ik! ${word}`)
      await anna.sees('that it was answered', (r) => r.id === row.id && r.status === 'pending' && r.last_direction === 'out')
      const messages = (await anna.conversation(row.id)).messages
      assert.deepEqual(messages.map((m) => [m.direction, m.origin]), [['in', 'channel'], ['out', 'elsewhere']])
    }))

  it('a mail that comes back marks the one that came back, and the customer waits again', () =>
    counter(network, async (balie, anna) => {
      const customer = await network.customer(), word = mark()
      await customer.mention(`antwoord hierheen graag ${word}`, { headers: { 'Reply-To': 'nobody-here@customer.test' } })
      const row = await anna.sees('the mail', (r) => r.snippet?.includes(word))
      const reply = await anna.reply(row.id, `tot uw dienst ${word}`)
      await anna.seesMessage('that it was sent', (m) => m.id === reply.message.id && m.delivery?.state === 'sent')
      const back = await anna.seesMessage('that it came back', (m) => m.id === reply.message.id && m.delivery?.state === 'rejected', 60_000)
      assert.ok(back.delivery.cause.en && back.delivery.cure.nl)
      await anna.sees('that the customer waits again', (r) => r.id === row.id && r.status === 'open' && r.delivery_problem)
    }))

  it('an out-of-office answer is shown, opens nothing again and is answered by nobody', () =>
    counter(network, async (balie, anna) => {
      const customer = await network.customer(), word = mark()
      const asked = await customer.mention(`vraag ${word}`)
      const row = await anna.sees('the mail', (r) => r.snippet?.includes(word))
      await anna.reply(row.id, `antwoord ${word}`, { then: 'closed' })
      const answer = await customer.seesAnswer(asked, `antwoord ${word}`)
      await anna.sees('it closed', (r) => r.id === row.id && r.status === 'closed')
      await customer.answer(answer, `ik ben er niet ${word}`, { subject: 'Automatisch antwoord: vraag', headers: { 'Auto-Submitted': 'auto-replied', 'Precedence': 'auto_reply' } })
      const shown = await anna.seesMessage('the automatic answer', (m) => m.conversation_id === row.id && m.automatic)
      assert.equal(shown.automatic, 'reply')
      const now = await anna.conversation(row.id)
      assert.equal(now.status ?? now.row?.status, 'closed')
      const inbox = await customer.inbox()
      assert.equal(inbox.filter((m) => m.text.includes(word)).length, 1, 'nobody answers a machine')
    }))

  it('what is left in a form and in the chat is answered by mail, the answer comes back, and a transcript leaves once', () =>
    counter(network, async (balie, anna) => {
      const site = 'https://winkel.example', mailbox = network.settings.address
      const anchor = async (channel) => (await anna.get('/api/accounts').then((all) => all.items ?? all)).find((a) => a.channel === channel).id
      await balie.connect({ key: 'form', settings: { language: 'nl', mailbox } }, { name: 'Claim' })
      await balie.connect({ key: 'webchat', settings: { name: 'Winkel', origins: site, mailbox } }, { name: 'Winkel' })
      const form = await anchor('form'), chat = await anchor('webchat')
      const visitor = await new Visitor(balie, chat, site).arrive()
      assert.equal((await visitor.call('GET', 'config')).transcript.mail, true)

      const left = [
        async (customer, word) => {
          const once = randomUUID()
          const send = () => fetch(`${balie.url}/hooks/${form}`, {
            method: 'POST', headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ _once: once, name: `K. Lant ${word}`, email: customer.handle, order: '12345', bought: '2026-02-14', wish: 'refund', what: 'hij bromt' }),
          })
          assert.deepEqual([(await send()).status, (await send()).status], [202, 202])
        },
        async (customer, word) => {
          const words = { client_id: randomUUID(), name: 'B. Zoeker', email: customer.handle, text: `zijn jullie maandag open? ${word}`, fields: {} }
          for (let n = 0; n < 2; n++) assert.deepEqual(await visitor.call('POST', 'offline', words), { by: 'mail' })
        },
      ]
      for (const leave of left) {
        const customer = await network.customer(), word = mark()
        await leave(customer, word)
        const row = await anna.sees('what was left', (r) => r.snippet?.includes(word))
        assert.equal(row.channel, 'email')
        await anna.reply(row.id, `daar kijken we naar ${word}`)
        const answer = await until('the answer is in the mail', async () => (await customer.inbox()).find((m) => m.text.includes(`daar kijken we naar ${word}`)), { within: 30_000, every: 200 })
        assert.ok(answer.text.includes('> ') && answer.subject.startsWith('Re: '), answer.subject)
        await customer.answer(answer, `dank je ${word}`)
        await anna.sees('the answer to the answer', (r) => r.id === row.id && r.status === 'open' && r.last_direction === 'in')
        assert.deepEqual((await anna.conversation(row.id)).messages.filter((m) => m.text.includes(word)).map((m) => m.direction), ['in', 'out', 'in'])
      }

      const word = mark(), reader = await network.customer()
      await visitor.say(`nog één vraag ${word}`)
      const row = await anna.sees('the chat', (r) => r.channel === 'webchat' && r.snippet?.includes(word))
      await anna.reply(row.id, `zeker ${word}`)
      await visitor.sees('the answer', (l) => l.from === 'agent' && l.text.includes(word))
      await visitor.call('POST', 'transcript', { email: reader.handle }).catch((refused) => assert.equal(refused.code, 'not_possible', 'it is the address they left before'))
      await visitor.call('POST', 'transcript', {})
      await balie.crash()
      await anna.seesMessage('that the transcript left', (m) => m.automatic === 'notice' && m.delivery?.state === 'sent', 60_000)
      const copies = (await network.colleague.sent()).filter((m) => m.text.includes(`zeker ${word}`))
      assert.equal(copies.length, 1, 'one transcript')
      visitor.leave()
    }))
})

describe('signing in in the browser', { timeout: 120_000 }, () => {
  let network, giver
  before(async () => {
    giver = await tokens('care@brand.test')
    network = await email({ oauth: giver.introspection })
  }, { timeout: 60_000 })
  after(async () => { await network?.stop(); await giver?.stop() })

  it('tokens read and send mail, and are renewed once when they end', () =>
    counter({ ...network, connects: false }, async (balie) => {
      const anna = await balie.agent('Iris', 'admin')
      const { password, ...settings } = network.settings
      assert.ok(password)
      const { authorize_url } = await anna.post('/api/connect/email', {
        settings: {
          ...settings, imap_port: Number(settings.imap_port), smtp_port: Number(settings.smtp_port),
          client_id: 'inbox', client_secret: 'inbox-secret', authorize_url: `${giver.url}/authorize`, token_url: `${giver.url}/token`,
        },
      })
      const back = (await fetch(authorize_url, { redirect: 'manual' })).headers.get('location')
      const done = await fetch(back, { redirect: 'manual', headers: { cookie: anna.cookie } })
      assert.match(done.headers.get('location'), /connected=/, done.headers.get('set-cookie') ?? '')

      const customer = await network.customer(), first = mark(), second = mark()
      const asked = await customer.mention(`met een token ${first}`)
      const row = await anna.sees('the mail', (r) => r.snippet?.includes(first))
      await anna.reply(row.id, `ook met een token ${first}`)
      await customer.seesAnswer(asked, first)
      // The tokens end, and so do the connections that were opened with them.
      const before_ = giver.seen.refreshed
      await until('the token was renewed', async () => { await network.line.calm(); return giver.seen.refreshed > before_ }, { within: 60_000, every: 3_000 })
      await customer.mention(`met een nieuw token ${second}`)
      await anna.sees('the next mail', (r) => r.snippet?.includes(second), 60_000)
      assert.equal(giver.seen.refused, 0, 'no refresh token was used twice')
    }))
})
