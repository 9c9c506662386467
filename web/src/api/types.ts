// The shapes that cross the wire, written by hand from the HTTP contract. Everything else in the page
// imports its wire types from here, so that this one file can be replaced by the generated ones.
// Ids are UUID strings; times are integer milliseconds since the epoch.

export type Id = string;
export type Millis = number;
export type Locale = 'nl' | 'en';
export type Role = 'agent' | 'supervisor' | 'admin' | 'auditor';
export type Lane = 'public' | 'private';
export type Status = 'open' | 'pending' | 'snoozed' | 'closed';
export type Priority = 'low' | 'normal' | 'high' | 'urgent';
export type ByLocale = { nl: string; en: string };

export interface Me {
  id: Id;
  name: string;
  email: string;
  role: Role;
  locale: Locale;
  teams: { id: Id; name: string }[];
  preferences: Record<string, unknown>;
  playground: boolean;
  version: string;
}

export interface ApiToken {
  id: Id;
  name: string;
  created_at: Millis;
  last_used_at: Millis | null;
  /** Present once, in the answer that created it. */
  token?: string;
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail?: string;
  code: string;
  cure?: string;
  [extra: string]: unknown;
}

export interface ClaimInfo {
  user_id: Id;
  until: Millis;
  /** Only when the claim is mine. */
  token?: string | number;
}

export interface Why {
  code: string;
  at?: Millis | null;
}

export interface ConversationRow {
  id: Id;
  status: Status;
  lane: Lane;
  channel: string;
  account_id: Id;
  contact: { id: Id; name: string; handle: string; avatar_url: string | null };
  subject: string | null;
  snippet: string;
  last_direction: 'in' | 'out' | 'note';
  last_message_at: Millis;
  waiting_since: Millis | null;
  snoozed_until: Millis | null;
  closed_at: Millis | null;
  assignee_id: Id | null;
  team_id: Id | null;
  tags: Id[];
  priority: Priority;
  claim: ClaimInfo | null;
  message_count: number;
  delivery_problem: boolean;
  why: Why[];
  version: number;
  /** Opaque: lists of open conversations sort by it, ascending. */
  queue_key: number | string;
  created_at: Millis;
}

export interface Attachment {
  id: Id;
  kind: 'image' | 'video' | 'audio' | 'file';
  mime: string;
  name: string | null;
  alt: string | null;
  size: number | null;
  width: number | null;
  height: number | null;
  url: string | null;
  state: 'stored' | 'pending' | 'failed';
}

export interface Delivery {
  state: 'queued' | 'sending' | 'sent' | 'waiting' | 'uncertain' | 'rejected';
  attempts: number;
  due_at: Millis | null;
  code: string | null;
  cause: string | null;
  cure: string | null;
}

export type MessageAction =
  | 'like'
  | 'unlike'
  | 'boost'
  | 'unboost'
  | 'delete'
  | 'mute'
  | 'block'
  | 'report';

export interface Message {
  id: Id;
  conversation_id: Id;
  thread_id: Id | null;
  direction: 'in' | 'out' | 'note' | 'context';
  origin: 'channel' | 'balie' | 'elsewhere';
  kind: 'mention' | 'reply' | 'post' | 'dm' | 'quote' | 'note';
  author: {
    name: string;
    handle: string | null;
    avatar_url: string | null;
    url: string | null;
    user_id: Id | null;
    identity_id: Id | null;
    brand: boolean;
  };
  text: string;
  /** Sanitised by the server; the only field that may be rendered as HTML. */
  html: string | null;
  language: string | null;
  content_warning: string | null;
  visibility: string | null;
  sent_at: Millis;
  received_at: Millis;
  edited_at: Millis | null;
  removed_at: Millis | null;
  versions: { text: string; at: Millis }[];
  reply_to: Id | null;
  url: string | null;
  attachments: Attachment[];
  delivery: Delivery | null;
  history: boolean;
  actions: MessageAction[];
  liked: boolean;
  boosted: boolean;
}

export interface Allowance {
  may_reply: boolean;
  code: string | null;
  until: Millis | null;
  limit: { unit: string; max: number } | null;
  visibilities: string[];
  default_visibility: string | null;
  content_warning: boolean;
  language: boolean;
  attachments: { max: number; max_bytes: number; mimes: string[]; alt_max: number };
  cost: string | null;
}

export interface Thread {
  id: Id;
  account_id: Id;
  lane: Lane;
  kind: 'post' | 'dm';
  title: string | null;
  url: string | null;
  version: number;
  allowance: Allowance;
}

