// Every request the page makes, by name. Nothing outside this file knows a path.
import { call } from './client';
import type {
  Account,
  AnsweredElsewhere,
  ApiToken,
  Channel,
  Contact,
  ClaimInfo,
  Conversation,
  ConversationRow,
  Counts,
  Draft,
  Evidence,
  Id,
  Load,
  MadeToken,
  Locale,
  Me,
  Measure,
  Message,
  MessageAction,
  NewCall,
  NextUp,
  Page,
  Priority,
  Quarantined,
  ReplyBody,
  Status,
  Tag,
  Team,
  Tried,
  Upload,
  User,
} from './types';

export type ListQuery = Partial<
  Record<
    | 'status'
    | 'assignee'
    | 'team'
    | 'tag'
    | 'channel'
    | 'account'
    | 'lane'
    | 'contact'
    | 'problem'
    | 'q'
    | 'cursor',
    string
  >
> & { limit?: number };

const conversation = (id: Id, rest = ''): string => `/api/conversations/${id}${rest}`;

export const session = {
  open: (email: string, password: string) =>
    call<Me>('POST', '/api/session', { body: { email, password } }),
  close: () => call<void>('DELETE', '/api/session'),
  me: () => call<Me>('GET', '/api/me'),
  patch: (body: { name?: string; locale?: Locale; preferences?: Record<string, unknown> }) =>
    call<Me>('PATCH', '/api/me', { body }),
  password: (current: string, next: string) =>
    call<void>('POST', '/api/me/password', { body: { current, new: next } }),
};

export const tokens = {
  list: () => call<ApiToken[]>('GET', '/api/tokens'),
  create: (name: string) => call<MadeToken>('POST', '/api/tokens', { body: { name } }),
  remove: (id: Id) => call<void>('DELETE', `/api/tokens/${id}`),
};

export const conversations = {
  list: (query: ListQuery, signal?: AbortSignal) =>
    call<Page<ConversationRow>>('GET', '/api/conversations', {
      query,
      ...(signal ? { signal } : {}),
    }),
  counts: () => call<Counts>('GET', '/api/conversations/counts'),
  get: (id: Id, signal?: AbortSignal) =>
    call<Conversation>('GET', conversation(id), signal ? { signal } : {}),
  earlier: (id: Id, before: string) =>
    call<{ items: Message[]; earlier: string | null }>('GET', conversation(id, '/messages'), {
      query: { before },
    }),
  next: () =>
    call<NextUp | undefined>('POST', conversation('next')),
  claim: (id: Id) => call<ClaimInfo>('POST', conversation(id, '/claim')),
  release: (id: Id) => call<void>('DELETE', conversation(id, '/claim')),
  reply: (id: Id, key: string, body: ReplyBody) =>
    call<Message>('POST', conversation(id, '/replies'), {
      body,
      headers: { 'idempotency-key': key },
    }),
  elsewhere: (id: Id, key: string, body: AnsweredElsewhere) =>
    call<Message>('POST', conversation(id, '/elsewhere'), {
      body,
      headers: { 'idempotency-key': key },
    }),
  note: (id: Id, key: string, text: string) =>
    call<Message>('POST', conversation(id, '/notes'), { body: { text }, headers: { 'idempotency-key': key } }),
  assign: (id: Id, to: { user_id: Id | null; team_id: Id | null }) =>
    call<ConversationRow>('PUT', conversation(id, '/assignee'), { body: to }),
  tag: (id: Id, body: { tag_id: Id } | { name: string }) =>
    call<ConversationRow>('POST', conversation(id, '/tags'), { body }),
  untag: (id: Id, tag: Id) =>
    call<ConversationRow>('DELETE', conversation(id, `/tags/${tag}`)),
  /** `seen`: the `message_count` on which it is decided. */
  status: (id: Id, seen: number, status: Exclude<Status, 'snoozed'>, outcome?: string) =>
    call<ConversationRow>('PUT', conversation(id, '/status'), {
      body: { status, seen_count: seen, ...(outcome ? { outcome } : {}) },
    }),
  snooze: (id: Id, seen: number, until: number) =>
    call<ConversationRow>('PUT', conversation(id, '/snooze'), { body: { until, seen_count: seen } }),
  priority: (id: Id, priority: Priority) =>
    call<ConversationRow>('PUT', conversation(id, '/priority'), { body: { priority } }),
  draft: (id: Id, draft: Draft) =>
    call<void>('PUT', conversation(id, '/draft'), { body: draft }),
};

export const calls = {
  note: (key: string, body: NewCall) =>
    call<{ conversation: ConversationRow; message: Message; left_to?: Id | null }>('POST', '/api/calls', {
      body,
      headers: { 'idempotency-key': key },
    }),
};

