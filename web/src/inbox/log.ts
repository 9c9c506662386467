// What somebody did to a conversation, as one small sentence. Empty for what the thread shows already.
import type { LogLine, MessageAction, Status } from '../api/types';
import { directory } from '../app/directory.svelte';
import { moment } from '../i18n/format';
import { language, maybe, t } from '../i18n/i18n.svelte';
import { current } from './conversation.svelte';
import { outcomeWords } from './threads';

const STATUSES: readonly string[] = ['open', 'pending', 'snoozed', 'closed'];

/** The reason as it was chosen, with what was said about it. */
function reasonWords(reason: string): string {
  const [code = '', ...more] = reason.split(': ');
  return [maybe(`reason.${code}`) ?? code, ...more].join(': ');
}

export function logWords(line: Pick<LogLine, 'at' | 'user_id' | 'data'>): string {
  const name = directory.nameOf(line.user_id) || 'Balie';
  const { status, outcome, assignee_id, team_id, snoozed_until, action, reason, linked, unlinked, solved_by } = line.data as {
    status?: Status;
    outcome?: string;
    assignee_id?: string | null;
    team_id?: string | null;
    snoozed_until?: number | null;
    action?: MessageAction;
    reason?: string | null;
    linked?: string[];
    unlinked?: string[];
    solved_by?: string;
  };
  if (action) {
    const what = maybe(`log.action.${action}`, { name }) ?? '';
    return reason ? `${what} (${reasonWords(reason)})` : what;
  }
  if (linked) return t('log.linked', { name });
  if (unlinked) return t('log.unlinked', { name });
  if (solved_by !== undefined) return t('log.solved', { name: solved_by || t('someone_there') });
  if (typeof snoozed_until === 'number') {
    return t('log.snoozed', { name, at: moment(snoozed_until, line.at, language.locale) });
  }
  if (status === 'closed' && outcome) {
    return t('log.closed_as', { name, outcome: outcomeWords(current.conversation?.threads ?? [], outcome, language.locale) });
  }
  if (status && STATUSES.includes(status)) return t(`log.${status}`, { name });
  if (assignee_id !== undefined || team_id !== undefined) {
    if (assignee_id && assignee_id === line.user_id && !team_id) return t('log.taken', { name });
    const to = [directory.nameOf(assignee_id), team_id ? (directory.teams.get(team_id)?.name ?? t('log.team.gone')) : '']
      .filter(Boolean)
      .join(', ');
    return to ? t('log.assigned', { name, to }) : t('log.unassigned', { name });
  }
  return '';
}
