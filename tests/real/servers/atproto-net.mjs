#!/usr/bin/env node
// A whole AT Protocol network on loopback: PLC directory, PDS, bsync, bsky AppView, ozone,
// from the reference packages (npm @atproto/dev-env), with a brand and two customer accounts.
//   node atproto-net.mjs DIR [--pds-only] [--rate-limits] [--port-base=N] [--brand-pds=URL]
// DIR: temp folder (made), not under a home folder: see pg.sh. --pds-only: PLC + PDS, no PostgreSQL, Redis, AppView.
// --brand-pds: where the directory says that the brand's PDS is (a proxy before it); all others go there directly.
// Runs on Node 22 or newer with the packages that scripts/real-deps installs. Foreground.
// One JSON line on stdout when ready. SIGTERM or SIGINT stops it and what it started.
// Control: POST CONTROL/ with {"pds":"stop"} ends the PDS, {"pds":"start"} starts it on the same data and port.
import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { createServer as httpServer } from 'node:http'
import { Server } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { freePort } from '../lib/port.mjs'

const args = process.argv.slice(2)
const dir = resolve(args.find((a) => !a.startsWith('--')) ?? fail('usage: atproto-net.mjs DIR'))
const pdsOnly = args.includes('--pds-only')
const rateLimits = args.includes('--rate-limits')
const base = Number(args.find((a) => a.startsWith('--port-base='))?.split('=')[1] ?? 0)
const brandPds = args.find((a) => a.startsWith('--brand-pds='))?.slice('--brand-pds='.length)
const here = dirname(fileURLToPath(import.meta.url))

function fail(msg) {
  console.error(msg)
  process.exit(2)
}

process.env.LOG_ENABLED ??= 'false'
mkdirSync(dir, { recursive: true })
await inner()


// A sibling script that prints one JSON line when ready.
function helper(script, ...a) {
  const child = spawn(join(here, script), a, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ready = new Promise((ok, no) => {
    createInterface({ input: child.stdout }).once('line', (l) => ok(JSON.parse(l)))
    child.once('exit', (c) => no(new Error(`${script} ended with ${c}`)))
  })
  const stop = () => new Promise((ok) => {
    if (child.exitCode !== null) return ok()
    child.once('exit', ok)
    child.kill('SIGTERM')
  })
  return { ready, stop }
}

async function inner() {
  // Its servers name no host, which means every interface: keep them on loopback.
  const { listen } = Server.prototype
  Server.prototype.listen = function (...a) {
    if (typeof a[0] === 'number' && typeof a[1] !== 'string') a.splice(1, 0, '127.0.0.1')
    else if (a[0]?.port !== undefined && !a[0].host) a[0] = { ...a[0], host: '127.0.0.1' }
    return listen.apply(this, a)
  }
  const log = console.log
  console.log = (...a) => console.error(...a) // stdout carries the JSON line only
  const { TestNetwork, TestNetworkNoAppView, mockMailer, mockNetworkUtilities } = await import('@atproto/dev-env')
  // What each PDS was started with, folders and keys included: it is not told otherwise.
  const { PDS } = await import('@atproto/pds')
  const { fromEnv } = PDS
  const startedWith = new Map()
  PDS.fromEnv = async (env) => {
    const pds = await fromEnv.call(PDS, env)
    startedWith.set(pds, env)
    return pds
  }
  const helpers = []
  let net
  let stopping = false
  const stop = async (code) => {
    if (stopping) return
    stopping = true
    setTimeout(() => process.exit(1), 20_000).unref()
    await net?.close().catch((e) => console.error('close:', e.message))
    for (const h of helpers) await h.stop()
    process.exit(code)
  }
  for (const s of ['SIGTERM', 'SIGINT']) process.on(s, () => stop(0))
  try {
    const port = async (i) => ({ port: base ? base + i : await freePort() })
    const pdsCfg = { hostname: 'localhost', enableDidDocWithSession: true, ...(await port(1)) }
    if (rateLimits) pdsCfg.rateLimitsEnabled = true
    if (pdsOnly) {
      net = await TestNetworkNoAppView.create({ plc: await port(0), pds: pdsCfg })
    } else {
      const pg = helper('pg.sh', join(dir, 'pg'))
      const redis = helper('redis.sh', join(dir, 'redis'))
      helpers.push(pg, redis)
      const [p, r] = await Promise.all([pg.ready, redis.ready])
      process.env.REDIS_HOST = `127.0.0.1:${r.port}`
      const appview = await port(2)
      net = await TestNetwork.create({
        dbPostgresUrl: p.url,
        // a fresh network each start; letters only
        dbPostgresSchema: 's' + String(Date.now()).replace(/\d/g, (d) => 'abcdefghij'[d]),
        plc: await port(0),
        pds: pdsCfg,
        bsky: { ...appview, publicUrl: `http://localhost:${appview.port}` }, // image addresses on loopback
        ozone: await port(3),
      })
    }
    mockMailer(net.pds)
    const xrpc = async (nsid, body, token) => {
      const res = await fetch(`${net.pds.url}/xrpc/${nsid}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
        body: JSON.stringify(body),
      })
      if (!res.ok) throw new Error(`${nsid}: ${res.status} ${await res.text()}`)
      return res.json()
    }
    const accounts = {}
    for (const name of ['brand', 'customer', 'customer2']) {
      const password = `${name}-pass`
      const a = await xrpc('com.atproto.server.createAccount', {
        handle: `${name}.test`, email: `${name}@example.com`, password,
      })
      const app = await xrpc('com.atproto.server.createAppPassword', { name: 'inbox', privileged: true }, a.accessJwt)
      accounts[name] = { handle: a.handle, did: a.did, password, app_password: app.password }
    }
    if (brandPds) {
      const { ctx } = net.pds
      await ctx.plcClient.updatePds(accounts.brand.did, ctx.plcRotationKey, brandPds)
      await ctx.idResolver.did.resolve(accounts.brand.did, true)
    }
    if (!pdsOnly) await net.processAll()
    const control = httpServer(async (req, res) => {
      let body = ''
      for await (const c of req) body += c
      try {
        const { pds } = JSON.parse(body)
        if (pds === 'stop') await net.pds.close()
        else if (pds === 'start') {
          net.pds.server = await PDS.fromEnv(startedWith.get(net.pds.server))
          await net.pds.server.start()
          mockNetworkUtilities(net.pds)
          mockMailer(net.pds)
        } else throw new Error(`unknown: ${body}`)
        res.end('{}')
      } catch (e) {
        res.statusCode = 500
        res.end(JSON.stringify({ error: String(e.stack) }))
      }
    })
    await new Promise((ok) => control.listen(0, '127.0.0.1', ok))
    log(JSON.stringify({
      ready: true, pid: process.pid, control: `http://127.0.0.1:${control.address().port}/`, pds: net.pds.url, plc: net.plc.url,
      ...(net.bsky && { appview: net.bsky.url, appview_did: net.bsky.serverDid, ozone: net.ozone.url, bsync: net.bsync.url }),
      firehose: `${net.pds.url.replace('http', 'ws')}/xrpc/com.atproto.sync.subscribeRepos`,
      admin_password: 'admin-pass', accounts,
    }))
  } catch (e) {
    console.error(e)
    await stop(1)
  }
}
