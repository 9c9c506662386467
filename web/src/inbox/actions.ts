// What an agent can do to a conversation, as one call each: ask the server, take its answer into the
// row, say what happened, and remember the way back for "undo".
import { ApiError } from '../api/client';
import { conversations, messages } from '../api/calls';
import type { ConversationRow, Id, Message, MessageAction, Priority, Status, Thread } from '../api/types';
import { directory } from '../app/directory.svelte';
import { report } from '../app/problems';
import { router } from '../app/router.svelte';
import { session } from '../app/session.svelte';
import { toasts } from '../app/toasts.svelte';
import { t } from '../i18n/i18n.svelte';
import { moment } from '../i18n/format';
import { language } from '../i18n/i18n.svelte';
import { live } from '../live/live.svelte';
import { current } from './conversation.svelte';
import { dialogs } from './dialogs.svelte';
import { inboxUrl, readFilter } from './filter';
import { queues } from './queue.svelte';
import type { Row } from './row.svelte';
import { outcomesOf } from './threads';

let undoLast: (() => void) | null = null;

/** What "undo" takes back next. */
export function rememberUndo(back: () => void): void {
  undoLast = back;
}

export function undo(): void {
  const run = undoLast;
  undoLast = null;
  if (run) run();
  else toasts.show(t('undo.nothing'));
}

/** How many of its messages were on the screen, as the server counts them. */
function seenOf(row: Row): number {
  const open = current.conversation;
  return open?.id === row.id && open.phase === 'ready' ? open.seen : row.message_count;
}

/** Nothing was done, because somebody waits with words that were not on the screen yet: now they are. */
function showUnseen(row: Row, error: unknown): void {
  if (!(error instanceof ApiError) || error.code !== 'conversation.moved') return;
  if (current.conversation?.id === row.id) current.conversation.unseen(error.problem);
  else row.message_count = Math.max(row.message_count, Number(error.problem['message_count']));
}

async function change(
  row: Row,
  ask: () => Promise<ConversationRow>,
  said: string,
  back?: () => void,
): Promise<boolean> {
  try {
    queues.take(await ask());
  } catch (error) {
    showUnseen(row, error);
    report(error);
    return false;
  }
  live.recount();
  if (back) {
    rememberUndo(back);
    toasts.show(said, { undo: undo });
  } else toasts.show(said);
  return true;
}

export async function setStatus(row: Row, status: Exclude<Status, 'snoozed'>, outcome?: string): Promise<boolean> {
  const before = row.status;
  if (before === status && !outcome) return true;
  const seen = seenOf(row);
  return change(
    row,
    () => conversations.status(row.id, seen, status, outcome),
    t(`done.${status}`, { name: row.contact.name }),
    before === 'snoozed' ? undefined : () => void setStatus(row, before),
  );
}

/** Closes; where closing is the outcome of something, asks of what. */
export function close(row: Row, threads: readonly Thread[], then?: () => void): void {
  const outcomes = outcomesOf(threads);
  if (outcomes.length > 0) {
    dialogs.closing = { outcomes, then };
    dialogs.chooser = 'outcome';
  } else void setStatus(row, 'closed').then((done) => done && then?.());
}

export async function snooze(row: Row, until: number): Promise<boolean> {
  const at = moment(until, Date.now(), language.locale);
  const seen = seenOf(row);
  return change(row, () => conversations.snooze(row.id, seen, until), t('done.snoozed', { at }), () =>
    void setStatus(row, 'open'),
  );
}

export async function assign(row: Row, user: Id | null, team: Id | null): Promise<boolean> {
  const before = { user: row.assignee_id, team: row.team_id };
  const to = user
    ? t('done.assigned', { name: directory.nameOf(user) })
    : team
      ? t('done.assigned', { name: directory.teams.get(team)?.name ?? '' })
      : t('done.unassigned');
  return change(
    row,
    () => conversations.assign(row.id, { user_id: user, team_id: team }),
    to,
    () => void assign(row, before.user, before.team),
  );
}

export async function setPriority(row: Row, priority: Priority): Promise<boolean> {
  const before = row.priority;
  return change(
    row,
    () => conversations.priority(row.id, priority),
    t('done.priority', { priority: t(`priority.${priority}`) }),
    () => void setPriority(row, before),
  );
}

export async function addTag(row: Row, tag: { tag_id: Id } | { name: string }): Promise<boolean> {
  const said = t('done.tagged', {
    name: 'name' in tag ? tag.name : (directory.tags.get(tag.tag_id)?.name ?? ''),
  });
  return change(
    row,
    () => conversations.tag(row.id, tag),
    said,
    'tag_id' in tag ? () => void removeTag(row, tag.tag_id) : undefined,
  );
}

export async function removeTag(row: Row, tag: Id): Promise<boolean> {
  return change(
    row,
    () => conversations.untag(row.id, tag),
    t('done.untagged', { name: directory.tags.get(tag)?.name ?? '' }),
    () => void addTag(row, { tag_id: tag }),
  );
}

export async function claimOrRelease(): Promise<void> {
  const open = current.conversation;
  if (!open) return;
  try {
    if (open.mine) {
      await open.release();
      toasts.show(t('done.released'));
    } else {
      await open.hold();
      toasts.show(t('done.claimed'));
    }
  } catch (error) {
    reportHeld(error);
  }
}

export function reportHeld(error: unknown): void {
  if (error instanceof ApiError && error.code === 'claim.held') {
    const holder = error.problem['holder'] as { name?: string } | undefined;
    toasts.fail(t('problem.claim.held.by', { name: holder?.name ?? t('someone') }));
  } else report(error);
}

/** The right next conversation, already claimed; says so when nothing waits. */
export async function takeNext(): Promise<boolean> {
  try {
    const next = await conversations.next();
    if (!next) {
      toasts.show(t('next.nothing'));
      return false;
    }
    router.go(inboxUrl(readFilter(router.query), next.conversation_id));
    const open = current.open(next.conversation_id);
    open.keep(next.claim);
    return true;
  } catch (error) {
    report(error);
    return false;
  }
}

export async function act(message: Message, action: MessageAction, reason?: string): Promise<boolean> {
  try {
    const changed = await messages.act(message.id, action, reason);
    current.conversation?.merge([changed]);
    toasts.show(t(`acted.${action}`));
    return true;
  } catch (error) {
    report(error);
    return false;
  }
}

export async function resolve(message: Message, as: 'sent' | 'resend' | 'discard'): Promise<void> {
  try {
    const changed = await messages.resolve(message.id, as);
    current.conversation?.merge([changed]);
    toasts.show(t(`resolved.${as}`));
  } catch (error) {
    report(error);
  }
}

export function assignMe(row: Row): Promise<boolean> {
  return assign(row, session.id, row.team_id);
}
