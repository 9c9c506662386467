import { expect, test } from './fixtures';
import { words } from './words';

test('the board shows what waits and moves by itself', async ({ inbox, api, server, lang }) => {
  const say = words(lang);
  await inbox.goto('/board');
  await expect(inbox.getByText(say('board.waiting'), { exact: true })).toBeVisible();
  const load = async () => (await (await api.get('/api/load')).json()) as { waiting: number; accounts: { name: string }[] };
  const now = await load();
  for (const account of now.accounts) await expect(inbox.getByText(account.name).first()).toBeVisible();
  const main = inbox.getByRole('main');
  const before = await main.innerText();
  await server.customer('nog een vraag voor het bord');
  await expect.poll(() => main.innerText(), { timeout: 40_000, message: 'the board moves' }).not.toBe(before);
});

test('the accounts screen shows every account', async ({ inbox, api }) => {
  await inbox.goto('/settings/accounts');
  const accounts = (await (await api.get('/api/accounts')).json()) as { name: string; health: { state: string } }[] | { items: { name: string }[] };
  const list = Array.isArray(accounts) ? accounts : accounts.items;
  expect(list.length).toBeGreaterThan(0);
  for (const account of list) await expect(inbox.getByText(account.name).first()).toBeVisible();
});
