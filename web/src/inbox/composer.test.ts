// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { en } from '../i18n/en';
import { language } from '../i18n/i18n.svelte';
import type { Me, Message, Thread } from '../api/types';
import { session } from '../app/session.svelte';
import { Composer } from './composer.svelte';
import { OpenConversation } from './conversation.svelte';
import { drafts } from './drafts';

const allowance: Thread['allowance'] = {
  may_reply: true,
  code: null,
  words: null,
  until: null,
  limit: { unit: 'graphemes', max: 20 },
  visibilities: ['public', 'direct'],
  default_visibility: 'public',
  content_warning: true,
  language: true,
  attachments: { max: 1, max_bytes: 1000, mimes: ['image/png'], alt_max: 100 },
  cost: null,
  recipients: false,
  outcomes: [],
  hand_off: null,
};
const thread: Thread = {
  id: 't',
  account_id: 'a',
  lane: 'public',
  kind: 'post',
  title: null,
  url: null,
  version: 4,
  here: true,
  allowance,
};

type Answer = { status: number; body?: unknown };
let asked: { method: string; path: string; key: string | null; body: Record<string, unknown> }[];
let answers: Record<string, Answer[]>;
let writing: Composer;
let conversation: OpenConversation;

beforeEach(() => {
  localStorage.clear();
  session.me = { id: 'me', role: 'agent' } as Me;
  asked = [];
  answers = { claim: [{ status: 200, body: { user_id: 'me', token: 9, until: Date.now() + 600_000 } }] };
  language.texts = en;
  vi.useFakeTimers();
  vi.stubGlobal('fetch', async (path: string, init: RequestInit) => {
    asked.push({
      method: init.method ?? '',
      path,
      key: (init.headers as Record<string, string>)['idempotency-key'] ?? null,
      body: typeof init.body === 'string' ? (JSON.parse(init.body) as Record<string, unknown>) : {},
    });
    const name = path.split('/').at(-1) ?? '';
    const queue = answers[name] ?? [];
    const answer = (queue.length > 1 ? queue.shift() : queue[0]) ?? { status: 500, body: { code: 'none', title: '', status: 500 } };
    if (answer.status === 0) throw new TypeError('offline');
    return new Response(answer.status === 204 ? null : JSON.stringify(answer.body), { status: answer.status });
  });
  conversation = new OpenConversation('c');
  conversation.threads = [thread];
  writing = new Composer(conversation);
});

afterEach(() => writing.stop());

const said = (id: string, thread_id: string, sent_at: number): Message =>
  ({ id, thread_id, sent_at, direction: 'in', removed_at: null }) as unknown as Message;
/** The server that is slow: what it answers is held back until it is let go. */
const slow = (): { go: (answer: Response) => void; reached: Promise<void> } => {
  const quick = globalThis.fetch;
  let go!: (answer: Response) => void;
  let arrive!: () => void;
  const reached = new Promise<void>((ok) => (arrive = ok));
  vi.stubGlobal('fetch', (path: string, init: RequestInit) => {
    if (!/(replies|notes)$/.test(path)) return quick(path, init);
    void quick(path, init);
    arrive();
    return new Promise<Response>((ok) => (go = ok));
  });
  return { go: (answer) => go(answer), reached };
};
const accepted = (id: string): Response => new Response(JSON.stringify({ id, sent_at: 2 }), { status: 201 });
const write = (text: string): void => {
  writing.text = text;
  writing.changed();
};
const sends = () => asked.filter((one) => one.path.endsWith('/replies'));
const refusal = (status: number, code: string, more: object = {}): Answer => ({
  status,
  body: { type: 'about:blank', title: code, status, code, ...more },
});

