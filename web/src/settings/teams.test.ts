// @vitest-environment happy-dom
import { flushSync, mount, unmount } from 'svelte';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ApiError } from '../api/client';
import { directory as calls } from '../api/calls';
import type { Account, Me, Team } from '../api/types';
import { directory } from '../app/directory.svelte';
import { session } from '../app/session.svelte';
import { toasts } from '../app/toasts.svelte';
import { en } from '../i18n/en';
import { language } from '../i18n/i18n.svelte';
import Teams from './Teams.svelte';

const remove = vi.spyOn(calls, 'removeTeam');
const failed = vi.spyOn(toasts, 'fail');
let shown: ReturnType<typeof mount>;
const settle = async (): Promise<void> => {
  for (let n = 0; n < 5; n++) await Promise.resolve();
  flushSync();
};
const account = (name: string, team_ids: string[]): void => {
  directory.accounts.set(name, { id: name, name, team_ids } as Account);
};
const button = (label: string): HTMLButtonElement | undefined =>
  [...document.querySelectorAll('button')].find((one) => (one.getAttribute('aria-label') ?? one.textContent.trim()) === label);
const dialog = (): HTMLElement | null => document.querySelector('dialog');

beforeEach(() => {
  language.texts = en;
  language.locale = 'en';
  document.body.innerHTML = '';
  session.me = { id: 'me', role: 'admin', preferences: {} } as unknown as Me;
  directory.clear();
  for (const name of ['Service', 'Sales']) directory.teams.set(name, { id: name, name, member_ids: [] } as unknown as Team);
  remove.mockReset().mockResolvedValue(undefined);
  failed.mockReset();
  shown = mount(Teams, { target: document.body });
  flushSync();
});
afterEach(() => unmount(shown));

const ask = (): void => {
  button('Remove Service')!.click();
  flushSync();
};

it('a team is removed once somebody is sure, and the focus stays on the list', async () => {
  ask();
  expect(dialog()?.textContent).toContain(en['teams.remove.conversations']);
  expect(dialog()?.textContent).toContain(en['teams.remove.none']);
  expect(document.getElementById(dialog()!.getAttribute('aria-describedby')!)?.textContent, 'read along with the title').toContain(en['teams.remove.conversations']);
  expect(remove).not.toHaveBeenCalled();
  button('Remove')!.click();
  await settle();
  expect(remove).toHaveBeenCalledWith('Service');
  expect([dialog(), directory.teams.has('Service'), button('Remove Service')]).toEqual([null, false, undefined]);
  expect(document.activeElement?.tagName).toBe('UL');
});

it('nothing happens to a team when somebody thinks again', () => {
  ask();
  button('Cancel')!.click();
  flushSync();
  expect([dialog(), remove.mock.calls.length]).toEqual([null, 0]);
});

it('says which accounts fewer people will see', () => {
  account('Brand', ['Service', 'Sales']);
  account('Shop', ['Sales', 'Service']);
  account('Elsewhere', ['Sales']);
  ask();
  expect(dialog()?.textContent).toContain('Brand and Shop stay visible to the other teams');
});

it('cannot go while everybody would then see an account, and names which, with the way to it', () => {
  account('Brand', ['Service']);
  account('Shop', ['Sales', 'Service']);
  ask();
  expect(dialog()?.textContent).toContain('Only this team may see this account; without it everybody would.');
  expect([...dialog()!.querySelectorAll('a')].map((one) => [one.textContent, one.getAttribute('href')])).toEqual([['Brand', '/settings/accounts/Brand']]);
  expect(button('Remove'), 'no dead control').toBeUndefined();
});

it('stays when the server refuses, with the reason', async () => {
  remove.mockRejectedValue(new ApiError({ type: 'about:blank', title: 'Conflict', status: 409, code: 'team.only_grant' }));
  ask();
  button('Remove')!.click();
  await settle();
  expect(directory.teams.has('Service')).toBe(true);
  expect(failed).toHaveBeenCalledWith(en['problem.team.only_grant'], en['cure.team.only_grant']);
});

it('is an admin’s to remove', () => {
  unmount(shown);
  session.me = { id: 'me', role: 'supervisor', preferences: {} } as unknown as Me;
  shown = mount(Teams, { target: document.body });
  flushSync();
  expect(button('Remove Service')).toBeUndefined();
});

it('a new name that is taken stays in its field; going back leaves the focus where it began', async () => {
  const patch = vi.spyOn(calls, 'patchTeam').mockRejectedValue(new ApiError({ type: 'about:blank', title: 'Conflict', status: 409, code: 'team.name_taken' }));
  button('Edit Service')!.click();
  flushSync();
  const field = document.querySelectorAll<HTMLInputElement>('input')[1]!;
  expect(document.activeElement).toBe(field);
  field.value = 'Sales';
  field.dispatchEvent(new Event('input', { bubbles: true }));
  field.closest('form')!.dispatchEvent(new Event('submit', { bubbles: true, cancelable: true }));
  await settle();
  expect(patch).toHaveBeenCalledWith('Service', { name: 'Sales' });
  expect(failed).toHaveBeenCalled();
  expect([field.isConnected, field.value]).toEqual([true, 'Sales']);
  field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }));
  await settle();
  expect(document.activeElement).toBe(button('Edit Service'));
});
