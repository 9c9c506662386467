// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { en } from '../i18n/en';
import { language } from '../i18n/i18n.svelte';
import type { Message, Thread } from '../api/types';
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
  asked = [];
  answers = { claim: [{ status: 200, body: { user_id: '', token: 9, until: Date.now() + 600_000 } }] };
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
    expect(writing.saved).toBe('server');
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
    expect(writing.refusal?.code).toBe('thread.moved');
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
    expect(writing.refusal?.code).toBe('network');
    expect(await writing.send('closed')).toBe(true);
    expect(sends()[0]?.key).toBe(sends()[1]?.key);
  });

  it('is not sent while a colleague has the conversation', async () => {
    answers['claim'] = [refusal(409, 'claim.held', { holder: { id: 'u', name: 'Fatima' } })];
    write('Een antwoord');
    expect(await writing.send('closed')).toBe(false);
    expect(sends()).toHaveLength(0);
    expect(writing.refusal?.text).toContain('Fatima');
    expect(writing.text).toBe('Een antwoord');
  });
});

describe('what may be sent', () => {
  it('is not more than fits; graphemes count, not bytes', () => {
    write('👨‍👩‍👧‍👦'.repeat(20));
    expect(writing.measure).toMatchObject({ used: 20, over: false });
    write('a'.repeat(21));
    expect(writing.sendable).toBe(false);
  });

  it('trusts the server’s count over its own', async () => {
    answers['measure'] = [{ status: 200, body: { used: 25, max: 20, unit: 'graphemes', over: true, parts: ['a', 'b'], notes: [] } }];
    write('met de namen erbij');
    await vi.advanceTimersByTimeAsync(400);
    expect(writing.measure).toMatchObject({ used: 25, over: true, exact: true });
    expect(writing.parts).toEqual(['a', 'b']);
  });

  it('is no image without a description', async () => {
    answers['uploads'] = [{ status: 201, body: { id: 'up', name: 'x', mime: 'image/png', size: 3 } }];
    vi.stubGlobal('URL', Object.assign(URL, { createObjectURL: () => 'blob:x', revokeObjectURL: () => undefined }));
    await writing.enclose([new File(['abc'], 'x.png', { type: 'image/png' })]);
    expect(writing.altMissing).toBe(true);
    expect(writing.sendable).toBe(false);
    writing.edit(writing.enclosed[0]!.key, { alt: 'Een doos met een scheur' });
    expect(writing.sendable).toBe(true);
  });

  it('becomes private where the channel can answer directly', () => {
    expect(writing.lane).toBe('public');
    writing.switchLane();
    expect(writing.lane).toBe('private');
    expect(writing.visibility).toBe('direct');
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
    expect(writing.toText).toBe('Anna <anna@example.org>');
    await writing.send('pending');
    expect(sends()[0]?.body).not.toHaveProperty('recipients');
  });

  it('is everybody, or somebody else, when they do; the subject goes along', async () => {
    answers['replies'] = [{ status: 201, body: { id: 'm3', sent_at: 2 } }, { status: 201, body: { id: 'm4', sent_at: 3 } }];
    write('Dag allen');
    writing.answerAs('all');
    writing.subject = ' Je bestelling ';
    await writing.send('pending');
    expect(sends()[0]?.body).toMatchObject({ recipients: { to: [anna], cc: [bram], bcc: [] }, subject: 'Je bestelling' });
    expect(sends()[0]?.body).not.toHaveProperty('forward');
    writing.answerAs('forward');
    expect(writing.sendable, 'nobody is named').toBe(false);
    writing.to = 'magazijn@example.org';
    expect(writing.sendable, 'no word is needed to pass something on').toBe(true);
    await writing.send('pending');
    expect(sends()[1]?.body).toMatchObject({ forward: true, in_reply_to: 'm1', recipients: { to: [{ name: '', address: 'magazijn@example.org' }], cc: [], bcc: [] } });
  });

  it('is not what cannot be an address; it stays as typed, also after a reload', () => {
    write('Dag');
    writing.to = 'anna, bram@example.org';
    writing.changed();
    expect(writing.misaddressed).toContain('anna');
    expect(writing.sendable).toBe(false);
    expect(new Composer(conversation).toText).toBe('anna, bram@example.org');
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
    expect(writing.handOff).toBeNull();
    expect(writing.sendable).toBe(false);
    expect(writing.text).toBe('Hallo?');
  });
});
