import { beforeEach, describe, expect, it } from 'vitest';
import type { Page } from '../shared/protocol';
import { Api } from './api';
import { Chat } from './chat';
import { fingerprint } from './sessions';
import { Clock, config, keptIn, message, refuse, Server, session, settle, Store, Wire } from './testing';
import { rowsOf } from './view/rows';

let clock: Clock;
let store: Store;
let server: Server;
let wires: Wire[];
let told: [string, unknown][];
let visible: boolean;
let sounds: number;
let ids: number;

const page: Page = { url: 'https://shop.example/', title: 'Shop', referrer: '' };
const ok = (body: unknown, status = 200) => () => ({ status, body });
const wire = (): Wire => wires.at(-1)!;
const last = (type: string): unknown => told.findLast(([name]) => name === type)?.[1];

function make(locale = 'nl-NL'): Chat {
  return new Chat(
    {
      api: new Api('a', server.fetch),
      kept: keptIn(store),
      socket: () => {
        wires.push(new Wire());
        return wire() as unknown as WebSocket;
      },
      now: () => clock.now,
      random: () => 1,
      uuid: () => `c${++ids}`,
      later: clock.later,
      cancel: clock.cancel,
      visible: () => visible,
      online: () => true,
      tell: (type, data) => told.push([type, data]),
      changed: () => undefined,
      sound: () => (sounds += 1),
      ink: () => '#ffffff',
    },
    { page, locale },
  );
}

async function opened(status: 'none' | 'open' = 'open'): Promise<Chat> {
  const chat = make();
  await chat.start(true);
  await settle();
  wire().open();
  wire().say({ type: 'ready', seq: 10, status, open: true, agents_online: true });
  await settle();
  return chat;
}

beforeEach(() => {
  [clock, store, server, wires, told, visible, sounds, ids] = [new Clock(), new Store(), new Server(), [], [], true, 0, 0];
  server
    .on('GET config', ok(config()))
    .on('POST session', ok(session(), 201))
    .on('POST messages', (body: { client_id: string; text: string }) => ({ status: 201, body: message({ from: 'visitor', name: null, ...body, files: [] }) }))
    .on('POST read', () => ({ status: 204 }));
});

describe('a visitor who only looks', () => {
  it('leaves nothing behind: no session, no line, nothing kept', async () => {
    await make().start(false);
    expect(server.asked.map(({ path }) => path)).toEqual(['config?locale=nl-NL']);
    expect([wires.length, store.length]).toEqual([0, 0]);
    expect(last('ready')).toMatchObject({ label: 'Chat met De Korst', side: 'end' });
  });

  it('goes on with an earlier conversation, and hears what came meanwhile', async () => {
    store.setItem('balie:a:token', 't0');
    server.on('POST session', ok(session({ token: 't0', status: 'open', messages: [message(), message()] })));
    await make().start(false);
    await settle();
    expect(server.asked.at(-1)).toMatchObject({ path: 'session', token: 't0' });
    expect(last('unread')).toEqual({ count: 2, label: '2 nieuwe berichten' });
    expect(wires).toHaveLength(1);
  });

  it('is not bothered with a chat that is switched off: the site is told why', async () => {
    server.on('GET config', refuse(404, 'inbox_disabled'));
    await make().start(false);
    expect(last('refused')).toEqual({ code: 'inbox_disabled', message: 'inbox_disabled' });
  });

  it('is served when the server comes back', async () => {
    server.on('GET config', () => undefined);
    const chat = make();
    void chat.start(false);
    await clock.pass(10_000);
    expect(chat.config).toBeUndefined();
    server.on('GET config', ok(config()));
    await clock.pass(31_000);
    expect(chat.config?.name).toBe('De Korst');
  });
});

