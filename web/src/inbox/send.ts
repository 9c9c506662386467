// Sending from the keyboard or the button: what is sent depends on the mode, what follows on the choice.
import { toasts } from '../app/toasts.svelte';
import { t } from '../i18n/i18n.svelte';
import { live } from '../live/live.svelte';
import { takeNext } from './actions';
import type { Composer } from './composer.svelte';

/** `next`: send, close, take the next case. `stay`: send, wait for the customer, stay here. */
export async function sendAndGo(writing: Composer, after: 'next' | 'stay', split = false): Promise<void> {
  if (writing.mode === 'note') {
    if (await writing.saveNote()) toasts.show(t('note.saved'));
    return;
  }
  const then = after === 'next' ? 'closed' : 'pending';
  const sent = split ? await writing.sendParts(then) : await writing.send(then);
  if (!sent) return;
  live.recount();
  toasts.show(t(writing.lane === 'private' ? 'sent.private' : 'sent.public'));
  if (after === 'next') await takeNext();
}
