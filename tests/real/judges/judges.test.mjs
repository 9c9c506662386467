// Our own fakes, judged by clients that others wrote. Each judge first proves itself on the reference: what it refuses
// there is a fault of the judge.
import { describe, it } from 'node:test'
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createInterface } from 'node:readline'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bluesky } from '../lib/bluesky.mjs'
import { mastodon } from '../lib/mastodon.mjs'
import { fake, judge } from './judge.mjs'
import { Balie } from '../lib/balie.mjs'
import { freePort, track } from '../lib/process.mjs'
import { until } from '../lib/wait.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const python = join(here, '../.venv/bin/python')

const mastodonJudge = (t, url, brand, customer, ...more) => judge(t, python, [join(here, 'mastodon_judge.py'), url, brand, customer, ...more])
const blueskyJudge = (t, at, ...more) => judge(t, process.execPath, [join(here, 'bluesky_judge.mjs'), JSON.stringify(at), ...more])

describe('Mastodon.py', { timeout: 180_000 }, () => {
  it('is content with the stand-in', async (t) => {
    const net = await mastodon()
    await mastodonJudge(t, net.url, 'brand-token', 'customer-token')
    await net.stop()
  })
  it('is content with our fake', async (t) => {
    const net = await fake('mastodon')
    await mastodonJudge(t, net.url, net.tokens.brand, net.tokens.customer, '--strict')
    await judge(t, python, [join(here, 'mastodon_py.py'), net.url, net.tokens.brand, net.tokens.customer])
    await net.stop()
  })
})
describe('the official AT Protocol client', { timeout: 180_000 }, () => {
  it('is content with the reference servers', async (t) => {
    const net = await bluesky()
    await blueskyJudge(t, { url: net.url, accounts: net.net.accounts })
    await net.stop()
  })
  it('is content with our fake', async (t) => {
    const net = await fake('bluesky')
    await blueskyJudge(t, { url: net.url, accounts: net.accounts }, '--chat')
    await net.stop()
  })
})
describe('python-telegram-bot and aiogram', { timeout: 180_000 }, () => {
  for (const [name, file] of [['python-telegram-bot', 'telegram_ptb.py'], ['aiogram', 'telegram_aiogram.py']]) {
    // No reference can be installed: the clients themselves refuse what is not the Bot API's.
    it(`${name} is content with our fake`, async (t) => {
      const net = await fake('telegram')
      await judge(t, python, [join(here, file), net.url, net.tokens.brand])
      await net.stop()
    })
  }
})
describe('imaplib and smtplib', { timeout: 120_000 }, () => {
  it('are content with our fake', async (t) => {
    const net = await fake('email')
    await judge(t, python, [join(here, 'mail_judge.py'), JSON.stringify(net.accounts)])
    await net.stop()
  })
})

describe('feedparser', { timeout: 60_000 }, () => {
  it('is content with our played feeds', async (t) => {
    const net = await fake('feed')
    await judge(t, python, [join(here, 'feedparser_judge.py'), net.url])
    await net.stop()
  })
})
describe('the library of Standard Webhooks', { timeout: 120_000 }, () => {
  it('is believed by Balie, and believes Balie', async (t) => {
    const [secret, other] = [0, 1].map(() => `whsec_${randomBytes(32).toString('base64')}`)
    const [balie, port] = [await Balie.create(), await freePort()]
    await balie.start()
    const anna = await balie.agent('Anna')
    const start = (hook) => {
      const child = spawn(python, [join(here, 'webhooks_judge.py'), hook, secret, other, String(port)], { stdio: ['pipe', 'pipe', 'inherit'] })
      const kept = track(child)
      const lines = []
      createInterface({ input: child.stdout }).on('line', (l) => lines.push(l))
      return { child, kept, lines, says: (word) => until(`the judge says ${word}`, () => lines.includes(word), { within: 60_000, state: () => lines }) }
    }
    // What the account is called by is known after connecting, which says hello: to nobody yet.
    await balie.connect({ key: 'api', settings: { name: 'Winkel', url: `http://127.0.0.1:${port}/`, secret }, secret: 'secret' })
    const all = await anna.get('/api/accounts')
    const account = (all.items ?? all).find((a) => a.channel === 'api')
    const it_ = start(balie.url + account.hook)
    await it_.says('listening')
    const chief = await balie.agent('Chief', 'admin')
    await chief.post(`/api/accounts/${account.id}/probe`)
    it_.child.stdin.write('go\n')
    await it_.says('judged')
    for (const line of it_.lines.filter((l) => /^(not )?ok /.test(l))) {
      await t.test(line.replace(/^(not )?ok /, '').split(':')[0], () => assert.ok(line.startsWith('ok '), line))
    }
    // A reply of an agent, verified by the library, sent once.
    const row = await anna.sees('the question', (r) => r.snippet?.includes('pakket') || r.message_count > 1)
    const { message } = await anna.reply(row.id, 'Onderweg 📦')
    await anna.seesMessage('the reply sent', (m) => m.id === message.id && m.delivery?.state === 'sent')
    const { verified, refused } = await (await fetch(`http://127.0.0.1:${port}/`)).json()
    assert.deepEqual(refused, [])
    assert.deepEqual(verified.filter((v) => v.event.type === 'reply.created').map((v) => [v.id, v.event.data.text]), [[message.id, 'Onderweg 📦']])
    it_.child.stdin.end()
    await it_.kept.stop()
    for (const person of [anna, chief]) person.close()
    await balie.stop()
  })
})
