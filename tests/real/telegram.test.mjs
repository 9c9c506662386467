// On our own Telegram, which python-telegram-bot and aiogram judge (judges/).
import { describe, it } from 'node:test'
import assert from 'node:assert/strict'
import { telegram } from './lib/telegram.mjs'
import { until } from './lib/wait.mjs'
import { counter, stories } from './stories.mjs'

stories('our own Telegram', telegram)

describe('what is Telegram\'s own', { timeout: 300_000 }, () => {
  it('another program with the same token, a picture, a block: each with its cause', async () => {
    const network = await telegram()
    try {
      await counter(network, async (balie, anna) => {
        const customer = await network.customer()
        await customer.mention('heeft u dit in rood?')
        const row = await anna.sees('the question', (r) => r.snippet?.includes('in rood'))

        // A file comes through our own origin, whatever its address was.
        const base64 = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgAAIAAAUAAXpeqz8AAAAASUVORK5CYII=', 'base64').toString('base64')
        await network.play('say', { from: customer.id, text: 'zoals deze', file: { kind: 'photo', name: 'rood.png', mime: 'image/png', base64 } })
        const shown = await until('the picture is here', async () =>
          (await anna.conversation(row.id)).messages.find((m) => m.text === 'zoals deze' && m.attachments[0]?.state === 'stored'))
        const file = await fetch(balie.url + shown.attachments[0].url, { headers: { cookie: anna.cookie } })
        assert.equal(file.status, 200)
        assert.equal(file.headers.get('content-type'), 'image/png')
        assert.ok(!JSON.stringify(await anna.conversation(row.id)).includes(network.settings.token.split(':')[1]), 'no token on the screen')

        // Somebody else asks with the same token, again and again.
        let asking = true
        const other = (async () => {
          while (asking) await fetch(`${network.url}/bot${network.settings.token}/getUpdates?timeout=1&limit=1`).then((r) => r.text())
        })()
        const sick = await anna.seesAccount('that another program asks', (a) => a.health.code === 'telegram.second_asker')
        assert.match(sick.health.cure.nl, /@BotFather/)
        asking = false
        await other
        await anna.seesAccount('the account well again', (a) => a.health.state === 'ok', 90_000)

        await customer.block()
        const closed = await until('the composer is closed', async () =>
          (await anna.conversation(row.id)).threads.find((t) => t.allowance.code === 'telegram.blocked'))
        assert.equal(closed.allowance.may_reply, false)
        await assert.rejects(anna.reply(row.id, 'toch nog'), (e) => e.status === 422 && e.code === 'reply.not_allowed')
        await customer.unblock()
        await until('the composer is open again', async () =>
          (await anna.conversation(row.id)).threads.every((t) => t.allowance.may_reply))
        assert.ok(!balie.log(10_000).includes(network.settings.token.split(':')[1]), 'no token in the log')
      })
    } finally {
      await network.stop()
    }
  })

  it('a webhook: called with the secret, and by nobody without it', async () => {
    const network = await telegram()
    try {
      await counter(network, async (balie, anna) => {
        const viewer = await balie.agent('Chef', 'admin')
        const [account] = await viewer.get('/api/accounts').then((a) => a.items ?? a)
        const hook = `${balie.url}/hooks/${account.id}`
        await viewer.call('PATCH', `/api/accounts/${account.id}`, { settings: { delivery: 'webhook', hook } })
        await until('the webhook is set', async () => (await network.play('state')).webhook === hook)
        const customer = await network.customer()
        await customer.mention('langs de haak')
        await anna.sees('what came by webhook', (r) => r.snippet?.includes('langs de haak'))
        await until('it is confirmed', async () => (await network.play('state')).pending === 0)
        const forged = { update_id: 1, message: { message_id: 1, date: 1767345000, chat: { id: 5, type: 'private' }, text: 'vervalst' } }
        for (const secret of [{}, { 'x-telegram-bot-api-secret-token': 'geraden' }]) {
          const res = await fetch(hook, { method: 'POST', headers: { 'content-type': 'application/json', ...secret }, body: JSON.stringify(forged) })
          assert.equal(res.status, 401)
        }
        assert.ok(![...anna.rows.values()].some((r) => r.snippet?.includes('vervalst')))
        viewer.close()
      })
    } finally {
      await network.stop()
    }
  })
})
