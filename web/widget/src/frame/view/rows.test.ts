import { describe, expect, it } from 'vitest';
import type { Chat } from '../chat';
import { Words } from '../i18n';
import { config, message } from '../testing';
import { Thread } from '../thread';
import type { Message } from '../wire';
import { rowsOf, type MessageRow } from './rows';

const noon = new Date(2026, 4, 4, 12).getTime();
const minute = 60_000;

function chat(messages: Message[], over: object = {}): Chat {
  const thread = new Thread();
  thread.merge(messages);
  return { thread, outbox: { all: [] }, words: new Words('nl-NL'), config: config(), closedLine: false, ...over } as unknown as Chat;
}

const said = (rows: ReturnType<typeof rowsOf>): MessageRow[] => rows.filter((row): row is MessageRow => row.kind === 'message' && row.key !== 'greeting');

describe('the rows of a conversation', () => {
  it('make turns of what one side says within five minutes', () => {
    const rows = said(rowsOf(chat([0, 1, 7, 8].map((at) => message({ at: noon + at * minute }))), true));
    expect(rows.map(({ first, last }) => [first, last])).toEqual([[true, false], [false, true], [true, false], [false, true]]);
  });

  it('break between agents, sides and days', () => {
    const rows = rowsOf(chat([message({ at: noon }), message({ at: noon + 1, name: 'Piet' }), message({ at: noon + 2, from: 'visitor', name: null }), message({ at: noon + 86_400_000 })]), true);
    expect(said(rows).every(({ first, last }) => first && last)).toBe(true);
    expect(rows.filter(({ kind }) => kind === 'day')).toHaveLength(2);
  });

  it('say how far the last of the visitor’s words came, and only of those', () => {
    const mine = (id: string, seen: boolean, at: number): Message => message({ id, from: 'visitor', name: null, seen, at: noon + at });
    expect(said(rowsOf(chat([mine('a', true, 0), mine('b', false, 1), message({ at: noon + 2 })]), true)).map(({ state }) => state)).toEqual([null, 'sent', null]);
  });

  it('put what waits behind, and say for what it waits', () => {
    const all = [{ client_id: 'c', text: 'x', files: [], enclosed: [], at: noon }, { client_id: 'd', text: 'y', files: [], enclosed: [], at: noon, failed: 'too_large' }];
    const states = (online: boolean): unknown[] => said(rowsOf(chat([], { outbox: { all } }), online)).map(({ state, why }) => [state, why]);
    expect(states(true)).toEqual([['sending', null], ['failed', 'too_large']]);
    expect(states(false)).toEqual([['waiting', null], ['failed', 'too_large']]);
  });

  it('begin with a greeting, unless older messages are to be fetched', () => {
    const first = (one: Chat): unknown => rowsOf(one, true)[0];
    expect(first(chat([]))).toMatchObject({ key: 'greeting', name: 'De Korst', text: 'Dag. Waarmee kunnen we helpen?' });
    expect(first(chat([], { config: config({ open: false, texts: { title: null, greeting: 'Dag', away: null, consent: null } }) }))).toMatchObject({ text: expect.stringContaining('even niet') });
    const older = chat([message()]);
    older.thread.more = true;
    expect(first(older)).toMatchObject({ kind: 'day' });
  });
});
