// Signing out: it asks first when words would be lost, and leaves nothing of the person in this browser.
import { unsaved } from '../inbox/call';
import { drafts } from '../inbox/drafts';
import { t } from '../i18n/i18n.svelte';
import { explain } from './problems';
import { session } from './session.svelte';
import { toasts } from './toasts.svelte';

class Leaving {
  /** Somebody wants to go, and words that were not sent would go too. */
  asking = $state(false);

  async ask(): Promise<void> {
    if (drafts.list().length > 0 || unsaved.read()) this.asking = true;
    else await this.go();
  }

  async go(): Promise<void> {
    this.asking = false;
    try {
      await session.signOut(() => {
        drafts.clear();
        unsaved.clear();
      });
    } catch (error) {
      const { text, cure } = explain(error);
      toasts.fail(t('signout.failed'), [text, cure].filter(Boolean).join(' '));
    }
  }

  stay(): void {
    this.asking = false;
  }
}

export const leaving = new Leaving();
