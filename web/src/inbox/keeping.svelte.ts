// What keeps unsent words: at once in this browser, and on the server once they rest, for another browser. It promises that no word is
// lost; what there is to keep, the composer says.
import { conversations } from '../api/calls';
import type { Draft, Id } from '../api/types';
import { drafts, type LocalDraft } from './drafts';

const KEEP_AFTER = 800;

export class Keeping {
  private readonly conversation: Id;
  private readonly words: () => Omit<LocalDraft, 'at'>;
  /** As the server keeps it; null while it is not known where the words go. */
  private readonly answer: () => Draft | null;
  /** Where the words are that are in the field. */
  saved = $state<'none' | 'local' | 'server'>('none');
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(conversation: Id, words: () => Omit<LocalDraft, 'at'>, answer: () => Draft | null) {
    this.conversation = conversation;
    this.words = words;
    this.answer = answer;
  }

  /** The words of last time in this browser. */
  last(): LocalDraft | null {
    const draft = drafts.read(this.conversation);
    if (draft) this.saved = 'local';
    return draft;
  }

  here(): void {
    const words = this.words();
    drafts.write(this.conversation, { ...words, at: Date.now() });
    this.saved = words.text === '' && words.note === '' ? 'none' : 'local';
  }

  /** On the server, when nothing changes for a moment. */
  soon(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.there(), KEEP_AFTER);
  }

  /** What is being sent is no draft any more. */
  cancel(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  stop(): void {
    if (this.timer === undefined) return;
    clearTimeout(this.timer);
    void this.there();
  }

  private async there(): Promise<void> {
    this.timer = undefined;
    const draft = this.answer();
    if (!draft) return;
    try {
      await conversations.draft(this.conversation, draft);
      if (this.words().text !== '') this.saved = 'server';
    } catch {
      // It is safe in this browser; the next change tries again.
    }
  }
}
