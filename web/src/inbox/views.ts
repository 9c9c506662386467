// The name of a list, from what it filters.
import { directory } from '../app/directory.svelte';
import { t } from '../i18n/i18n.svelte';
import type { Filter } from './filter';

export function viewName(filter: Filter): string {
  if (filter.q) return t('view.search');
  if (filter.status !== 'open') return t(`view.${filter.status}`);
  if (filter.assignee === 'me') return t('view.mine');
  if (filter.assignee === 'none') return t('view.unassigned');
  if (filter.team) return directory.teams.get(filter.team)?.name ?? t('view.open');
  return t('view.open');
}