export const contacts = {
  find: (q: string) => call<Contact[]>('GET', '/api/contacts', { query: { q } }),
  link: (id: Id, other: Id, evidence: Evidence) =>
    call<Contact>('POST', `/api/contacts/${id}/links`, { body: { contact_id: other, evidence } }),
  unlink: (id: Id, linked: Id) => call<Contact>('DELETE', `/api/contacts/${id}/links/${linked}`),
};

export const threads = {
  measure: (
    id: Id,
    body: {
      text: string;
      in_reply_to?: Id | null;
      content_warning?: string | null;
      visibility?: string | null;
    },
    signal?: AbortSignal,
  ) => call<Measure>('POST', `/api/threads/${id}/measure`, { body, ...(signal ? { signal } : {}) }),
};

export const messages = {
  act: (id: Id, action: MessageAction, reason?: string) =>
    call<Message>('POST', `/api/messages/${id}/actions`, {
      body: { action, ...(reason ? { reason } : {}) },
    }),
  resolve: (id: Id, as: 'sent' | 'resend' | 'discard') =>
    call<Message>('POST', `/api/messages/${id}/resolve`, { body: { as } }),
  /** The original, drawn by the server for a frame where nothing runs; pictures of elsewhere only when asked for. */
  html: (id: Id, pictures: boolean): string => `/api/messages/${id}/html${pictures ? '?images=1' : ''}`,
  /** How many pictures of elsewhere the original shows; null when that cannot be asked now. */
  blockedPictures: (id: Id): Promise<number | null> =>
    fetch(`/api/messages/${id}/html`, { method: 'HEAD', credentials: 'same-origin' }).then(
      (answer) => (answer.ok ? Number(answer.headers.get('x-blocked-images') ?? 0) : null),
      () => null,
    ),
  /** The original as the file it was. */
  source: (id: Id): string => `/api/messages/${id}/source`,
};

export const media = {
  upload: (file: File) => {
    const body = new FormData();
    body.set('file', file);
    return call<Upload>('POST', '/api/uploads', { body });
  },
  url: (id: Id): string => `/api/media/${id}`,
};

export const accounts = {
  list: () => call<Account[]>('GET', '/api/accounts'),
  create: (body: {
    channel: string;
    name?: string;
    settings: Record<string, unknown>;
    team_ids?: Id[];
  }) => call<Account>('POST', '/api/accounts', { body }),
  patch: (
    id: Id,
    body: Partial<Pick<Account, 'name' | 'enabled' | 'team_ids' | 'settings'>>,
  ) => call<Account>('PATCH', `/api/accounts/${id}`, { body }),
  remove: (id: Id) => call<void>('DELETE', `/api/accounts/${id}`),
  probe: (id: Id) => call<Account>('POST', `/api/accounts/${id}/probe`),
  test: (channel: string, settings: Record<string, unknown>) =>
    call<Tried>('POST', '/api/accounts/test', {
      body: { channel, settings },
    }),
  connect: (channel: string, settings: Record<string, unknown>) =>
    call<{ authorize_url: string }>('POST', `/api/connect/${channel}`, { body: { settings } }),
};

export const directory = {
  channels: () => call<Channel[]>('GET', '/api/channels'),
  users: () => call<User[]>('GET', '/api/users'),
  createUser: (body: Record<string, unknown>) => call<User>('POST', '/api/users', { body }),
  patchUser: (id: Id, body: Record<string, unknown>) =>
    call<User>('PATCH', `/api/users/${id}`, { body }),
  teams: () => call<Team[]>('GET', '/api/teams'),
  createTeam: (body: Record<string, unknown>) => call<Team>('POST', '/api/teams', { body }),
  patchTeam: (id: Id, body: Record<string, unknown>) =>
    call<Team>('PATCH', `/api/teams/${id}`, { body }),
  removeTeam: (id: Id) => call<void>('DELETE', `/api/teams/${id}`),
  tags: () => call<Tag[]>('GET', '/api/tags'),
  createTag: (body: Record<string, unknown>) => call<Tag>('POST', '/api/tags', { body }),
  patchTag: (id: Id, body: Record<string, unknown>) =>
    call<Tag>('PATCH', `/api/tags/${id}`, { body }),
};

export const quarantine = {
  list: (account: Id, cursor?: Id | null) =>
    call<{ items: Quarantined[]; next: Id | null }>('GET', '/api/quarantine', { query: { account, cursor } }),
  get: (id: Id) => call<Quarantined>('GET', `/api/quarantine/${id}`),
  replay: (id: Id) => call<void>('POST', `/api/quarantine/${id}/replay`),
  dismiss: (id: Id) => call<void>('POST', `/api/quarantine/${id}/dismiss`),
};

export const board = { load: () => call<Load>('GET', '/api/load') };
