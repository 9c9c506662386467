// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError } from '../api/client';
import { conversations } from '../api/calls';
import type { Me, Message, Thread } from '../api/types';
import { session } from '../app/session.svelte';
import { en } from '../i18n/en';
import { language } from '../i18n/i18n.svelte';
import { OpenConversation } from './conversation.svelte';
import { Sending, type Said } from './sending.svelte';

const reply = vi.spyOn(conversations, 'reply');
const elsewhere = vi.spyOn(conversations, 'elsewhere');
const note = vi.spyOn(conversations, 'note');
let conversation: OpenConversation;
let sending: Sending;
const keep = vi.fn<() => void>();
const tooLong = vi.fn<() => void>();
const accepted = (id: string): Message => ({ id, sent_at: 2, direction: 'out', thread_id: 't' }) as unknown as Message;
const refused = (code: string, more: object = {}): ApiError => new ApiError({ type: 'about:blank', title: code, status: 409, code, ...more });
const said = (text: string, more: Partial<Said> = {}): Said => ({ thread_id: 't', in_reply_to: 'm1', text, attachments: [], ...more }) as Said;
const went = vi.fn<(sent?: number) => void>();
const keys = () => reply.mock.calls.map((call) => call[1]);

beforeEach(() => {
  language.texts = en;
  session.me = { id: 'me', role: 'agent' } as Me;
  vi.clearAllMocks();
  reply.mockReset().mockImplementation(() => Promise.resolve(accepted(`m${reply.mock.calls.length + 1}`)));
  conversation = new OpenConversation('c');
  conversation.threads = [{ id: 't', version: 4 } as Thread];
  conversation.seen = 3;
  vi.spyOn(conversation, 'hold').mockImplementation(() => {
    conversation.claim = { user_id: 'me', token: 9, until: 1e15 } as unknown as NonNullable<OpenConversation['claim']>;
    return Promise.resolve(conversation.claim);
  });
  vi.spyOn(conversation, 'load').mockImplementation(() => {
    conversation.threads = conversation.threads.map((one) => ({ ...one, version: one.version + 1 }));
    return Promise.resolve();
  });
  sending = new Sending(conversation, { keep, tooLong });
});

