// One conversation as lists show it. There is one Row per conversation in the whole page; events change
// its fields in place, so that only the one row repaints.
import type {
  ClaimInfo,
  ConversationRow,
  Id,
  Lane,
  Priority,
  Status,
  Why,
} from '../api/types';

export class Row {
  readonly id: Id;
  status = $state<Status>('open');
  lane = $state<Lane>('public');
  channel = $state('');
  account_id = $state<Id>('');
  contact = $state.raw<ConversationRow['contact']>({ id: '', name: '', handle: '', avatar_url: null });
  subject = $state<string | null>(null);
  snippet = $state('');
  last_direction = $state<ConversationRow['last_direction']>('in');
  last_message_at = $state(0);
  waiting_since = $state<number | null>(null);
  snoozed_until = $state<number | null>(null);
  closed_at = $state<number | null>(null);
  due_at = $state<number | null>(null);
  outcome = $state<string | null>(null);
  assignee_id = $state<Id | null>(null);
  team_id = $state<Id | null>(null);
  tags = $state.raw<Id[]>([]);
  priority = $state<Priority>('normal');
  claim = $state.raw<ClaimInfo | null>(null);
  message_count = $state(0);
  delivery_problem = $state(false);
  why = $state.raw<Why[]>([]);
  version = $state(-1);
  queue_key = $state.raw(0);

  constructor(dto: ConversationRow) {
    this.id = dto.id;
    this.apply(dto);
  }

  /** Takes the newer of what it has and what it is given. */
  apply(dto: ConversationRow): void {
    if (dto.version < this.version) return;
    this.status = dto.status;
    this.lane = dto.lane;
    this.channel = dto.channel;
    this.account_id = dto.account_id;
    this.contact = dto.contact;
    this.subject = dto.subject;
    this.snippet = dto.snippet;
    this.last_direction = dto.last_direction;
    this.last_message_at = dto.last_message_at;
    this.waiting_since = dto.waiting_since;
    this.snoozed_until = dto.snoozed_until;
    this.closed_at = dto.closed_at;
    this.due_at = dto.due_at;
    this.outcome = dto.outcome;
    this.assignee_id = dto.assignee_id;
    this.team_id = dto.team_id;
    this.tags = dto.tags;
    this.priority = dto.priority;
    this.claim = dto.claim;
    this.message_count = dto.message_count;
    this.delivery_problem = dto.delivery_problem;
    this.why = dto.why;
    this.version = dto.version;
    this.queue_key = dto.queue_key;
  }
}

/** Every row the page knows, by id. */
class Rows {
  private readonly known = new Map<Id, Row>();

  take(dto: ConversationRow): Row {
    const found = this.known.get(dto.id);
    if (found) {
      found.apply(dto);
      return found;
    }
    const made = new Row(dto);
    this.known.set(dto.id, made);
    return made;
  }

  get(id: Id): Row | undefined {
    return this.known.get(id);
  }

  /** The team was removed: its rows belong to none. Gives those that changed. */
  dissolve(team: Id): Row[] {
    const found = [...this.known.values()].filter((row) => row.team_id === team);
    for (const row of found) row.team_id = null;
    return found;
  }

  clear(): void {
    this.known.clear();
  }
}

export const rows = new Rows();
