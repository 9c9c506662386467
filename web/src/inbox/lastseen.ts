// The first rows of each list as they were last, for as long as the tab lives: a reload shows them at
// once, and the server's answer replaces them. Gone at sign-out.
import type { ConversationRow } from '../api/types';
import { session } from '../app/session.svelte';

const FIRST = 30;

const keyOf = (list: string): string => `balie.list.${session.id}.${list}`;

export const lastSeen = {
  read(list: string): ConversationRow[] {
    try {
      return JSON.parse(sessionStorage.getItem(keyOf(list)) ?? '[]') as ConversationRow[];
    } catch {
      return [];
    }
  },

  write(list: string, items: ConversationRow[]): void {
    try {
      sessionStorage.setItem(keyOf(list), JSON.stringify(items.slice(0, FIRST)));
    } catch {
      // A full store: the next reload starts empty, as a first one does.
    }
  },
};
