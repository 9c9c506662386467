// Sending from the keyboard or the button: what is sent depends on the mode, what follows on the choice.
import { toasts } from '../app/toasts.svelte';
import { t } from '../i18n/i18n.svelte';
import { live } from '../live/live.svelte';
import { close, takeNext } from './actions';
import type { Composer } from './composer.svelte';
import { outcomesOf } from './threads';

/** `next`: send, close, take the next case. `stay`: send, wait for the customer, stay here. */
export async function sendAndGo(writing: Composer, after: 'next' | 'stay', split = false): Promise<void> {
  if (writing.mode === 'note') {
    if (await writing.saveNote()) toasts.show(t('note.saved'));
    return;
  }
  const row = writing.conversation.row;
  const { threads } = writing.conversation;
  // What is closed as the outcome of something is closed after it was said, by choosing of what.
  const asks = outcomesOf(threads).length > 0;
  const handed = writing.place.handOff !== null;
  const { lane } = writing.place;
  const then = after === 'next' && !asks ? 'closed' : 'pending';
  const sent = split ? await writing.sendParts(then) : await writing.send(then);
  if (!sent) return;
  live.recount();
  toasts.show(t(handed ? 'handoff.done' : lane === 'private' ? 'sent.private' : 'sent.public'));
  if (after !== 'next') return;
  if (asks && row) close(row, threads, () => void takeNext());
  else await takeNext();
}
