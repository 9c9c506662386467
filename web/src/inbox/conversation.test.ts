// @vitest-environment happy-dom
import { beforeEach, expect, it, vi } from 'vitest';
import { ApiError } from '../api/client';
import { conversations } from '../api/calls';
import type { Conversation, Message } from '../api/types';
import { OpenConversation } from './conversation.svelte';
import { queues } from './queue.svelte';
import type { Row } from './row.svelte';

const found = (...ids: string[]): Conversation =>
  ({
    row: { id: 'c' },
    threads: [],
    messages: ids.map((id, at) => ({ id, sent_at: at }) as Message),
    earlier: null,
    contact: { id: 'p' },
    suggestions: [],
    log: [],
    history: [],
    draft: { thread_id: 't', text: 'een concept' },
    viewers: [],
    claim: null,
  }) as unknown as Conversation;
const refused = (status: number): ApiError => new ApiError({ type: 'about:blank', title: 'x', status, code: 'x' });
const asked = vi.spyOn(conversations, 'get');
let open: OpenConversation;

beforeEach(() => {
  asked.mockReset();
  vi.spyOn(queues, 'take').mockImplementation((row) => row as unknown as Row);
  open = new OpenConversation('c');
});

it('is not shown on to who may not see it any more', async () => {
  for (const status of [403, 404]) {
    asked.mockResolvedValueOnce(found('m1'));
    await open.load();
    expect([open.phase, open.messages.length]).toEqual(['ready', 1]);
    asked.mockRejectedValueOnce(refused(status));
    await open.load();
    expect([open.phase, open.messages, open.row, open.contact, open.draft]).toEqual(['failed', [], null, null, null]);
    expect(open.error?.status).toBe(status);
  }
});

it('stays as it was when the server could not be asked', async () => {
  asked.mockResolvedValueOnce(found('m1'));
  await open.load();
  for (const status of [0, 503]) {
    asked.mockRejectedValueOnce(refused(status));
    await open.load();
    expect([open.phase, open.messages.length]).toEqual(['ready', 1]);
  }
});

it('shows what was asked for last, in whatever order the answers come', async () => {
  let late!: (found: Conversation) => void;
  asked.mockReturnValueOnce(new Promise((ok) => (late = ok)));
  const first = open.load();
  asked.mockResolvedValueOnce({ ...found('m1', 'm2'), claim: null });
  await open.load();
  late({ ...found('m1'), earlier: 'old', claim: { user_id: 'x', until: Date.now() + 60_000 } as Conversation['claim'] });
  await first;
  expect([open.messages.length, open.claim]).toEqual([2, null]);
});
