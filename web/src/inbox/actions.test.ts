// @vitest-environment happy-dom
import { beforeEach, expect, it, vi } from 'vitest';
import { conversations } from '../api/calls';
import { ApiError } from '../api/client';
import type { Conversation, ConversationRow, Message } from '../api/types';
import { toasts } from '../app/toasts.svelte';
import { en } from '../i18n/en';
import { language } from '../i18n/i18n.svelte';
import { live } from '../live/live.svelte';
import { setStatus, snooze } from './actions';
import { current } from './conversation.svelte';
import { rows, type Row } from './row.svelte';

const dto = (message_count: number): ConversationRow =>
  ({ id: 'c', status: 'open', contact: { name: 'Anna' }, message_count, version: message_count, waiting_since: 1 }) as unknown as ConversationRow;
const said = (id: string, sent_at: number): Message => ({ id, sent_at, direction: 'in', removed_at: null }) as unknown as Message;
const whole = (count: number): Conversation =>
  ({ row: dto(count), threads: [], messages: [said('m1', 1)], history: [], log: [], viewers: [], suggestions: [], claim: null }) as unknown as Conversation;
const moved = (count: number): ApiError =>
  new ApiError({ type: 'about:blank', title: 'x', status: 409, code: 'conversation.moved', message_count: count, messages: [said('m2', 2)] });
let row: Row;
const status = vi.spyOn(conversations, 'status');
const sleep = vi.spyOn(conversations, 'snooze');
const failed = vi.spyOn(toasts, 'fail');

beforeEach(async () => {
  language.texts = en;
  vi.spyOn(live, 'recount').mockImplementation(() => undefined);
  for (const spy of [status, sleep, failed]) spy.mockReset();
  rows.clear();
  current.close();
  vi.spyOn(conversations, 'get').mockResolvedValue(whole(1));
  row = rows.take(dto(1));
  current.open('c');
  await vi.waitFor(() => expect(current.conversation?.phase).toBe('ready'));
});

it('closes nothing over words that were not on the screen, and shows them', async () => {
  status.mockRejectedValueOnce(moved(2)).mockResolvedValueOnce(dto(2));
  expect(await setStatus(row, 'closed')).toBe(false);
  expect(current.conversation?.messages.map((message) => message.id)).toEqual(['m1', 'm2']);
  expect(current.conversation?.fresh.has('m2')).toBe(true);
  expect(failed).toHaveBeenCalledWith(en['problem.conversation.moved'], en['cure.conversation.moved']);
  expect(await setStatus(row, 'closed')).toBe(true);
  expect(status.mock.calls.map((call) => call[1])).toEqual([1, 2]);
});

it('puts nothing away over them either', async () => {
  sleep.mockRejectedValueOnce(moved(2)).mockResolvedValueOnce(dto(2));
  expect(await snooze(row, 99)).toBe(false);
  expect(await snooze(row, 99)).toBe(true);
  expect(sleep.mock.calls.map((call) => call[1])).toEqual([1, 2]);
});

it('decides on what the open conversation shows, also when the row knows of more', async () => {
  rows.take(dto(2));
  status.mockResolvedValueOnce(dto(2));
  await setStatus(row, 'pending');
  expect(status).toHaveBeenCalledWith('c', 1, 'pending', undefined);
});

it('decides on the row where the conversation is not open', async () => {
  current.close();
  status.mockRejectedValueOnce(moved(2)).mockResolvedValueOnce(dto(2));
  await setStatus(row, 'closed');
  await setStatus(row, 'closed');
  expect(status.mock.calls.map((call) => call[1])).toEqual([1, 2]);
});