describe('talking', () => {
  it('sends once, shows once, whichever of the answer and the socket is first', async () => {
    const chat = await opened();
    chat.say('Waar is mijn brood?', []);
    expect(rowsOf(chat, true).at(-1)).toMatchObject({ key: 'c1', state: 'sending' });
    wire().say({ type: 'message', seq: 11, data: message({ id: 'x', seq: 11, from: 'visitor', client_id: 'c1', text: 'Waar is mijn brood?' }) });
    server.on('POST messages', ok(message({ id: 'x', seq: 11, from: 'visitor', client_id: 'c1', text: 'Waar is mijn brood?' })));
    await settle();
    const said = rowsOf(chat, true).filter((row) => row.kind === 'message' && row.mine);
    expect(said.map((row) => row.key)).toEqual(['c1']);
    expect(said[0]).toMatchObject({ state: 'sent' });
  });

  it('resumes after the last thing it saw', async () => {
    await opened();
    wire().say({ type: 'message', seq: 42, data: message({ seq: 42 }) });
    wire().close();
    await clock.pass(2000);
    wire().open();
    expect(wire().sent[0]).toMatchObject({ type: 'hello', token: 't1', last_seq: 42 });
  });

  it('fetches afresh when too much was missed', async () => {
    const chat = await opened();
    wire().say({ type: 'message', seq: 11, data: message({ id: 'old' }) });
    server.on('GET messages', ok({ messages: [message({ id: 'new' })], seq: 99, more: true, status: 'open' }));
    wire().say({ type: 'resync', seq: 99 });
    await settle();
    expect(chat.thread.messages.map((one) => one.id)).toEqual(['new']);
    expect([chat.thread.seq, chat.thread.more]).toEqual([99, true]);
  });

  it('keeps what the line says while everything is fetched afresh', async () => {
    const chat = await opened();
    wire().say({ type: 'message', seq: 11, data: message({ id: 'old', seq: 11 }) });
    const answer = server.hold(/^GET messages$/);
    server.on('GET messages', () => {
      const whole = server.asked.at(-1)?.path === 'messages';
      return { status: 200, body: { messages: whole ? [message({ id: 'new', seq: 99, at: 1 })] : [], seq: whole ? 99 : 101, more: false, status: whole ? 'open' : 'closed' } };
    });
    wire().say({ type: 'resync', seq: 99 });
    await settle();
    wire().say({ type: 'message', seq: 100, data: message({ id: 'live', seq: 100 }) });
    wire().say({ type: 'status', seq: 101, status: 'closed' });
    answer();
    await clock.pass(1);
    expect(chat.thread.messages.map((one) => one.id)).toEqual(['new', 'live']);
    expect([chat.thread.seq, chat.thread.status]).toEqual([101, 'closed']);
  });

  it('fetches older messages page by page, once at a time', async () => {
    const chat = await opened();
    chat.thread.merge([message({ id: 'n', at: 1000 })]);
    chat.thread.more = true;
    server.on('GET messages', ok({ messages: [message({ id: 'o', at: 500 })], seq: 1, more: false, status: 'open' }));
    await Promise.all([chat.fetching.older(), chat.fetching.older()]);
    await chat.fetching.older();
    expect(chat.thread.messages.map((one) => one.id)).toEqual(['o', 'n']);
    expect(server.asked.filter(({ path }) => path === 'messages?before=n')).toHaveLength(1);
  });

  it('says in words that a proxy in between failed, whatever the proxy said', async () => {
    const chat = await opened();
    chat.thread.merge([message({ at: 1000 })]);
    chat.thread.more = true;
    server.on('GET messages', () => ({ status: 502 }));
    await chat.fetching.older();
    expect(chat.aside.notice?.text).toContain('mis bij ons');
    expect([chat.thread.more, chat.fetching.loading]).toEqual([true, false]);
  });

  it('confirms several messages by one word', async () => {
    await opened();
    for (const seq of [11, 12, 13]) wire().say({ type: 'message', seq, data: message({ seq }) });
    await clock.pass(60);
    expect(wire().sent.filter((one) => one.type === 'ack')).toEqual([{ type: 'ack', seq: 13 }]);
  });

  it('says what was read only when it is in sight', async () => {
    visible = false;
    const chat = await opened();
    wire().say({ type: 'message', seq: 11, data: message({ id: 'm' }) });
    expect(wire().sent.filter((one) => one.type === 'read')).toEqual([]);
    expect([last('unread'), sounds]).toMatchObject([{ count: 1 }, 1]);
    visible = true;
    chat.hurry();
    expect(wire().sent.filter((one) => one.type === 'read')).toEqual([{ type: 'read', up_to: 'm' }]);
    expect(last('unread')).toMatchObject({ count: 0 });
  });

  it('tells the site that an agent spoke, and not what', async () => {
    await opened();
    wire().say({ type: 'message', seq: 11, data: message({ id: 'm', text: 'geheim' }) });
    expect(last('message')).toEqual({ id: 'm', from: 'Noor' });
    expect(JSON.stringify(told)).not.toContain('geheim');
  });

  it('says typing at most once in two seconds, and when it stopped', async () => {
    const chat = await opened();
    const typing = (): unknown[] => wire().sent.filter((one) => one.type === 'typing').map((one) => one.on);
    chat.typing.ours(true);
    chat.typing.ours(true);
    expect(typing()).toEqual([true]);
    await clock.pass(2000);
    chat.typing.ours(true);
    expect(typing()).toEqual([true, true]);
    await clock.pass(5000);
    expect(typing()).toEqual([true, true, false]);
    chat.typing.ours(true);
    chat.typing.ours(false);
    chat.typing.ours(true);
    expect(typing()).toEqual([true, true, false, true, false]);
  });

  it('tells where who clicks through a site came to rest', async () => {
    const chat = await opened();
    for (const path of ['a', 'b', 'c']) chat.visit({ ...page, url: `https://shop.example/${path}` });
    await clock.pass(1000);
    expect(wire().sent.filter((one) => one.type === 'page').map((one) => one.url)).toEqual(['https://shop.example/c']);
  });

  it('does not hammer a server that voids every token', async () => {
    await opened();
    for (let i = 0; i < 20; i++) {
      wire().open();
      wire().close(4401);
      await clock.pass(1000);
    }
    expect(server.count('POST session')).toBeLessThan(8);
  });

  it('lets an agent stop typing who never said so', async () => {
    const chat = await opened();
    wire().say({ type: 'typing', on: true, name: 'Noor' });
    expect(chat.typing.theirs).toBe('Noor');
    await clock.pass(10_000);
    expect(chat.typing.theirs).toBeUndefined();
  });

  it('takes a new session when the token is void, and loses no word', async () => {
    store.setItem('balie:a:token', 'old');
    server.on('POST session', () => (server.asked.at(-1)?.token === 'old' ? { status: 401, body: { error: { code: 'token_invalid' } } } : { status: 201, body: session({ token: 't2' }) }));
    const chat = make();
    await chat.start(true);
    chat.say('Hallo', []);
    await clock.pass(5000);
    expect(store.getItem('balie:a:token')).toBe('t2');
    expect(server.asked.findLast(({ path }) => path === 'messages')).toMatchObject({ token: 't2' });
    expect(chat.outbox.all).toEqual([]);
  });

  it('takes over the token that another tab got', async () => {
    const chat = await opened();
    store.setItem('balie:a:token', 't9');
    server.on('POST session', ok(session({ token: 't9', visitor: { id: 'v2', name: 'Sanne', email: null, verified: true, identified: true }, status: 'open' })));
    chat.elsewhere('token', 't9');
    await settle();
    wire().open();
    expect(wire().sent[0]).toMatchObject({ token: 't9' });
  });

  it('stops when the visitor was blocked', async () => {
    const chat = await opened();
    wire().close(4403);
    await clock.pass(60_000);
    expect(chat.mode).toBe('blocked');
    expect(wires).toHaveLength(1);
  });

  it('asks again when the visitor who was blocked comes back to it, and goes on when they no longer are', async () => {
    const chat = await opened();
    wire().close(4403);
    chat.hide();
    chat.show();
    await settle();
    expect(wires).toHaveLength(2);
    wire().open();
    wire().close(4403);
    expect(chat.mode).toBe('blocked');
    chat.hurry();
    await settle();
    wire().open();
    wire().say({ type: 'ready', seq: 11, status: 'open', open: true, agents_online: true });
    expect(chat.mode).toBe('compose');
  });

  it('takes up again what was refused while the visitor was blocked, when they try again', async () => {
    server.on('POST messages', () => ({ status: 403, body: { error: { code: 'blocked', message: '' } } }));
    const chat = await opened();
    chat.say('hallo?', []);
    await settle();
    wire().close(4403);
    expect([chat.mode, chat.outbox.all[0]?.failed]).toEqual(['blocked', 'blocked']);
    server.on('POST messages', (body: { client_id: string }) => ({ status: 201, body: message({ from: 'visitor', client_id: body.client_id }) }));
    chat.outbox.retry(chat.outbox.all[0]!.client_id);
    await settle();
    expect([chat.mode, chat.outbox.all]).toEqual(['compose', []]);
    expect(wires, 'and listens again').toHaveLength(2);
  });

  it('is open again on the page where the visitor finds that they are no longer blocked', async () => {
    store.setItem('balie:a:token', 't');
    server.on('POST session', () => ({ status: 403, body: { error: { code: 'blocked', message: '' } } }));
    const chat = make();
    await chat.start(true);
    await settle();
    expect(chat.mode).toBe('blocked');
    server.on('POST session', ok(session({ status: 'open' })));
    chat.hide();
    chat.show();
    await settle();
    expect(chat.mode).toBe('compose');
  });
});