export interface Contact {
  id: Id;
  name: string;
  identities: {
    id: Id;
    channel: string;
    handle: string;
    name: string;
    avatar_url: string | null;
    url: string | null;
  }[];
}

export interface Draft {
  thread_id: Id;
  text: string;
  visibility?: string | null;
  content_warning?: string | null;
  updated_at?: Millis | null;
}

export interface Viewer {
  user_id: Id;
  name: string;
  replying: boolean;
}

export interface Conversation {
  row: ConversationRow;
  threads: Thread[];
  messages: Message[];
  earlier: string | null;
  contact: Contact;
  history: ConversationRow[];
  draft: Draft | null;
  claim: ClaimInfo | null;
  viewers: Viewer[];
  seq: number;
}

export interface Page<T> {
  items: T[];
  next: string | null;
}

export interface Counts {
  open: number;
  unassigned: number;
  mine: number;
  pending: number;
  snoozed: number;
  closed_today: number;
  by_team: { id: Id; count: number }[];
}

export interface Measure {
  used: number;
  max: number | null;
  unit: string;
  over: boolean;
  parts: string[] | null;
  notes: string[];
}

export interface ReplyBody {
  thread_id: Id;
  in_reply_to: Id | null;
  text: string;
  visibility?: string | null;
  content_warning?: string | null;
  language?: string | null;
  attachments: { upload_id: Id; alt: string }[];
  claim_token: string | number;
  seen_version: number;
  then: 'open' | 'pending' | 'closed';
}

export interface Upload {
  id: Id;
  name: string;
  mime: string;
  size: number;
}

export interface ChannelField {
  key: string;
  label: ByLocale;
  help: ByLocale | null;
  kind: 'text' | 'url' | 'secret' | 'number' | 'bool';
  required: boolean;
  default: string | number | boolean | null;
}

export interface Channel {
  key: string;
  name: string;
  icon: string;
  fields: ChannelField[];
  oauth: boolean;
  lanes: Lane[];
  setup: string;
}

export interface Health {
  state: 'ok' | 'starting' | 'degraded' | 'down';
  code: string | null;
  cause: ByLocale | null;
  cure: ByLocale | null;
  since: Millis | null;
}

export interface Account {
  id: Id;
  channel: string;
  name: string;
  handle: string | null;
  url: string | null;
  enabled: boolean;
  health: Health;
  lag_ms: number | null;
  last_success_at: Millis | null;
  quota: { limit: number | null; remaining: number | null; reset_at: Millis | null } | null;
  team_ids: Id[];
  settings: Record<string, unknown>;
}

export interface User {
  id: Id;
  name: string;
  email: string;
  role: Role;
  locale: Locale;
  enabled: boolean;
  team_ids: Id[];
  online?: boolean;
}

export interface Team {
  id: Id;
  name: string;
  member_ids?: Id[];
}

export interface Tag {
  id: Id;
  name: string;
  color: string | null;
  archived: boolean;
}

export interface Quarantined {
  id: Id;
  account_id: Id;
  received_at: Millis;
  error: string;
  source: string | null;
  size: number | null;
  replayed_at: Millis | null;
  payload?: string;
}

export interface Load {
  at: Millis;
  waiting: number;
  oldest_since: Millis | null;
  unassigned: number;
  arrivals_hour: number;
  answers_hour: number;
  minutes: { at: Millis; arrivals: number; answers: number }[];
  accounts: {
    id: Id;
    name: string;
    channel: string;
    waiting: number;
    oldest_since: Millis | null;
    arrivals_hour: number;
    answers_hour: number;
    health: Health;
    lag_ms: number | null;
  }[];
  teams: { id: Id; name: string; waiting: number; oldest_since: Millis | null }[];
  agents: {
    id: Id;
    name: string;
    online: boolean;
    open: number;
    claimed: number;
    answers_hour: number;
  }[];
}

export interface LiveEvent {
  seq: number;
  at: Millis;
  kind: string;
  conversation_id?: Id;
  actor: { kind: 'user' | 'system' | 'channel'; id?: Id; name?: string };
  row?: ConversationRow;
  message?: Message;
  account?: Account;
  data?: unknown;
}

export type ClientFrame =
  | { type: 'hello'; since: number | null }
  | { type: 'viewing'; conversation_id: Id | null }
  | { type: 'replying'; conversation_id: Id; active: boolean }
  | { type: 'board'; on: boolean }
  | { type: 'ping' };

export type ServerFrame =
  | { type: 'ready'; seq: number }
  | { type: 'reset'; seq: number }
  | { type: 'events'; events: LiveEvent[] }
  | { type: 'presence'; conversation_id: Id; viewers: Viewer[] }
  | { type: 'load'; load: Load }
  | { type: 'pong' };