describe('what was written', () => {
  it('is in this browser at once and on the server soon', async () => {
    answers['draft'] = [{ status: 204 }];
    write('Hoi Sanne');
    expect(drafts.read('c')?.text).toBe('Hoi Sanne');
    await vi.advanceTimersByTimeAsync(1000);
    expect(asked.some((one) => one.method === 'PUT' && one.body['text'] === 'Hoi Sanne')).toBe(true);
    expect(writing.keeping.saved).toBe('server');
  });

  it('is there again after a reload', () => {
    write('Nog niet af');
    expect(new Composer(conversation).text).toBe('Nog niet af');
  });

  it('stays when a message came in between, which is then shown and seen', async () => {
    const news = { id: 'm2', sent_at: 1, direction: 'in', thread_id: 't', removed_at: null };
    answers['replies'] = [refusal(409, 'thread.moved', { thread_version: 5, messages: [news] }), { status: 201, body: { id: 'm3', sent_at: 2 } }];
    write('Een antwoord');
    expect(await writing.send('closed')).toBe(false);
    expect(writing.text).toBe('Een antwoord');
    expect(writing.sending.refusal?.code).toBe('thread.moved');
    expect(conversation.fresh.has('m2')).toBe(true);
    expect(await writing.send('closed')).toBe(true);
    expect(sends().map((one) => one.body['seen_version'])).toEqual([4, 5]);
    expect(sends()[0]?.key).not.toBe(sends()[1]?.key);
    expect(drafts.read('c')).toBeNull();
  });

  it('is sent once however often the line breaks: the same words keep their key', async () => {
    answers['replies'] = [{ status: 0 }, { status: 201, body: { id: 'm3', sent_at: 2 } }];
    write('Een antwoord');
    expect(await writing.send('closed')).toBe(false);
    expect(writing.sending.refusal?.code).toBe('network');
    expect(await writing.send('closed')).toBe(true);
    expect(sends()[0]?.key).toBe(sends()[1]?.key);
  });

  it('is not sent while a colleague has the conversation', async () => {
    answers['claim'] = [refusal(409, 'claim.held', { holder: { id: 'u', name: 'Fatima' } })];
    write('Een antwoord');
    expect(await writing.send('closed')).toBe(false);
    expect(sends()).toHaveLength(0);
    expect(writing.sending.refusal?.text).toContain('Fatima');
    expect(writing.text).toBe('Een antwoord');
  });
});

describe('where an answer goes', () => {
  const dm: Thread = { ...thread, id: 'dm', lane: 'private', kind: 'dm', allowance: { ...allowance, visibilities: [], default_visibility: null } };
  beforeEach(() => {
    conversation.threads = [thread, dm];
    conversation.merge([said('m1', 'dm', 1)]);
  });

  it('stays where it was begun when the customer speaks elsewhere, which is told', async () => {
    answers['replies'] = [{ status: 201, body: { id: 'm9', sent_at: 9 } }];
    write('Je code is 1234');
    expect([writing.place.thread?.id, writing.place.lane, writing.place.elsewhere]).toEqual(['dm', 'private', null]);
    conversation.merge([said('m2', 't', 2)]);
    expect([writing.place.thread?.id, writing.place.lane, writing.place.elsewhere?.id]).toEqual(['dm', 'private', 't']);
    expect(new Composer(conversation).place.elsewhere?.id, 'also after a reload').toBe('t');
    await writing.send('pending');
    expect(sends()[0]?.body['thread_id']).toBe('dm');
    // What is written next answers what came last.
    expect([writing.place.thread?.id, writing.place.elsewhere]).toEqual(['t', null]);
  });

  it('is free again when the words are gone', () => {
    write('Je');
    conversation.merge([said('m2', 't', 2)]);
    write('');
    expect(writing.place.thread?.id).toBe('t');
  });

  it('stays for a file too, and for whom it is passed on to', async () => {
    vi.stubGlobal('URL', Object.assign(URL, { createObjectURL: () => 'blob:x', revokeObjectURL: () => undefined }));
    answers['uploads'] = [{ status: 201, body: { id: 'up', name: 'x', mime: 'image/png', size: 3 } }];
    await writing.enclose([new File(['abc'], 'x.png', { type: 'image/png' })]);
    conversation.merge([said('m2', 't', 2)]);
    expect(writing.place.thread?.id).toBe('dm');
    writing.files.remove(writing.files.items[0]!.key);
    expect(writing.place.thread?.id).toBe('t');
    writing.answerAs('forward');
    conversation.merge([said('m3', 'dm', 3)]);
    expect(writing.place.thread?.id).toBe('t');
  });

  it('is where somebody chooses, whatever came since', () => {
    write('Je code is 1234');
    writing.choose('t');
    conversation.merge([said('m2', 'dm', 2)]);
    expect([writing.place.thread?.id, writing.place.elsewhere?.id]).toEqual(['t', 'dm']);
    writing.choose('dm');
    expect([writing.place.thread?.id, writing.place.elsewhere]).toEqual(['dm', null]);
  });

  it('stays in a thread that went on elsewhere: the server says so', () => {
    write('Je code is 1234');
    conversation.threads = [thread, { ...dm, here: false }];
    expect(writing.place.thread?.id).toBe('dm');
  });
});

