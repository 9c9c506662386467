// Which chooser is open over the conversation. One place, so that a key, a button and the palette open
// the same one.
import type { Message, MessageAction, Sentence } from '../api/types';

export type Chooser = 'assign' | 'tag' | 'snooze' | 'priority' | 'outcome' | 'person';

/** What closing may end in, and what follows once it is closed. */
export interface Closing {
  outcomes: Sentence[];
  then?: (() => void) | undefined;
}

class Dialogs {
  chooser = $state<Chooser | null>(null);
  closing = $state.raw<Closing | null>(null);
  moderating = $state.raw<{ message: Message; action: MessageAction } | null>(null);
}

export const dialogs = new Dialogs();
