// @vitest-environment happy-dom
import { flushSync, mount, unmount } from 'svelte';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { session as calls } from '../api/calls';
import type { Account, Me } from '../api/types';
import { session } from '../app/session.svelte';
import { toasts } from '../app/toasts.svelte';
import { en } from '../i18n/en';
import { language } from '../i18n/i18n.svelte';
import SendButton from '../inbox/SendButton.svelte';
import type { Composer } from '../inbox/composer.svelte';
import AccountForm from './AccountForm.svelte';

let shown: ReturnType<typeof mount> | undefined;
const settle = async (): Promise<void> => {
  for (let n = 0; n < 5; n++) await Promise.resolve();
  flushSync();
};

beforeEach(() => {
  language.texts = en;
  document.body.innerHTML = '';
  session.me = { id: 'me', role: 'admin', preferences: {} } as unknown as Me;
});
afterEach(() => shown && unmount(shown));

it('a preference that could not be kept shows what is kept, and why', async () => {
  vi.spyOn(calls, 'patch').mockRejectedValue(new Error('away'));
  const told = vi.spyOn(toasts, 'fail');
  const writing = { mode: 'reply', place: { handOff: null, lane: 'public' }, address: { offered: false }, sendable: true, sending: { busy: false } } as unknown as Composer;
  shown = mount(SendButton, { target: document.body, props: { writing, after: 'next' } });
  const select = document.querySelector('select')!;
  select.value = 'stay';
  select.dispatchEvent(new Event('change', { bubbles: true }));
  await settle();
  expect(select.value).toBe('next');
  expect(told).toHaveBeenCalled();
});

it('an account that could not be switched off is shown as on', async () => {
  const account = { id: 'a', name: 'Merk', channel: 'x', enabled: true, team_ids: [], settings: {} } as unknown as Account;
  shown = mount(AccountForm, { target: document.body, props: { account, onsave: () => Promise.resolve(false) } });
  const box = document.querySelector<HTMLInputElement>('.on input')!;
  box.checked = false;
  box.dispatchEvent(new Event('change', { bubbles: true }));
  await settle();
  expect(box.checked).toBe(true);
});