describe('what was sent and perhaps arrived', () => {
  it('keeps its key over a reload, with what it answered', async () => {
    answers['replies'] = [{ status: 0 }, { status: 201, body: { id: 'm3', sent_at: 2 } }];
    conversation.merge([said('m1', 't', 1)]);
    write('Een antwoord');
    await writing.send('closed');
    conversation.merge([said('m2', 't', 2)]);
    const again = new Composer(conversation);
    expect(await again.send('pending')).toBe(true);
    const [first, second] = sends();
    expect(second?.key).toBe(first?.key);
    expect(second?.body['in_reply_to']).toBe('m1');
  });

  it('is something else with another warning, language or file', async () => {
    answers['replies'] = [{ status: 0 }];
    write('Een antwoord');
    await writing.send('closed');
    writing.warned = true;
    writing.warning = 'Bloed';
    await writing.send('closed');
    writing.language = 'de';
    await writing.send('closed');
    expect(new Set(sends().map((one) => one.key)).size).toBe(3);
  });

  it('is one note too', async () => {
    answers['notes'] = [{ status: 0 }, { status: 0 }, { status: 201, body: { id: 'n', sent_at: 3 } }];
    writing.mode = 'note';
    writing.note = 'Belt morgen';
    writing.changed();
    expect(await writing.saveNote()).toBe(false);
    expect(writing.sending.refusal, 'shown where it was written').toMatchObject({ of: 'note', code: 'network' });
    expect(await writing.saveNote()).toBe(false);
    expect(await new Composer(conversation).saveNote()).toBe(true);
    const keys = asked.filter((one) => one.path.endsWith('/notes')).map((one) => one.key);
    expect(keys[0]).toBeTruthy();
    expect(new Set(keys).size).toBe(1);
  });
});

describe('what is typed while something is on its way', () => {
  it('stays, and so do its files', async () => {
    const server = slow();
    write('Een antwoord');
    const sent = writing.send('pending');
    await server.reached;
    write('Een antwoord. En nog iets');
    server.go(accepted('m3'));
    expect(await sent).toBe(true);
    expect(writing.text).toBe('Een antwoord. En nog iets');
    expect(drafts.read('c')?.text).toBe('Een antwoord. En nog iets');
  });

  it('stays when it goes in parts', async () => {
    answers['measure'] = [{ status: 200, body: { used: 25, max: 20, unit: 'graphemes', over: true, parts: ['een', 'twee'], notes: [] } }];
    write('een twee die te lang is');
    await vi.advanceTimersByTimeAsync(400);
    const server = slow();
    const sent = writing.sendParts('pending');
    await server.reached;
    write('een twee die te lang is, en meer');
    server.go(accepted('m3'));
    await vi.waitFor(() => expect(sends()).toHaveLength(2));
    server.go(accepted('m4'));
    expect(await sent).toBe(true);
    expect(sends().map((one) => one.body['text'])).toEqual(['een', 'twee']);
    expect(writing.text).toBe('een twee die te lang is, en meer');
  });

  it('stays in a note', async () => {
    const server = slow();
    writing.note = 'Belt';
    const saved = writing.saveNote();
    await server.reached;
    writing.note = 'Belt morgen';
    server.go(accepted('n'));
    expect(await saved).toBe(true);
    expect(writing.note).toBe('Belt morgen');
  });

  it('goes where it was when it was sent, whatever is chosen meanwhile', async () => {
    conversation.threads = [thread, { ...thread, id: 'dm', lane: 'private' }];
    conversation.merge([said('m1', 't', 1)]);
    answers['replies'] = [{ status: 201, body: { id: 'm9', sent_at: 9 } }];
    write('Een antwoord');
    const sent = writing.send('pending');
    writing.choose('dm');
    await sent;
    expect(sends()[0]?.body['thread_id']).toBe('t');
  });
});

