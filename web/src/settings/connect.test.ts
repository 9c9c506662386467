// @vitest-environment happy-dom
import { flushSync, mount, unmount } from 'svelte';
import { expect, it, vi } from 'vitest';
import { accounts as calls } from '../api/calls';
import type { Channel } from '../api/types';
import { directory } from '../app/directory.svelte';
import { language } from '../i18n/i18n.svelte';
import { nl } from '../i18n/nl';
import Connect from './Connect.svelte';

const settle = async (): Promise<void> => {
  for (let n = 0; n < 5; n++) await Promise.resolve();
  flushSync();
};
const press = async (label: string): Promise<void> => {
  [...document.querySelectorAll('button')].find((one) => one.textContent?.includes(label))?.click();
  await settle();
};

it('what works less well than it could is said in the language of the reader', async () => {
  language.texts = nl;
  language.locale = 'nl';
  const none = { en: '', nl: '' };
  const mail = { key: 'email', name: { en: 'Mail', nl: 'Post' }, setup: none, fields: [], oauth: false, icon: '' } as unknown as Channel;
  directory.channels.set(mail.key, mail);
  const text = { en: 'The server does not tell of new mail.', nl: 'De server meldt nieuwe mail niet.' };
  const found = { handle: 'help@korst.example', name: 'Korst', url: null, warnings: [{ code: 'email.no_idle', text }] };
  vi.spyOn(calls, 'test').mockResolvedValue(found);
  const shown = mount(Connect, { target: document.body });
  flushSync();
  await press('Post');
  await press(nl['accounts.test']);
  const said = document.querySelector('[role=status]')?.textContent ?? '';
  expect(said).toContain(text.nl);
  expect(said).not.toContain(text.en);
  expect(said).not.toContain('email.no_idle');
  void unmount(shown);
});