describe('an answer', () => {
  it('says which claim it holds and what it has seen, and is kept as tried before it goes', async () => {
    let kept: unknown;
    reply.mockImplementation(() => {
      kept = sending.kept.tried;
      expect([sending.busy, keep.mock.calls.length]).toEqual([true, 1]);
      return Promise.resolve(accepted('m2'));
    });
    expect(await sending.replies([said('Dag')], 'closed', false, went)).toBe(true);
    expect(reply.mock.lastCall?.[2]).toMatchObject({ text: 'Dag', in_reply_to: 'm1', claim_token: 9, seen_version: 4, seen_count: 3, then: 'closed' });
    expect(kept).toMatchObject({ key: keys()[0] });
    expect([sending.kept.tried, sending.busy, went.mock.calls]).toEqual([null, false, [[1]]]);
  });

  it('does not end the wait for words in another thread, which are then shown and seen', async () => {
    const news = { id: 'm2', sent_at: 1, direction: 'in', thread_id: 'dm' } as unknown as Message;
    reply.mockRejectedValueOnce(refused('conversation.moved', { message_count: 4, messages: [news] }));
    expect(await sending.replies([said('Dag')], 'closed', false, went)).toBe(false);
    expect([sending.refusal?.text, went.mock.calls.length]).toEqual([en['problem.conversation.moved'], 0]);
    expect([conversation.messages.at(-1)?.id, conversation.fresh.has('m2')]).toEqual(['m2', true]);
    expect(await sending.replies([said('Dag')], 'closed', false, went)).toBe(true);
    expect(reply.mock.calls.map((call) => call[2].seen_count)).toEqual([3, 4]);
    expect(keys()[1]).not.toBe(keys()[0]);
  });

  it('has seen what was there when it was sent, whatever came while the claim was asked for', async () => {
    const sent = sending.replies([said('Dag')], 'closed', false, went);
    conversation.seen = 4;
    await sent;
    expect(reply.mock.lastCall?.[2].seen_count).toBe(3);
  });

  it('in parts goes in order, each having seen the one before, and closes with the last', async () => {
    await sending.replies([said('een'), said('twee')], 'closed', false, went);
    expect(reply.mock.calls.map((call) => [call[2].text, call[2].seen_version, call[2].then])).toEqual([['een', 4, 'open'], ['twee', 5, 'closed']]);
    expect(went.mock.calls).toEqual([[1], [2]]);
  });

  it('in parts stops at the first refusal', async () => {
    reply.mockResolvedValueOnce(accepted('m2')).mockRejectedValueOnce(refused('claim.lost'));
    expect(await sending.replies([said('een'), said('twee'), said('drie')], 'closed', false, went)).toBe(false);
    expect([reply.mock.calls.length, went.mock.calls, sending.refusal?.code]).toEqual([2, [[1]], 'claim.lost']);
  });

  it('keeps its key and what it answered while it may have arrived, also over a reload', async () => {
    reply.mockRejectedValueOnce(new ApiError({ type: 'about:blank', title: '', status: 0, code: 'network' }));
    expect(await sending.replies([said('Dag')], 'closed', false, went)).toBe(false);
    const again = new Sending(conversation, { keep, tooLong });
    again.restore(sending.kept);
    await again.replies([said('Dag', { in_reply_to: 'm7' })], 'pending', false, went);
    expect(keys()[1]).toBe(keys()[0]);
    expect(reply.mock.lastCall?.[2].in_reply_to).toBe('m1');
  });

  it('is another attempt after the server refused it, and shows what came between', async () => {
    const moved = vi.spyOn(conversation, 'moved');
    reply.mockRejectedValueOnce(refused('thread.moved', { thread_version: 5, messages: [{ id: 'm5' }] }));
    await sending.replies([said('Dag')], 'closed', false, went);
    expect(moved).toHaveBeenCalledWith('t', 5, [{ id: 'm5' }]);
    await sending.replies([said('Dag')], 'closed', false, went);
    expect(keys()[1]).not.toBe(keys()[0]);
  });

  it('that is too long is counted as the server counted it', async () => {
    reply.mockRejectedValueOnce(refused('reply.too_long', { used: 30, max: 20 }));
    await sending.replies([said('Dag')], 'closed', false, went);
    expect(tooLong).toHaveBeenCalledWith(expect.objectContaining({ used: 30, max: 20 }));
    expect(went).not.toHaveBeenCalled();
  });

  it('said elsewhere is written down under the same claim and version', async () => {
    elsewhere.mockResolvedValue(accepted('m2'));
    await sending.replies([said('Nieuwe bon gestuurd')], 'pending', true, went);
    expect(elsewhere.mock.lastCall?.[2]).toEqual({ thread_id: 't', text: 'Nieuwe bon gestuurd', claim_token: 9, seen_version: 4, seen_count: 3, then: 'pending' });
    expect(reply).not.toHaveBeenCalled();
  });
});

describe('a note', () => {
  it('is saved once however often it is tried, and refused where it was written', async () => {
    note.mockRejectedValueOnce(new ApiError({ type: 'about:blank', title: '', status: 0, code: 'network' })).mockResolvedValueOnce(accepted('n'));
    expect(await sending.note('Belt morgen', went)).toBe(false);
    expect([sending.refusal?.of, went.mock.calls.length]).toEqual(['note', 0]);
    expect(await sending.note('Belt morgen', went)).toBe(true);
    expect(note.mock.calls[1]?.[1]).toBe(note.mock.calls[0]?.[1]);
    expect([went.mock.calls.length, sending.kept.note_tried]).toEqual([1, null]);
  });
});
