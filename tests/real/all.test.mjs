// Trouble on every network, with one Balie that has an account on each: every line away for a minute, the servers of one half
// and then of the other started again, and Balie itself killed while everybody is at it.
import { after, afterEach, before, describe, it } from 'node:test'
import { randomUUID } from 'node:crypto'
import assert from 'node:assert/strict'
import { api } from './lib/api.mjs'
import { Balie } from './lib/balie.mjs'
import { bluesky } from './lib/bluesky.mjs'
import { email } from './lib/email.mjs'
import { forum } from './lib/forum.mjs'
import { mastodon } from './lib/mastodon.mjs'
import { matrix } from './lib/matrix.mjs'
import { decided } from './lib/story.mjs'
import { telegram } from './lib/telegram.mjs'
import { until } from './lib/wait.mjs'
import { webchat } from './lib/webchat.mjs'

const MINUTE = 60_000
/** A message is here within this when nothing is wrong: more than a look a second and a slow machine take. */
const NORMAL_LAG = 15_000
const mark = () => `#${randomUUID().slice(0, 8)}`

describe('one Balie on every network', { timeout: 600_000 }, () => {
  let balie, anna, bram, networks
  /** Everything that was ever said here, by customers and by us: what must be there once at the end. */
  const said = [], replied = []

  before(async () => {
    networks = await Promise.all([bluesky, mastodon, email, matrix, telegram, forum, api, webchat].map((make) => make()))
    balie = await Balie.create()
    await balie.start()
    ;[anna, bram] = [await balie.agent('Anna'), await balie.agent('Bram')]
    for (const n of networks) {
      await balie.connect(n)
      await n.connected?.(balie, anna)
    }
    await each('a customer comes', networks, async (n) => { n.someone = await n.customer() })
  }, { timeout: 180_000 })
  after(async () => {
    for (const agent of [anna, bram]) agent?.close()
    await balie?.stop()
    await Promise.all((networks ?? []).map((n) => n.stop()))
  })
  afterEach(async () => {
    await Promise.all((networks ?? []).map((n) => n.line.calm()))
  })

  /** On all of these at once; what fails on one is said with its name, next to what failed on others. */
  async function each(what, some, f) {
    const came = await Promise.allSettled(some.map(f))
    const missing = came.flatMap((c, i) => (c.status === 'rejected' ? [`${some[i].key}: ${c.reason.message.slice(0, 2_000)}`] : []))
    if (missing.length) throw new Error(`${what}: not on every network\n${missing.join('\n')}\n--- the server's log\n${balie.log()}`)
    return new Map(some.map((n, i) => [n, came[i].value]))
  }
  const here = () => networks.filter((n) => n.key !== 'webchat')
  const accounts = async () => {
    const all = await anna.get('/api/accounts')
    return new Map((all.items ?? all).map((a) => [a.channel, a]))
  }

  /** A customer says something on each; gives what they said, by network. */
  const speak = (words, some = networks) =>
    each(words, some, async (n) => {
      const word = mark()
      const asked = await n.someone.mention(`${words} ${word}`)
      said.push({ n, word, words })
      return { ...asked, word }
    })
  const stands = (what, asked, agent = anna) =>
    each(what, [...asked.keys()], (n) => agent.seesMessage(what, (m) => m.direction === 'in' && m.text.includes(asked.get(n).word), 2 * MINUTE))
  /** An agent answers what was said; gives the replies, by network. */
  const answer = (words, asked, agent = anna) =>
    each(words, [...asked.keys()], async (n) => {
      const word = mark()
      const { conversation_id: id } = [...agent.messages.values()].find((m) => m.direction === 'in' && m.text.includes(asked.get(n).word))
      const { message } = await agent.reply(id, `${words} ${word}`)
      const reply = { n, id, message, word, words }
      replied.push(reply)
      return reply
    })
  /** Our answers with that word which the customer can see, under whatever they said lately. */
  const arrived = async (n, word, rounds) => {
    const seen = await Promise.all(rounds.filter((asked) => asked.has(n)).map((asked) => n.someone.answersTo(asked.get(n))))
    return new Set(seen.flat().filter((a) => a.text.includes(word)).map((a) => JSON.stringify(a))).size
  }
  /** Every reply is at its customer, once; where only a person can know, a person looks and decides. */
  const reach = async (t, replies, rounds) => {
    for (const some of replies) {
      await each('the reply is sent', [...some.keys()], async (n) => {
        const { id, message, word } = some.get(n)
        if (n.parks) await decided({ agent: anna, id, reply: message, arrived: async () => (await arrived(n, word, rounds)) > 0, say: (l) => t.diagnostic(`${n.key}: ${l}`), within: 2 * MINUTE })
        const state = async () => (await anna.conversation(id)).messages.find((m) => m.id === message.id)?.delivery
        await until('it was sent', async () => (await state()).state === 'sent', { within: 2 * MINUTE, every: 200, state })
        await until('the customer sees it', async () => (await arrived(n, word, rounds)) > 0, { within: MINUTE, every: 200 })
      })
    }
  }
  /** Within the minute that is promised. */
  const sick = (some, from) =>
    each('the account is in trouble, with cause and cure', some, async (n) => {
      const bad = (a) => a.channel === n.key && ['degraded', 'down'].includes(a.health.state)
      const account = await anna.seesAccount('the account in trouble', bad, Math.max(from + MINUTE - Date.now(), 1))
      const { code, cause, cure, since } = account.health
      assert.equal(code, 'unreachable')
      for (const words of [cause, cure]) assert.ok(words?.en && words.nl && words.en !== words.nl, JSON.stringify(account.health))
      assert.ok(new Date(since).getTime() >= from - 1_000, `since when: ${since}`)
    })
  const well = () => each('the account is well', networks, (n) =>
    until('health ok', async () => (await accounts()).get(n.key).health.state === 'ok', { within: 2 * MINUTE, every: 200, state: async () => (await accounts()).get(n.key) }))
  /** Customers go on speaking until what they say is here as soon as ever; a network has an outage of its own to get over. */
  const quick = async (t, rounds) => {
    let slow = networks
    await until('the lag is back to normal', async () => {
      rounds.push(await speak('en nu', slow))
      await stands('what is said now', rounds.at(-1))
      const now = await accounts()
      for (const n of slow) t.diagnostic(`${n.key}: ${now.get(n.key).lag_ms} ms between saying and standing here`)
      slow = slow.filter((n) => now.get(n.key).lag_ms >= NORMAL_LAG)
      return slow.length === 0
    }, { within: MINUTE, state: () => slow.map((n) => n.key) })
  }

  /** What must hold whatever happened: on our side, on the customers' side and on the screens. */
  async function nothingLostNothingDoubled(rounds, replies) {
    const rows = []
    for (const status of ['open', 'pending', 'snoozed', 'closed']) {
      const page = await anna.get(`/api/conversations?status=${status}&limit=200`)
      rows.push(...page.items)
    }
    const all = (await Promise.all(rows.map((r) => anna.conversation(r.id)))).flatMap((c) => c.messages)
    const times = (direction, word) => all.filter((m) => m.direction === direction && m.text.includes(word)).length
    const wrong = [
      ...said.map((s) => [s, 'in', times('in', s.word)]),
      ...replied.map((r) => [r, 'out', times('out', r.word)]),
    ].filter(([, , n]) => n !== 1).map(([s, direction, n]) => `${s.n.key}: "${s.words} ${s.word}" (${direction}) ${n} times`)
    assert.deepEqual(wrong, [], 'each message once')
    await each('one answer at the customer', networks, async (n) => {
      for (const { words, word } of replies.filter((some) => some.has(n)).map((some) => some.get(n))) {
        assert.equal(await arrived(n, word, rounds), 1, `"${words} ${word}"`)
        if (n.copies) await until('one copy is filed', async () => (await n.copies(word)).length === 1, { every: 200, state: () => n.copies(word) })
      }
    })
    for (const agent of [anna, bram]) {
      await until(`${agent.name}'s screen equals the server`, () => rows.every((r) => agent.rows.get(r.id)?.version === r.version))
    }
    const { visitor } = networks.find((n) => n.key === 'webchat').someone
    assert.equal(visitor.resyncs, 0, 'the visitor’s page had to fetch nothing afresh')
  }

  it('every line is away for a minute, silent first and then refusing: red with cause and cure, then all arrives once', async (t) => {
    const rounds = []
    rounds.push(await speak('eerste vraag'))
    await stands('the first question', rounds[0])
    await well()

    const gone = Date.now()
    await each('the line goes silent', networks, (n) => n.line.blackhole())
    // Who needs the line to speak says it again until it is heard.
    const early = speak('meteen in de stilte')
    early.catch(() => {})
    const replies = await answer('antwoord tijdens de storing', rounds[0])
    await sick(here(), gone)
    t.diagnostic(`all red after ${Date.now() - gone} ms`)
    const late = speak('midden in de storing')
    late.catch(() => {})
    await each('the line refuses', networks, (n) => n.line.cut())
    assert.equal((await accounts()).get('webchat').health.state, 'ok', 'the chat on our own site has no platform to lose')
    assert.equal((await fetch(`${balie.url}/health/ready`)).status, 200)
    await each('nothing passes', networks, async (n) => assert.equal(await arrived(n, replies.get(n).word, rounds), 0))
    // The minute itself is what is tried here.
    await new Promise((ok) => setTimeout(ok, Math.max(gone + MINUTE - Date.now(), 0)))

    const back = Date.now()
    await each('the line is back', networks, (n) => n.line.calm())
    rounds.push(await early, await late)
    for (const asked of rounds.slice(1)) await stands('what was asked meanwhile', asked, bram)
    t.diagnostic(`all that was asked stood here after ${Date.now() - back} ms`)
    await reach(t, [replies], rounds)
    t.diagnostic(`all replies had arrived after ${Date.now() - back} ms`)
    await well()
    await quick(t, rounds)
    await nothingLostNothingDoubled(rounds, [replies])
  })

  // Each is once among those that stop and once among those that go on; only Balie itself, where the chat lives, is another story.
  for (const [which, half] of ['one half', 'the other half'].entries()) it(`the servers of ${half} are stopped and started again on their data: what was under way on either side arrives once`, async (t) => {
    const stopped = here().filter((_, i) => i % 2 === which), going = networks.filter((n) => !stopped.includes(n))
    const rounds = []
    rounds.push(await speak('voor de herstart'))
    await stands('what was asked before', rounds[0])
    await well()

    // A reply on its way, a question just posted, and the server goes.
    const from = Date.now()
    const only = (asked, some) => new Map([...asked].filter(([n]) => some.includes(n)))
    const first = await answer('antwoord onderweg', only(rounds[0], stopped))
    rounds.push(await speak('net op tijd', stopped))
    await each('the server stops', stopped, (n) => n.halt())
    const second = await answer('antwoord op een dichte deur', only(rounds[0], stopped), bram)
    await sick(stopped, from)
    // The others notice nothing.
    const others = await speak('bij de anderen', going)
    rounds.push(others)
    await stands('what is asked elsewhere', others)
    const elsewhere = await answer('antwoord elders', others)
    await reach(t, [elsewhere], rounds)
    const now = await accounts()
    assert.deepEqual(going.filter((n) => now.get(n.key).health.state !== 'ok').map((n) => now.get(n.key)), [], 'nobody else is in trouble')

    await each('the server starts', stopped, (n) => n.resume())
    t.diagnostic(`away for ${Date.now() - from} ms`)
    rounds.push(await speak('na de herstart'))
    for (const asked of rounds.slice(1)) await stands('what was asked', asked, bram)
    await reach(t, [first, second], rounds)
    await well()
    await quick(t, rounds)
    await nothingLostNothingDoubled(rounds, [first, second, elsewhere])
  })

  it('Balie is killed while everybody speaks: what was under way arrives once, and the visitor’s page stays', async (t) => {
    const rounds = []
    rounds.push(await speak('voor de klap'))
    await stands('what was asked before', rounds[0])
    const replies = await answer('antwoord in de klap', rounds[0])
    const during = speak('in de klap')
    during.catch(() => {})
    await balie.crash()
    rounds.push(await during)
    await stands('what was asked meanwhile', rounds[1], bram)
    await reach(t, [replies], rounds)
    await well()
    await quick(t, rounds)
    await nothingLostNothingDoubled(rounds, [replies])
  })
})
