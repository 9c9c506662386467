// Drafts in this browser, one per conversation and person, so that a closed tab or a dead line loses
// no word. Forgotten after two weeks and at sign-out.
import type { Id } from '../api/types';
import { session } from '../app/session.svelte';
import type { Attempt } from './attempt';

export interface Addressing {
  kind: 'reply' | 'all' | 'forward';
  to: string | null;
  cc: string | null;
  bcc: string;
  subject: string;
}

export interface LocalDraft {
  /** Where the answer goes, and the customer's newest message when it was begun. */
  thread_id: Id | null;
  seen?: Id | null | undefined;
  text: string;
  note: string;
  warning: string;
  visibility: string | null;
  language?: string | null | undefined;
  /** What was tried and may have arrived. */
  tried?: Attempt | null | undefined;
  note_tried?: Attempt | null | undefined;
  /** To whom and about what, as typed, where the channel leaves that to the writer. */
  addressing?: Addressing | undefined;
  at: number;
}

const TWO_WEEKS = 14 * 24 * 3600_000;

const PREFIX = 'balie.draft.';
const keyOf = (conversation: Id): string => `${PREFIX}${session.id}.${conversation}`;

function parse(text: string | null): LocalDraft | null {
  try {
    return text ? (JSON.parse(text) as LocalDraft) : null;
  } catch {
    return null;
  }
}

const old = (draft: LocalDraft | null): boolean => !draft || !(Date.now() - draft.at < TWO_WEEKS);

export const drafts = {
  read(conversation: Id): LocalDraft | null {
    try {
      const found = parse(localStorage.getItem(keyOf(conversation)));
      if (!old(found)) return found;
      localStorage.removeItem(keyOf(conversation));
    } catch {
      // A forbidden store holds nothing.
    }
    return null;
  },

  write(conversation: Id, draft: LocalDraft): void {
    // Whoever has gone leaves nothing behind under nobody's name.
    if (session.id === '') return;
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
    return keys()
      .filter((key) => key.startsWith(prefix))
      .map((key) => key.slice(prefix.length));
  },

  clear(): void {
    for (const id of this.list()) localStorage.removeItem(keyOf(id));
  },

  /** Lets go of what everybody on this browser left for too long. */
  sweep(): void {
    for (const key of keys()) {
      if (key.startsWith(PREFIX) && old(parse(localStorage.getItem(key)))) localStorage.removeItem(key);
    }
  },
};

function keys(): string[] {
  try {
    return Object.keys(localStorage);
  } catch {
    return [];
  }
}
