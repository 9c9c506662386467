// Why a conversation stands where it stands, in at most one short phrase. The waiting time is shown
// beside it, so "waits" alone says nothing new.
import { maybe } from '../i18n/i18n.svelte';
import type { Row } from './row.svelte';

export function reason(row: Pick<Row, 'why' | 'priority'>): string {
  for (const { code } of row.why) {
    if (code === 'waiting') continue;
    const words =
      code === 'priority' ? maybe(`why.priority.${row.priority}`) : (maybe(`why.${code}`) ?? undefined);
    if (words) return words;
  }
  return row.priority === 'normal' ? '' : (maybe(`why.priority.${row.priority}`) ?? '');
}
