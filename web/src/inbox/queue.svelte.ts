// One list of conversations: its pages, its order, and the promise that nothing moves under the pointer
// or the focus. Rows repaint at once; rows that would enter or leave the part that is being looked at
// wait in `arrivals` or stand dimmed until the agent asks, or until nobody is looking.
import { ApiError } from '../api/client';
import { conversations } from '../api/calls';
import type { ConversationRow, Id } from '../api/types';
import { session } from '../app/session.svelte';
import { type Filter, matches, order, queryOf, writeFilter } from './filter';
import { lastSeen } from './lastseen';
import { rows, type Row } from './row.svelte';

const PAGE = 100;

export class Queue {
  readonly filter: Filter;
  list = $state.raw<Row[]>([]);
  arrivals = $state.raw<ReadonlySet<Row>>(new Set());
  phase = $state<'loading' | 'ready' | 'failed'>('loading');
  error = $state.raw<ApiError | null>(null);
  next = $state<string | null>(null);
  /** The agent asked for quiet: nothing joins by itself. */
  paused = $state(false);
  /** The pointer or the focus is on the list. */
  watched = false;
  /** The last row that is on screen; what comes after it may change freely. */
  lastSeen = 0;

  private readonly touched = new Set<Row>();
  private frame = 0;
  private abort: AbortController | undefined;
  private fetching = false;
  /** What was told while a page was on its way: the page may be older. */
  private readonly meanwhile = new Set<Row>();
  private loading = false;

  constructor(filter: Filter) {
    this.filter = filter;
  }

  get key(): string {
    return writeFilter(this.filter);
  }

  async load(): Promise<void> {
    this.abort?.abort();
    const abort = (this.abort = new AbortController());
    this.loading = true;
    this.meanwhile.clear();
    if (this.phase === 'loading' && this.list.length === 0) {
      this.list = lastSeen.read(this.key).map((item) => rows.take(item));
    }
    try {
      const page = await conversations.list({ ...queryOf(this.filter), limit: PAGE }, abort.signal);
      this.list = page.items.map((item) => rows.take(item));
      this.next = page.next;
      if (!this.filter.q) lastSeen.write(this.key, page.items);
      this.arrivals = new Set();
      this.phase = 'ready';
      this.error = null;
      for (const row of this.meanwhile) this.touch(row);
    } catch (error) {
      if (abort.signal.aborted) return;
      this.error = error instanceof ApiError ? error : null;
      this.phase = this.list.length > 0 ? 'ready' : 'failed';
    } finally {
      if (this.abort === abort) this.loading = false;
    }
  }

  async more(): Promise<void> {
    if (this.fetching || !this.next || this.phase !== 'ready') return;
    this.fetching = true;
    try {
      const cursor = this.next;
      const page = await conversations.list({ ...queryOf(this.filter), limit: PAGE, cursor });
      // Fetched anew meanwhile: this page would leave a hole before it.
      if (this.next !== cursor) return;
      const known = new Set(this.list);
      const fresh = page.items.map((item) => rows.take(item)).filter((row) => !known.has(row));
      this.list = [...this.list, ...fresh];
      this.next = page.next;
    } catch {
      // The list asks again when the end is next in sight.
    } finally {
      this.fetching = false;
    }
  }

  /** A conversation changed; decide at the next frame what that means for this list. */
  touch(row: Row): void {
    this.touched.add(row);
    if (this.loading) this.meanwhile.add(row);
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.settle();
    });
  }

  /** Whether a row on screen no longer belongs here. */
  left(row: Row): boolean {
    return matches(this.filter, row, session.id) === false;
  }

  /** Bring everything up to date: what waits joins, what left goes, the order is right again. */
  refresh(): void {
    const joined = new Set([...this.list, ...this.arrivals]);
    this.arrivals = new Set();
    this.list = [...joined].filter((row) => !this.left(row)).sort(order(this.filter.status));
  }

  /** The pointer and the focus went elsewhere. */
  unwatch(): void {
    this.watched = false;
    if (!this.paused) this.refresh();
  }

  stop(): void {
    this.abort?.abort();
    cancelAnimationFrame(this.frame);
  }

  private settle(): void {
    const present = new Set(this.list);
    const calm = !this.watched && !this.paused;
    const sort = order(this.filter.status);
    const arrivals = new Set(this.arrivals);
    let list = this.list;
    for (const row of this.touched) {
      const belongs = matches(this.filter, row, session.id) === true;
      if (!belongs) {
        arrivals.delete(row);
        if (present.has(row) && this.left(row) && (calm || this.list.indexOf(row) > this.lastSeen)) {
          list = list.filter((other) => other !== row);
        }
      } else if (!present.has(row)) {
        const at = list.findIndex((other) => sort(row, other) < 0);
        const place = at < 0 ? list.length : at;
        if (at < 0 && this.next) continue;
        if (calm || (place > this.lastSeen && !this.paused)) list = list.toSpliced(place, 0, row);
        else arrivals.add(row);
      } else if (calm) {
        list = list.toSorted(sort);
      }
    }
    this.touched.clear();
    if (list !== this.list) this.list = list;
    if (arrivals.size !== this.arrivals.size || [...arrivals].some((row) => !this.arrivals.has(row))) {
      this.arrivals = arrivals;
    }
  }
}

/** The lists that are on screen, told of every change of every conversation. */
class Queues {
  current = $state.raw<Queue | null>(null);
  private readonly recent = new Map<string, Queue>();

  open(filter: Filter): Queue {
    const key = writeFilter(filter);
    if (this.current?.key === key) return this.current;
    const queue = this.recent.get(key) ?? new Queue(filter);
    this.recent.delete(key);
    this.recent.set(key, queue);
    if (this.recent.size > 8) {
      const oldest = this.recent.keys().next().value;
      if (oldest !== undefined) this.recent.delete(oldest);
    }
    this.current = queue;
    queue.watched = false;
    void queue.load();
    return queue;
  }

  take(dto: ConversationRow): Row {
    const row = rows.take(dto);
    this.current?.touch(row);
    return row;
  }

  /** A team was removed: no conversation belongs to it any more, which the server says once and not per conversation. */
  dissolve(team: Id): void {
    for (const row of rows.dissolve(team)) this.current?.touch(row);
  }

  reload(): void {
    void this.current?.load();
  }

  clear(): void {
    this.current?.stop();
    this.current = null;
    this.recent.clear();
    rows.clear();
  }
}

export const queues = new Queues();
