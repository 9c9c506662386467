// What stands in the conversation, from top to bottom: breaks between days, turns of one side, what was sent and what is
// on its way. Only data; how it looks is decided in log.ts.
import type { Chat } from '../chat';
import type { Enclosed } from '../wire';

export interface MessageRow {
  kind: 'message';
  key: string;
  mine: boolean;
  /** Empty for the visitor. */
  name: string;
  avatar: string | null;
  text: string;
  files: Enclosed[];
  at: number | null;
  removed: boolean;
  edited: boolean;
  /** First and last of a turn: the name stands at the first, the time at the last. */
  first: boolean;
  last: boolean;
  state: 'sending' | 'waiting' | 'sent' | 'seen' | 'failed' | null;
  /** Why it was not sent. */
  why: string | null;
}

export type Row = MessageRow | { kind: 'day'; key: string; at: number } | { kind: 'ended'; key: string };

/** Longer than this between two messages of one side makes two turns. */
const TURN = 5 * 60_000;

export function rowsOf(chat: Chat, online: boolean): Row[] {
  const { thread, outbox, words, config } = chat;
  const rows: Row[] = [];
  let before: MessageRow | undefined;
  let day = '';

  const put = (row: Omit<MessageRow, 'kind' | 'first' | 'last'>): void => {
    const on = row.at === null ? '' : new Date(row.at).toDateString();
    if (row.at !== null && on !== day) {
      rows.push({ kind: 'day', key: `day ${on}`, at: row.at });
      before = undefined;
      day = on;
    }
    const same = before?.mine === row.mine && before.name === row.name && (row.at ?? 0) - (before.at ?? 0) < TURN;
    if (before && same) before.last = false;
    before = { kind: 'message', ...row, first: !same, last: true };
    rows.push(before);
  };

  const plain = { avatar: null, files: [], at: null, removed: false, edited: false, state: null, why: null };
  const host = config?.name ?? '';
  if (!thread.more && config) {
    const { greeting, away } = config.texts;
    const text = chat.invitation?.text ?? (config.open ? (greeting ?? words.say('greeting')) : (away ?? words.say('away')));
    put({ ...plain, key: 'greeting', mine: false, name: host, text });
  }
  const mine = thread.messages.findLast((one) => one.from === 'visitor')?.id;
  for (const one of thread.messages) {
    const visitor = one.from === 'visitor';
    put({
      key: one.client_id ?? one.id,
      mine: visitor,
      name: visitor ? '' : one.name || host || words.say('agent'),
      avatar: one.avatar_url,
      text: one.text,
      files: one.files,
      at: one.at,
      removed: one.removed,
      edited: one.edited,
      state: one.id === mine && outbox.all.length === 0 ? (one.seen ? 'seen' : 'sent') : null,
      why: null,
    });
  }
  for (const one of outbox.all) {
    const files = one.enclosed.map((file) => ({ ...file, kind: 'file', width: null, height: null, alt: null, url: null, state: 'stored' }));
    const state = one.failed ? 'failed' : online ? 'sending' : 'waiting';
    put({ ...plain, key: one.client_id, mine: true, name: '', text: one.text, files, at: one.at, state, why: one.failed ?? null });
  }
  if (chat.closedLine) rows.push({ kind: 'ended', key: 'ended' });
  return rows;
}
