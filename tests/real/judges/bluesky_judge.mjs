#!/usr/bin/env node
// Judges a server that claims to be Bluesky with the official client, unmodified: @atproto/api checks every answer
// against the lexicons and throws on a wrong shape.
//   bluesky_judge.mjs '{"url":…,"accounts":{"brand":{"handle","password"},"customer":{…}}}' [--chat]
// Prints one line a check ("ok NAME" or "not ok NAME: why") and ends with 0 when all are ok. --chat adds
// chat.bsky.convo, which no reference server offers.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { AtpAgent, RichText } from '@atproto/api'
import { until } from '../lib/wait.mjs'

const { url, accounts } = JSON.parse(process.argv[2])
const chat = process.argv.includes('--chat')
const mark = randomUUID().slice(0, 8)
const checks = []
const check = (name, f) => checks.push([name, f])

async function signedIn({ handle, password }) {
  const agent = new AtpAgent({ service: url })
  await agent.login({ identifier: handle, password })
  return agent
}
async function post(agent, text, more = {}) {
  const rich = new RichText({ text })
  await rich.detectFacets(agent)
  const { uri, cid } = await agent.post({ text: rich.text, facets: rich.facets, langs: ['nl'], ...more })
  return { uri, cid }
}
const refuses = (f, status, error) =>
  assert.rejects(f, (e) => { assert.equal(e.status, status, `status of ${e}`); if (error) assert.equal(e.error, error); return true })
const soon = (what, look) => until(what, look, { within: 10_000 })
const replies = async (agent, uri) => ((await agent.getPostThread({ uri })).data.thread.replies ?? []).map((r) => r.post)

let brand, customer, asked, reply

