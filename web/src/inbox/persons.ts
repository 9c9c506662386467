// One person, many handles: linked and taken apart by whoever works here, each with the way back.
import { contacts } from '../api/calls';
import type { Contact, Evidence, Id } from '../api/types';
import { report } from '../app/problems';
import { toasts } from '../app/toasts.svelte';
import { t } from '../i18n/i18n.svelte';
import { rememberUndo, undo } from './actions';
import type { OpenConversation } from './conversation.svelte';

export async function link(
  conversation: OpenConversation,
  other: Pick<Contact, 'id' | 'name'>,
  evidence: Evidence,
): Promise<boolean> {
  const contact = conversation.contact;
  if (!contact) return false;
  try {
    await contacts.link(contact.id, other.id, evidence);
  } catch (error) {
    report(error);
    return false;
  }
  await conversation.load();
  rememberUndo(() => void unlink(conversation, other.id));
  toasts.show(t('done.linked', { name: other.name }), { undo });
  return true;
}

export async function unlink(conversation: OpenConversation, linked: Id): Promise<boolean> {
  const contact = conversation.contact;
  const before = contact?.links.find((one) => one.contact_id === linked);
  if (!contact || !before) return false;
  try {
    await contacts.unlink(contact.id, linked);
  } catch (error) {
    report(error);
    return false;
  }
  await conversation.load();
  rememberUndo(() => void link(conversation, { id: linked, name: before.name }, before.evidence as Evidence));
  toasts.show(t('done.unlinked', { name: before.name }), { undo });
  return true;
}