describe('what may be sent', () => {
  it('is not more than fits', () => {
    write('a'.repeat(20));
    expect(writing.sendable).toBe(true);
    write('a'.repeat(21));
    expect(writing.sendable).toBe(false);
  });

  it('is no image without a description', async () => {
    answers['uploads'] = [{ status: 201, body: { id: 'up', name: 'x', mime: 'image/png', size: 3 } }];
    vi.stubGlobal('URL', Object.assign(URL, { createObjectURL: () => 'blob:x', revokeObjectURL: () => undefined }));
    await writing.enclose([new File(['abc'], 'x.png', { type: 'image/png' })]);
    expect(writing.files.altMissing).toBe(true);
    expect(writing.sendable).toBe(false);
    writing.files.edit(writing.files.items[0]!.key, { alt: 'Een doos met een scheur' });
    expect(writing.sendable).toBe(true);
  });

  it('becomes private where the channel can answer directly', () => {
    expect(writing.place.lane).toBe('public');
    writing.switchLane();
    expect(writing.place.lane).toBe('private');
    expect(writing.place.visibility).toBe('direct');
  });
});

describe('to whom it goes', () => {
  const anna = { name: 'Anna', address: 'anna@example.org' };
  const bram = { name: 'Bram', address: 'bram@example.org' };
  beforeEach(() => {
    const mail = {
      id: 'm1', sent_at: 1, direction: 'in', thread_id: 't', removed_at: null,
      author: { name: 'Anna', handle: 'anna@example.org' }, extra: { recipients: { to: [], cc: [], bcc: [], reply: [anna], reply_all: [bram] } },
    };
    conversation.merge([mail as unknown as Message]);
    conversation.threads = [{ ...thread, kind: 'mail', lane: 'private', allowance: { ...allowance, visibilities: [], default_visibility: null, recipients: true } }];
  });

  it('is left to the channel unless somebody chooses', async () => {
    answers['replies'] = [{ status: 201, body: { id: 'm3', sent_at: 2 } }];
    write('Dag Anna');
    expect(writing.address.toText).toBe('Anna <anna@example.org>');
    await writing.send('pending');
    expect(sends()[0]?.body).not.toHaveProperty('recipients');
  });

  it('is everybody, or somebody else, when they do; the subject goes along', async () => {
    answers['replies'] = [{ status: 201, body: { id: 'm3', sent_at: 2 } }, { status: 201, body: { id: 'm4', sent_at: 3 } }];
    write('Dag allen');
    writing.answerAs('all');
    writing.address.subject = ' Je bestelling ';
    await writing.send('pending');
    expect(sends()[0]?.body).toMatchObject({ recipients: { to: [anna], cc: [bram], bcc: [] }, subject: 'Je bestelling' });
    expect(sends()[0]?.body).not.toHaveProperty('forward');
    writing.answerAs('forward');
    expect(writing.sendable, 'nobody is named').toBe(false);
    writing.address.to = 'magazijn@example.org';
    expect(writing.sendable, 'no word is needed to pass something on').toBe(true);
    await writing.send('pending');
    expect(sends()[1]?.body).toMatchObject({ forward: true, in_reply_to: 'm1', recipients: { to: [{ name: '', address: 'magazijn@example.org' }], cc: [], bcc: [] } });
  });

  it('is not what cannot be an address; it stays as typed, also after a reload', () => {
    write('Dag');
    writing.address.to = 'anna, bram@example.org';
    writing.changed();
    expect(writing.address.misaddressed).toContain('anna');
    expect(writing.sendable).toBe(false);
    expect(new Composer(conversation).address.toText).toBe('anna, bram@example.org');
  });
});

describe('where nothing can be sent', () => {
  const closed = { ...allowance, may_reply: false, limit: { unit: 'graphemes' as const, max: 0 } };

  it('what was answered elsewhere is written down, under the same claim and version', async () => {
    answers['elsewhere'] = [{ status: 201, body: { id: 'm3', sent_at: 2 } }];
    conversation.threads = [{ ...thread, allowance: { ...closed, hand_off: { url: 'https://there.example', words: { nl: 'Antwoord daar.', en: 'Answer there.' } } } }];
    write('Nieuwe bon gestuurd');
    expect(writing.sendable).toBe(true);
    expect(await writing.send('pending')).toBe(true);
    expect(sends()).toHaveLength(0);
    const logged = asked.filter((one) => one.path.endsWith('/elsewhere'));
    expect(logged).toHaveLength(1);
    expect(logged[0]?.key).toBeTruthy();
    expect(logged[0]?.body).toMatchObject({ text: 'Nieuwe bon gestuurd', seen_version: 4, then: 'pending' });
  });

  it('and there is no other place either, nothing is offered', () => {
    conversation.threads = [{ ...thread, allowance: closed }];
    write('Hallo?');
    expect(writing.place.handOff).toBeNull();
    expect(writing.sendable).toBe(false);
    expect(writing.text).toBe('Hallo?');
  });
});