describe('before and after', () => {
  it('asks the form first and sends its answers with the first message only', async () => {
    const prechat = [{ key: 'topic', kind: 'text' as const, label: 'Onderwerp', required: true, options: [] }];
    server.on('POST session', ok(session({ config: config({ prechat }) }), 201)).on('GET config', ok(config({ prechat })));
    const chat = await opened('none');
    expect(chat.mode).toBe('prechat');
    chat.answer({ topic: 'Retour' }, false);
    expect(chat.mode).toBe('compose');
    chat.say('een', []);
    await settle();
    chat.say('twee', []);
    await settle();
    const fields = server.asked.filter(({ path }) => path === 'messages').map(({ body }) => (body as { fields?: unknown }).fields);
    expect(fields).toEqual([{ topic: 'Retour' }, undefined]);
  });

  it('asks again for what the server missed, and then sends by itself', async () => {
    const prechat = [{ key: 'topic', kind: 'text' as const, label: null, required: false, options: [] }];
    server.on('POST session', ok(session({ config: config({ prechat }) }), 201)).on('GET config', ok(config({ prechat })));
    const chat = await opened('none');
    chat.answer({}, false);
    server.on('POST messages', (body: { client_id: string; fields?: { topic?: string } }) =>
      body.fields?.topic ? { status: 201, body: message({ from: 'visitor', client_id: body.client_id }) } : { status: 422, body: { error: { code: 'incomplete', message: '', field: 'topic' } } },
    );
    chat.say('Hallo', []);
    await settle();
    expect(chat.mode).toBe('prechat');
    chat.answer({ topic: 'Retour' }, false);
    await settle();
    expect(chat.outbox.all).toEqual([]);
  });

  it('wants an agreement where the account wants one, once', async () => {
    const texts = { title: null, greeting: null, away: null, consent: 'We bewaren dit 90 dagen.' };
    server.on('POST session', ok(session({ config: config({ texts }) }), 201)).on('GET config', ok(config({ texts })));
    const chat = await opened('none');
    expect([chat.mode, chat.before.consent]).toEqual(['prechat', 'We bewaren dit 90 dagen.']);
    chat.answer({}, true);
    expect(chat.mode).toBe('compose');
  });

  it('offers the form when closed, but does not cut off who is talking', async () => {
    server.on('GET config', ok(config({ open: false }))).on('POST session', ok(session({ config: config({ open: false }) }), 201));
    const chat = make();
    await chat.start(true);
    await settle();
    expect(chat.mode).toBe('offline');
    wire().open();
    wire().say({ type: 'ready', seq: 11, status: 'open', open: false, agents_online: false });
    expect(chat.mode).toBe('compose');
  });

  it('asks once how it was, when the conversation ends, and on the next page when it ended meanwhile', async () => {
    const chat = await opened();
    wire().say({ type: 'message', seq: 11, data: message({ id: 'm' }) });
    wire().say({ type: 'status', seq: 12, status: 'closed' });
    expect(chat.aside.rating).toBe(true);
    server.on('POST rating', () => ({ status: 204 }));
    expect(await chat.aside.rate(4, 'prima')).toBe(true);
    expect(server.asked.at(-1)).toMatchObject({ path: 'rating', body: { score: 4, comment: 'prima' } });
    wire().say({ type: 'status', seq: 13, status: 'closed' });
    expect(chat.aside.rating).toBe(false);
    const asked = async (messages: ReturnType<typeof message>[]): Promise<boolean> => {
      server.on('POST session', ok(session({ status: 'closed', messages })));
      const next = make();
      await next.start(false);
      await settle();
      return next.aside.rating;
    };
    expect(await asked([message({ id: 'm' })])).toBe(false);
    expect(await asked([message({ id: 'later' })])).toBe(true);
    expect(await asked([message({ id: 'long ago', at: 0 })])).toBe(false);
  });

  it('says in words why something did not work', async () => {
    const chat = await opened();
    server.on('POST rating', refuse(429, 'rate_limited', { retry_after: 7 }));
    expect(await chat.aside.rate(1, '')).toBe(false);
    expect(chat.aside.notice).toEqual({ text: 'Dat ging even te snel. Probeer het over 7 seconden opnieuw.', good: false });
    server.on('POST end', () => undefined);
    await chat.aside.end();
    expect(chat.aside.notice?.text).toContain('verbinding');
  });

  it('invites by a trigger, and says by which when it worked', async () => {
    const triggers = [{ id: 'r1', after_seconds: 5, page: null, event: null, text: 'Hulp nodig?' }];
    server.on('GET config', ok(config({ triggers })));
    const chat = make();
    await chat.start(false);
    await clock.pass(5000);
    expect(last('teaser')).toMatchObject({ text: 'Hulp nodig?', from: 'De Korst' });
    expect(server.count('POST session')).toBe(0);
    chat.show();
    await settle();
    expect(rowsOf(chat, true)[0]).toMatchObject({ text: 'Hulp nodig?' });
    chat.say('Ja', []);
    await settle();
    expect(server.asked.find(({ path }) => path === 'messages')?.body).toMatchObject({ trigger: 'r1' });
  });
});

