// Which chooser is open over the conversation. One place, so that a key, a button and the palette open
// the same one.
import type { Message, MessageAction } from '../api/types';

export type Chooser = 'assign' | 'tag' | 'snooze' | 'priority' | 'person';

class Dialogs {
  chooser = $state<Chooser | null>(null);
  moderating = $state.raw<{ message: Message; action: MessageAction } | null>(null);
}

export const dialogs = new Dialogs();
