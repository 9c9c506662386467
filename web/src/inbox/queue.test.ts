// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { conversations } from '../api/calls';
import type { ConversationRow } from '../api/types';
import { Queue, queues } from './queue.svelte';
import { rows } from './row.svelte';

function dto(id: string, queue_key: number, change: Partial<ConversationRow> = {}): ConversationRow {
  return {
    id,
    status: 'open',
    lane: 'public',
    channel: 'x',
    account_id: 'a',
    contact: { id: 'c', name: id, handle: '', avatar_url: null },
    subject: null,
    snippet: '',
    last_direction: 'in',
    last_message_at: 0,
    waiting_since: 0,
    snoozed_until: null,
    closed_at: null,
    due_at: null,
    outcome: null,
    assignee_id: null,
    team_id: null,
    tags: [],
    priority: 'normal',
    claim: null,
    message_count: 1,
    delivery_problem: false,
    why: [],
    version: 1,
    queue_key,
    created_at: 0,
    ...change,
  };
}

let queue: Queue;
let frames: FrameRequestCallback[];
const ids = (): string[] => queue.list.map((row) => row.id);
const paint = (): void => frames.splice(0).forEach((run) => run(0));
const happen = (...changes: ConversationRow[]): void => {
  for (const change of changes) queue.touch(rows.take(change));
  paint();
};

beforeEach(() => {
  frames = [];
  vi.stubGlobal('requestAnimationFrame', (run: FrameRequestCallback) => frames.push(run));
  rows.clear();
  queue = new Queue({ status: 'open' });
  queue.list = [dto('b', 20), dto('d', 40)].map((one) => rows.take(one));
  queue.phase = 'ready';
  queue.lastSeen = 10;
});

describe('a list that nobody points at', () => {
  it('takes arrivals in their place and lets go of what left', () => {
    happen(dto('c', 30), dto('b', 20, { status: 'closed', version: 2 }));
    expect(ids()).toEqual(['c', 'd']);
  });

  it('is replaced once per frame, however much happens', () => {
    const before = queue.list;
    for (let n = 0; n < 100; n++) queue.touch(rows.take(dto(`x${n}`, 100 + n)));
    expect(queue.list).toBe(before);
    expect(frames).toHaveLength(1);
    paint();
    expect(queue.list).toHaveLength(102);
  });
});

describe('the next page', () => {
  it('is dropped when the list was fetched anew meanwhile: it would leave a hole', async () => {
    let come!: (page: Awaited<ReturnType<typeof conversations.list>>) => void;
    const list = vi.spyOn(conversations, 'list').mockReturnValueOnce(new Promise((ok) => (come = ok)));
    queue.next = 'page 4';
    const more = queue.more();
    list.mockResolvedValueOnce({ items: [dto('b', 20)], next: 'page 2' });
    await queue.load();
    come({ items: [dto('z', 90)], next: 'page 5' });
    await more;
    expect([ids(), queue.next]).toEqual([['b'], 'page 2']);
    list.mockRestore();
  });
});

describe('a list that is being fetched', () => {
  it('keeps what was told meanwhile, though the page that comes is older', async () => {
    let come!: (page: Awaited<ReturnType<typeof conversations.list>>) => void;
    vi.spyOn(conversations, 'list').mockReturnValue(new Promise((ok) => (come = ok)));
    const loaded = queue.load();
    happen(dto('a', 10));
    come({ items: [dto('b', 20), dto('d', 40)], next: null });
    await loaded;
    paint();
    expect(ids()).toEqual(['a', 'b', 'd']);
  });
});

describe('a list under the pointer or the focus', () => {
  beforeEach(() => (queue.watched = true));

  it('does not move: arrivals wait to be asked for', () => {
    happen(dto('a', 10));
    expect(ids()).toEqual(['b', 'd']);
    expect(queue.arrivals.size).toBe(1);
    queue.refresh();
    expect(ids()).toEqual(['a', 'b', 'd']);
    expect(queue.arrivals.size).toBe(0);
  });

  it('keeps a row that left in its place, marked', () => {
    happen(dto('b', 20, { status: 'closed', version: 2 }));
    expect(ids()).toEqual(['b', 'd']);
    expect(queue.left(queue.list[0]!)).toBe(true);
    queue.unwatch();
    expect(ids()).toEqual(['d']);
  });

  it('may grow below what is in sight', () => {
    queue.lastSeen = 1;
    happen(dto('e', 50));
    expect(ids()).toEqual(['b', 'd', 'e']);
  });

  it('forgets an arrival that went elsewhere again', () => {
    happen(dto('a', 10));
    happen(dto('a', 10, { assignee_id: 'x', status: 'closed', version: 2 }));
    expect(queue.arrivals.size).toBe(0);
  });
});

it('leaves to the next page what lies beyond the last one fetched', () => {
  queue.next = 'cursor';
  happen(dto('z', 90));
  expect(ids()).toEqual(['b', 'd']);
});

it('stays as it is while the agent holds it still', () => {
  queue.paused = true;
  happen(dto('a', 10));
  expect(ids()).toEqual(['b', 'd']);
  queue.unwatch();
  expect(ids()).toEqual(['b', 'd']);
});

it('a row never goes back to an older version', () => {
  const row = rows.take(dto('b', 20, { snippet: 'new', version: 5 }));
  rows.take(dto('b', 20, { snippet: 'old', version: 4 }));
  expect(row.snippet).toBe('new');
});

it('a removed team has no conversations: they leave its list, and are nobody’s to hand on to it', () => {
  vi.spyOn(conversations, 'list').mockResolvedValue({ items: [], next: null });
  const team = queues.open({ status: 'open', team: 't' });
  team.list = [dto('x', 10, { team_id: 't' }), dto('y', 20, { team_id: 't' })].map((one) => rows.take(one));
  team.phase = 'ready';
  const other = rows.take(dto('z', 30, { team_id: 'u' }));
  queues.dissolve('t');
  paint();
  expect([team.list, rows.get('x')?.team_id, other.team_id]).toEqual([[], null, 'u']);
  queues.clear();
});
