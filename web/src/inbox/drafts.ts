// Drafts in this browser, one per conversation and person, so that a closed tab or a dead line loses
// no word. Forgotten after two weeks and at sign-out.
import type { Id } from '../api/types';
import { session } from '../app/session.svelte';

export interface Addressing {
  kind: 'reply' | 'all' | 'forward';
  to: string | null;
  cc: string | null;
  bcc: string;
  subject: string;
}

export interface LocalDraft {
  thread_id: Id | null;
  text: string;
  note: string;
  warning: string;
  visibility: string | null;
  /** To whom and about what, as typed, where the channel leaves that to the writer. */
  addressing?: Addressing | undefined;
  at: number;
}

const TWO_WEEKS = 14 * 24 * 3600_000;

const keyOf = (conversation: Id): string => `balie.draft.${session.id}.${conversation}`;

export const drafts = {
  read(conversation: Id): LocalDraft | null {
    try {
      const text = localStorage.getItem(keyOf(conversation));
      const found = text ? (JSON.parse(text) as LocalDraft) : null;
      return found && Date.now() - found.at < TWO_WEEKS ? found : null;
    } catch {
      return null;
    }
  },

  write(conversation: Id, draft: LocalDraft): void {
    try {
      if (draft.text === '' && draft.note === '') localStorage.removeItem(keyOf(conversation));
      else localStorage.setItem(keyOf(conversation), JSON.stringify(draft));
    } catch {
      // A full or forbidden store: the server's copy is then the only one.
    }
  },

  /** Conversations that hold unsent words. */
  list(): Id[] {
    const prefix = keyOf('');
    return Object.keys(localStorage)
      .filter((key) => key.startsWith(prefix))
      .map((key) => key.slice(prefix.length));
  },

  clear(): void {
    for (const id of this.list()) localStorage.removeItem(keyOf(id));
  },
};
