// What a list shows, as the query of its address. The same rules decide here whether a changed
// conversation belongs in the list, so they must mean what the server means by them.
import type { ListQuery } from '../api/calls';
import type { ConversationRow, Id, Status } from '../api/types';

export interface Filter {
  status: Status;
  assignee?: string;
  team?: string;
  tag?: string;
  channel?: string;
  account?: string;
  lane?: string;
  contact?: string;
  /** `true`: only what was refused or is uncertain. */
  problem?: string;
  q?: string;
}

const FIELDS = [
  'assignee',
  'team',
  'tag',
  'channel',
  'account',
  'lane',
  'contact',
  'problem',
  'q',
] as const;
const STATUSES: readonly string[] = ['open', 'pending', 'snoozed', 'closed'];

export type FilterField = (typeof FIELDS)[number];

export function readFilter(query: URLSearchParams): Filter {
  const status = query.get('status') ?? '';
  const filter: Filter = { status: STATUSES.includes(status) ? (status as Status) : 'open' };
  for (const field of FIELDS) {
    const value = query.get(field);
    if (value) filter[field] = value;
  }
  return filter;
}

export function writeFilter(filter: Partial<Filter>): string {
  const query = new URLSearchParams();
  if (filter.status && filter.status !== 'open') query.set('status', filter.status);
  for (const field of FIELDS) {
    const value = filter[field];
    if (value) query.set(field, value);
  }
  const text = query.toString();
  return text ? `?${text}` : '';
}

export function inboxUrl(filter: Partial<Filter>, conversation?: Id): string {
  return `/inbox${conversation ? `/${conversation}` : ''}${writeFilter(filter)}`;
}

export function queryOf(filter: Filter): ListQuery {
  return { ...filter };
}

type Judged = Pick<
  ConversationRow,
  | 'status'
  | 'assignee_id'
  | 'team_id'
  | 'tags'
  | 'channel'
  | 'account_id'
  | 'lane'
  | 'contact'
  | 'delivery_problem'
>;

/** Undefined when only the server can tell, because the filter searches text. */
export function matches(filter: Filter, row: Judged, me: Id): boolean | undefined {
  if (row.status !== filter.status) return false;
  if (filter.assignee === 'me' && row.assignee_id !== me) return false;
  if (filter.assignee === 'none' && row.assignee_id !== null) return false;
  if (filter.assignee && filter.assignee !== 'me' && filter.assignee !== 'none') {
    if (row.assignee_id !== filter.assignee) return false;
  }
  if (filter.team && row.team_id !== filter.team) return false;
  if (filter.tag && !row.tags.includes(filter.tag)) return false;
  if (filter.channel && row.channel !== filter.channel) return false;
  if (filter.account && row.account_id !== filter.account) return false;
  if (filter.lane && row.lane !== filter.lane) return false;
  if (filter.contact && row.contact.id !== filter.contact) return false;
  if (filter.problem === 'true' && !row.delivery_problem) return false;
  return filter.q ? undefined : true;
}

type Sorted = Pick<ConversationRow, 'id' | 'queue_key' | 'last_message_at'>;

/** The server's order: open by queue key, everything else newest first. */
export function order(status: Status): (a: Sorted, b: Sorted) => number {
  const byId = (a: Sorted, b: Sorted): number => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
  if (status !== 'open') return (a, b) => b.last_message_at - a.last_message_at || byId(a, b);
  return (a, b) =>
    a.queue_key < b.queue_key ? -1 : a.queue_key > b.queue_key ? 1 : byId(a, b);
}