describe('who the visitor is', () => {
  it('is told once, however many pages say it again', async () => {
    const known = { id: 'v2', name: 'Sanne', email: null, verified: true, identified: true };
    server.on('POST identify', ok(session({ token: 't2', visitor: known, switched: true })));
    const chat = make();
    await chat.start(false);
    chat.identify({ id: 'u-1', user_hash: 'h' });
    await clock.pass(10);
    chat.identify({ id: 'u-1', user_hash: 'h' });
    await clock.pass(10);
    server.on('POST session', ok(session({ token: 't2', visitor: known })));
    const next = make();
    await next.start(false);
    next.identify({ id: 'u-1', user_hash: 'h' });
    await clock.pass(10);
    expect(server.count('POST identify')).toBe(1);
    expect(store.getItem('balie:a:token')).toBe('t2');
  });

  it('is the same person in a fresh JWT', () => {
    const jwt = (claims: object): string => `x.${btoa(JSON.stringify(claims))}.y`;
    expect(fingerprint({ jwt: jwt({ sub: 'u', iat: 1, exp: 2 }) })).toBe(fingerprint({ jwt: jwt({ sub: 'u', iat: 5, exp: 9 }) }));
    expect(fingerprint({ jwt: jwt({ sub: 'u' }) })).not.toBe(fingerprint({ jwt: jwt({ sub: 'other' }) }));
    expect(fingerprint({ jwt: 'rubbish' })).toBe('rubbish');
  });

  it('shows nothing of the former person after another one came', async () => {
    store.setItem('balie:a:token', 't1');
    server.on('POST session', ok(session({ status: 'open', messages: [message({ text: 'van Sanne' })] })));
    const chat = make();
    await chat.start(false);
    await settle();
    server.on('POST identify', ok(session({ token: 't3', visitor: { id: 'v3', name: null, email: null, verified: true, identified: true }, switched: true })));
    chat.identify({ id: 'u-3', user_hash: 'h3' });
    await clock.pass(10);
    expect(chat.thread.messages).toEqual([]);
  });

  it('is forgotten at logging out: token, drafts, unsent words, everything', async () => {
    server.on('DELETE session', () => ({ status: 204 }));
    const chat = await opened();
    store.setItem('balie:a:draft', 'half');
    server.on('POST messages', () => undefined);
    chat.say('nog niet weg', []);
    await settle();
    await chat.reset();
    await settle();
    expect([...store.map.keys()]).toEqual([]);
    expect([chat.thread.messages.length, chat.outbox.all.length]).toEqual([0, 0]);
    expect(server.asked.at(-1)).toMatchObject({ method: 'DELETE', path: 'session', token: 't1' });
  });

  it('goes on in every tab when one of them says who they are', async () => {
    const chat = await opened();
    // The other tab proved it: the same visitor by another token, and the old token is void.
    store.setItem('balie:a:token', 't2');
    server.on('POST session', ok(session({ token: 't2', status: 'open' })));
    const old = wire();
    chat.elsewhere('token', 't2');
    await settle();
    expect(wire()).not.toBe(old);
    wire().open();
    expect(wire().sent[0]).toMatchObject({ token: 't2' });
  });

  it('stays who they are in a tab whose line still said the token of before', async () => {
    const chat = await opened();
    const old = wire();
    const answer = server.hold(/session/);
    store.setItem('balie:a:token', 't2');
    server.on('POST session', ok(session({ token: 't2', status: 'open' })));
    chat.elsewhere('token', 't2');
    old.close(4401);
    expect(store.getItem('balie:a:token')).toBe('t2');
    answer();
    await clock.pass(10);
    expect(server.asked.filter(({ path }) => path === 'session').map(({ token }) => token)).toEqual([null, 't2']);
    wire().open();
    expect(wire().sent[0]).toMatchObject({ token: 't2' });
  });

  it('takes nothing along that the former customer wrote or was asked', async () => {
    const known = (id: string) => ({ id, name: null, email: null, verified: true, identified: true });
    store.setItem('balie:a:token', 't1');
    server.on('POST session', ok(session({ visitor: known('v1'), status: 'open' }))).on('POST messages', () => undefined);
    const chat = make();
    await chat.start(true);
    await settle();
    store.setItem('balie:a:draft', 'half');
    store.setItem('balie:a:fields', '{"name":"Sanne"}');
    chat.say('nog onderweg', []);
    server.on('POST messages', refuse(422, 'invalid'));
    chat.say('geweigerd', []);
    await clock.pass(5000);
    expect(chat.outbox.all.length).toBeGreaterThan(0);
    const before = server.count('POST messages');
    server.on('POST identify', ok(session({ token: 't3', visitor: known('v3'), switched: true }))).on('POST messages', ok(message({ from: 'visitor' })));
    chat.identify({ id: 'u-2', user_hash: 'h2' });
    await clock.pass(60_000);
    expect([chat.outbox.all, chat.sessions.visitor?.id, server.count('POST messages')]).toEqual([[], 'v3', before]);
    expect([...store.map.keys()].sort()).toEqual(['balie:a:person', 'balie:a:token']);
  });

  it('is not brought back by an answer that was under way at logging out', async () => {
    server.on('DELETE session', () => ({ status: 204 })).on('POST identify', ok(session({ token: 't2', visitor: { id: 'v2', name: 'Sanne', email: null, verified: true, identified: true }, messages: [message()] })));
    const chat = await opened();
    const answer = server.hold(/identify|messages|rating/);
    chat.identify({ id: 'u-1', user_hash: 'h' });
    chat.say('onderweg', []);
    void chat.aside.rate(5, '');
    await settle();
    void chat.reset();
    answer();
    await clock.pass(60_000);
    expect([...store.map.keys()]).toEqual([]);
    expect([chat.thread.messages, chat.sessions.visitor, chat.aside.notice, server.count('POST session')]).toEqual([[], undefined, undefined, 1]);
  });

  it('is not brought back by a session that was under way at logging out', async () => {
    server.on('DELETE session', () => ({ status: 204 }));
    store.setItem('balie:a:token', 't1');
    const answer = server.hold(/POST session/);
    const chat = make();
    void chat.start(true);
    await settle();
    void chat.reset();
    answer();
    await clock.pass(60_000);
    expect([[...store.map.keys()], chat.thread.messages, wires.length]).toEqual([[], [], 0]);
  });

  it('is known by the address they gave in the form before the chat, unless another is proven', async () => {
    const prechat = [{ key: 'email', kind: 'email' as const, label: null, required: true, options: [] }];
    server.on('POST session', ok(session({ config: config({ prechat }) }), 201)).on('GET config', ok(config({ prechat })));
    const chat = await opened('none');
    chat.answer({ email: 'sanne@x.nl' }, false);
    chat.say('Dag', []);
    await settle();
    expect(chat.before.known('email')).toBe('sanne@x.nl');
    chat.sessions.visitor = { id: 'v1', name: null, email: 'a@x.nl', verified: true, identified: true };
    chat.sessions.told('Iemand', 'b@y.nl');
    expect([chat.before.known('email'), chat.before.known('name')]).toEqual(['a@x.nl', 'Iemand']);
  });

  it('is asked for where it is required: no session before', async () => {
    server.on('GET config', ok(config({ identity: 'required' })));
    const chat = make();
    await chat.start(true);
    await settle();
    expect(chat.mode).toBe('identity');
    expect(server.count('POST session')).toBe(0);
  });

  it('is not told without proof before the visitor asks for the chat', async () => {
    server.on('POST identify', ok(session({ visitor: { id: 'v1', name: 'Sanne', email: null, verified: false, identified: true } })));
    const chat = make();
    await chat.start(false);
    chat.identify({ name: 'Sanne' });
    await clock.pass(60_000);
    expect(server.asked.map(({ path }) => path)).toEqual(['config?locale=nl-NL']);
    chat.show();
    await clock.pass(10);
    expect(server.count('POST identify')).toBe(1);
  });

  it('that cannot be proven is told to the site', async () => {
    server.on('POST identify', refuse(401, 'identity_invalid'));
    const chat = await opened();
    chat.identify({ id: 'u', user_hash: 'wrong' });
    await clock.pass(10);
    expect(last('error')).toMatchObject({ code: 'identity_invalid' });
  });
});
