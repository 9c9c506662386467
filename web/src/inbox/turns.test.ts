import { describe, expect, it } from 'vitest';
import type { Message, Thread } from '../api/types';
import { pieces } from './turns';

const START = new Date(2026, 2, 3, 10, 0).getTime();
const MIN = 60_000;
let count = 0;

function message(part: Partial<Message>): Message {
  count += 1;
  return {
    id: `m${String(count).padStart(3, '0')}`,
    conversation_id: 'c',
    thread_id: 'pub',
    direction: 'in',
    origin: 'channel',
    kind: 'mention',
    author: { name: 'Sanne', handle: '@s', avatar_url: null, url: null, user_id: null, identity_id: 'i', brand: false },
    text: '',
    html: null,
    language: null,
    content_warning: null,
    visibility: 'public',
    sent_at: START + count,
    received_at: START,
    edited_at: null,
    removed_at: null,
    versions: [],
    reply_to: null,
    url: null,
    attachments: [],
    delivery: null,
    history: false,
    actions: [],
    liked: false,
    boosted: false,
    automatic: null,
    extra: null,
    ...part,
  };
}

const threads = [
  { id: 'pub', lane: 'public' },
  { id: 'dm', lane: 'private' },
] as Thread[];
const kinds = (messages: Message[], log: Parameters<typeof pieces>[2] = []) =>
  pieces(messages, threads, log).map((piece) => piece.kind);

describe('a thread', () => {
  it('reads several messages in a row as one turn', () => {
    const turns = pieces([message({}), message({})], threads).filter((piece) => piece.kind === 'turn');
    expect(turns).toHaveLength(1);
    expect(turns[0]?.kind === 'turn' && turns[0].messages).toHaveLength(2);
  });

  it('starts a new turn after a long silence', () => {
    expect(kinds([message({ sent_at: START }), message({ sent_at: START + 31 * MIN })])).toEqual(['day', 'turn', 'turn']);
  });

  it('says where the lane changes', () => {
    const found = pieces(
      [message({ sent_at: START }), message({ sent_at: START + 1, thread_id: 'dm', kind: 'dm', visibility: 'direct' })],
      threads,
    );
    expect(found.map((piece) => piece.kind)).toEqual(['day', 'turn', 'lane', 'turn']);
    expect(found[2]).toMatchObject({ lane: 'private' });
  });

  it('puts the public context before the first words of its thread, once', () => {
    const context = message({ direction: 'context', kind: 'post', sent_at: START - 100 * MIN });
    expect(kinds([context, message({ sent_at: START }), message({ sent_at: START + 1, direction: 'out' })])).toEqual([
      'day',
      'context',
      'turn',
      'turn',
    ]);
  });

  it('never mixes a note into what was said', () => {
    expect(kinds([message({ sent_at: START }), message({ sent_at: START + 1, direction: 'note', thread_id: null, kind: 'note' })])).toEqual([
      'day',
      'turn',
      'turn',
    ]);
  });

  it('marks where history ends', () => {
    expect(kinds([message({ sent_at: START, history: true }), message({ sent_at: START + 1 })])).toContain('history');
  });

  it('tells what was done at its moment', () => {
    const log = [{ at: START + 5, user_id: 'u', data: { status: 'closed' } }];
    expect(kinds([message({ sent_at: START }), message({ sent_at: START + 10 })], log)).toEqual(['day', 'turn', 'log', 'turn']);
  });
});