check('signs in with a password', async () => {
  brand = await signedIn(accounts.brand)
  customer = await signedIn(accounts.customer)
  assert.match(brand.did, /^did:/)
  assert.equal((await brand.com.atproto.server.getSession()).data.handle, accounts.brand.handle)
})
check('refuses a wrong password', () => refuses(() => signedIn({ ...accounts.brand, password: 'wrong' }), 401, 'AuthenticationRequired'))
check('renews a session', async () => {
  const before = brand.session.accessJwt
  await brand.sessionManager.refreshSession()
  assert.ok(brand.session.accessJwt && brand.session.refreshJwt)
  assert.ok(before)
})
check('resolves handles and shows profiles', async () => {
  assert.equal((await customer.resolveHandle({ handle: accounts.brand.handle })).data.did, brand.did)
  await soon('the profile', async () => (await customer.getProfile({ actor: brand.did })).data.handle === accounts.brand.handle)
})
check('notifies a mention', async () => {
  asked = await post(customer, `@${accounts.brand.handle} waar blijft mijn pakket? 📦 ${mark} #${mark} https://voorbeeld.example/volg`)
  const n = await soon('the mention', async () => (await brand.listNotifications({ limit: 50 })).data.notifications.find((x) => x.uri === asked.uri))
  assert.equal(n.reason, 'mention')
  assert.equal(n.author.did, customer.did)
  assert.equal(n.record.facets.length, 3, 'facets of mention, tag and link are kept')
  assert.ok((await brand.countUnreadNotifications()).data.count >= 1)
})
check('pages notifications', async () => {
  await post(customer, `@${accounts.brand.handle} nog een ${mark}`)
  await soon('two', async () => (await brand.listNotifications({ limit: 2 })).data.notifications.length === 2)
  const one = (await brand.listNotifications({ limit: 1 })).data
  const two = (await brand.listNotifications({ limit: 1, cursor: one.cursor })).data
  assert.notEqual(one.notifications[0].uri, two.notifications[0].uri)
})
check('threads a reply', async () => {
  reply = await post(brand, `Wat vervelend! ${mark}`, { reply: { root: asked, parent: asked } })
  const seen = await soon('the reply', async () => (await replies(customer, asked.uri)).find((p) => p.uri === reply.uri))
  assert.equal(seen.record.reply.parent.uri, asked.uri)
  const n = await soon('its notification', async () => (await customer.listNotifications()).data.notifications.find((x) => x.uri === reply.uri))
  assert.equal(n.reason, 'reply')
  assert.equal(n.reasonSubject, asked.uri)
})
check('shows the posts above', async () => {
  const { data } = await customer.getPostThread({ uri: reply.uri })
  assert.equal(data.thread.parent.post.uri, asked.uri)
})
check('writing the same record twice is one record', async () => {
  const record = { $type: 'app.bsky.feed.post', text: `eenmaal ${mark}`, createdAt: new Date().toISOString() }
  const write = () => brand.com.atproto.repo.putRecord({ repo: brand.did, collection: 'app.bsky.feed.post', rkey: `3l${mark}aaa`.replace(/[0189]/g, '2').slice(0, 13), record })
  const [a, b] = [await write(), await write()]
  assert.equal(a.data.uri, b.data.uri)
  assert.equal(a.data.cid, b.data.cid)
})
check('keeps images with alt text', async () => {
  const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64')
  const { data } = await brand.uploadBlob(png, { encoding: 'image/png' })
  const it = await post(brand, `kijk ${mark}`, { embed: { $type: 'app.bsky.embed.images', images: [{ image: data.blob, alt: 'een label' }] } })
  const view = await soon('the post', async () => (await customer.getPosts({ uris: [it.uri] })).data.posts[0])
  assert.equal(view.embed.images[0].alt, 'een label')
  assert.match(view.embed.images[0].fullsize, /^http/)
})
check('likes and reposts', async () => {
  const like = await brand.like(asked.uri, asked.cid)
  const viewer = async () => (await brand.getPosts({ uris: [asked.uri] })).data.posts[0].viewer
  await soon('the like', async () => (await viewer()).like === like.uri)
  await brand.deleteLike(like.uri)
  const repost = await brand.repost(asked.uri, asked.cid)
  await soon('the repost', async () => (await viewer()).repost === repost.uri)
  await brand.deleteRepost(repost.uri)
})
check('mutes, blocks and reports', async () => {
  await brand.mute(customer.did)
  await brand.unmute(customer.did)
  const block = await brand.app.bsky.graph.block.create({ repo: brand.did }, { subject: customer.did, createdAt: new Date().toISOString() })
  await brand.app.bsky.graph.block.delete({ repo: brand.did, rkey: block.uri.split('/').at(-1) })
  await brand.com.atproto.moderation.createReport({
    reasonType: 'com.atproto.moderation.defs#reasonSpam',
    subject: { $type: 'com.atproto.repo.strongRef', uri: asked.uri, cid: asked.cid },
  })
})
check('refuses what is too long', () => refuses(() => brand.post({ text: 'x'.repeat(301) }), 400, 'InvalidRequest'))
check('refuses a bad token', async () => {
  const res = await fetch(`${url}/xrpc/app.bsky.notification.listNotifications`, { headers: { authorization: 'Bearer nonsense' } })
  assert.ok(res.status === 400 || res.status === 401, `status ${res.status}`)
  assert.ok((await res.json()).error)
})
check('what is deleted is gone', async () => {
  const it = await post(customer, `toch niet ${mark}`, { reply: { root: asked, parent: reply } })
  await soon('the answer', async () => (await replies(brand, reply.uri)).some((p) => p.uri === it.uri))
  await customer.deletePost(it.uri)
  await soon('its end', async () => !(await replies(brand, reply.uri)).some((p) => p.uri === it.uri))
  await refuses(() => brand.getPostThread({ uri: it.uri }), 400, 'NotFound')
})
if (chat) {
  const talk = (agent) => agent.withProxy('bsky_chat', 'did:web:api.bsky.chat').chat.bsky.convo
  let convo
  check('a chat is found by its members', async () => {
    convo = (await talk(customer).getConvoForMembers({ members: [brand.did] })).data.convo
    assert.ok(convo.members.some((m) => m.did === brand.did))
  })
  check('a chat message arrives', async () => {
    const sent = (await talk(customer).sendMessage({ convoId: convo.id, message: { text: `privé ${mark}` } })).data
    const mine = await soon('the conversation', async () => (await talk(brand).listConvos()).data.convos.find((c) => c.id === convo.id))
    assert.equal(mine.unreadCount, 1)
    const { messages } = (await talk(brand).getMessages({ convoId: convo.id })).data
    assert.equal(messages[0].id, sent.id)
    assert.equal(messages[0].text, `privé ${mark}`)
    assert.equal(messages[0].sender.did, customer.did)
  })
  check('the log of chats goes on from its cursor', async () => {
    const first = (await talk(brand).getLog({})).data
    const sent = (await talk(customer).sendMessage({ convoId: convo.id, message: { text: `nog iets ${mark}` } })).data
    const more = (await talk(brand).getLog({ cursor: first.cursor })).data
    assert.ok(more.logs.some((l) => l.message?.id === sent.id))
  })
  check('a chat is answered and read', async () => {
    await talk(brand).sendMessage({ convoId: convo.id, message: { text: `antwoord ${mark}` } })
    await talk(brand).updateRead({ convoId: convo.id })
    assert.equal((await talk(brand).getConvo({ convoId: convo.id })).data.convo.unreadCount, 0)
    assert.equal((await talk(customer).getMessages({ convoId: convo.id, limit: 1 })).data.messages[0].text, `antwoord ${mark}`)
  })
}

let bad = 0
for (const [name, f] of checks) {
  try {
    await f()
    console.log(`ok ${name}`)
  } catch (e) {
    bad++
    console.log(`not ok ${name}: ${e.name} ${e.error ?? ''} ${e.message}`.replaceAll('\n', ' '))
  }
}
process.exit(bad ? 1 : 0)
