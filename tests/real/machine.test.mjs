// What a machine does to a server: a second process, a lost key, a full disk, a first and a second start.
import { describe, it } from 'node:test'
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Balie } from './lib/balie.mjs'
import { mastodon } from './lib/mastodon.mjs'
import { freePort } from './lib/process.mjs'
import { until } from './lib/wait.mjs'

const files = (dir) => readdirSync(dir, { withFileTypes: true, recursive: true }).filter((f) => f.isFile()).map((f) => join(f.parentPath ?? f.path, f.name))
const keyOf = (balie) => files(balie.env.BALIE_DATA).find((f) => /key/.test(f))

describe('the machine under it', { timeout: 300_000 }, () => {
  it('the first start makes a key that only its owner reads and says one password, once', async () => {
    const balie = await Balie.create()
    await balie.start()
    const passwords = () => balie.log(1000).match(/^ *password +\S+$/gm)?.length ?? 0
    await until('the one-time password is printed', () => passwords() === 1, { state: () => balie.log() })
    assert.equal(statSync(keyOf(balie)).mode & 0o777, 0o600)
    await balie.crash()
    await balie.stop()
    assert.equal(passwords(), 1, 'the second start says none')
  })

  it('a second process on the same data is refused with a clear message', async () => {
    const balie = await Balie.create()
    await balie.start()
    await assert.rejects(balie.cli(['serve', '--listen', `127.0.0.1:${await freePort()}`]), (e) => {
      assert.match(e.message, /already|another process|in use/i)
      return true
    })
    assert.ok((await fetch(`${balie.url}/health/ready`)).ok, 'the first goes on')
    await balie.stop()
  })

  it('a wrong master key is refused before anything is touched', async () => {
    const network = await mastodon()
    const balie = await Balie.create()
    await balie.start()
    await balie.connect(network)
    await balie.stop()
    const key = keyOf(balie)
    const right = readFileSync(key)
    renameSync(key, `${key}.kept`)
    const made = await Balie.create()
    await made.start()
    await made.stop()
    writeFileSync(key, readFileSync(keyOf(made)), { mode: 0o600 })
    chmodSync(key, 0o600)
    const untouched = () => files(balie.env.BALIE_DATA).filter((f) => f.endsWith('.db') || f.endsWith('.sqlite')).map((f) => [f, statSync(f).mtimeMs])
    const before = untouched()
    await assert.rejects(balie.cli(['serve']), (e) => { assert.match(e.message, /master key/i); return true })
    assert.deepEqual(untouched(), before)
    writeFileSync(key, right, { mode: 0o600 })
    await balie.start()
    await balie.stop()
    await network.stop()
  })

  it('a full disk: said clearly, nothing lost, and it goes on when there is room', { skip: process.getuid() !== 0 && 'needs root, to mount a small disk' }, async (t) => {
    const network = await mastodon()
    const balie = await Balie.create()
    mkdirSync(balie.env.BALIE_DATA, { recursive: true })
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'balie-test', balie.env.BALIE_DATA], { stdio: 'pipe' })
    } catch {
      await network.stop()
      return t.skip('no right to mount here')
    }
    const ballast = join(balie.env.BALIE_DATA, 'ballast')
    try {
      await balie.start()
      const anna = await balie.agent('Anna')
      await balie.connect(network)
      const customer = await network.customer()
      await customer.mention('voor de volle schijf')
      await anna.seesMessage('the mention', (m) => m.text.includes('voor de volle schijf'))
      // All but nothing is left. What is in the write-ahead log already may still be written over.
      try { execFileSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=4k'], { stdio: 'pipe' }) } catch { /* full: as meant */ }
      assert.ok(existsSync(ballast))
      for (let i = 0; i < 40; i++) await customer.mention(`op de volle schijf ${i} ${'x'.repeat(400)}`)
      await until('the trouble is said', async () =>
        (await fetch(`${balie.url}/health/ready`)).status === 503 || /full|no space|disk/i.test(balie.log(400)), { within: 60_000 })
      assert.equal((await fetch(`${balie.url}/health/live`)).status, 200)
      execFileSync('rm', [ballast])
      for (let i = 0; i < 40; i++) await anna.seesMessage(`mention ${i}`, (m) => m.text.includes(`op de volle schijf ${i} `), 90_000)
      const [row] = (await anna.get('/api/conversations?status=open')).items
      const texts = (await anna.conversation(row.id)).messages.map((m) => m.text)
      assert.equal(new Set(texts).size, texts.length, 'nothing doubled')
      anna.close()
    } catch (e) {
      e.message += `\n--- the server's log\n${balie.log(40)}`
      throw e
    } finally {
      await balie.stop()
      execFileSync('umount', ['-l', balie.env.BALIE_DATA])
      await network.stop()
    }
  })
})
