// Connecting an account by clicking, at a platform that has an authorize page of its own.
import type { Page } from '@playwright/test';
import { accessible, expect, fits, test } from './fixtures';
import type { Server } from './server';
import { words, type Say } from './words';

/** From the accounts screen to the platform's own page. */
async function begin(page: Page, server: Server, say: Say): Promise<void> {
  await page.goto('/settings/accounts');
  await page.getByRole('button', { name: say('accounts.connect') }).click();
  await page.getByRole('button', { name: 'Mastodon' }).click();
  await page.getByLabel(/server/i).first().fill(server.platformUrl);
  await page.getByRole('button', { name: say('accounts.authorize') }).click();
  await expect(page.getByRole('heading', { name: 'Who are you?' })).toBeVisible();
  expect(page.url()).toContain(server.platformUrl);
}

test('a Mastodon account is connected by clicking, and is healthy @everywhere', async ({ inbox, server, lang }) => {
  const say = words(lang);
  await begin(inbox, server, say);
  await inbox.getByRole('button', { name: 'customer2', exact: true }).click();
  await expect(inbox).toHaveURL(/\/settings\/accounts\/[0-9a-f-]{36}$/);
  await expect(inbox.getByRole('heading', { level: 3 }).first()).toContainText('customer2');
  await expect(inbox.getByText(say('health.ok'), { exact: true })).toBeVisible({ timeout: 20_000 });
  await accessible(inbox, 'the account');
  await fits(inbox, 'the account');
});

test('who says no there reads here what happened and what to do @everywhere', async ({ inbox, api, server, lang }) => {
  const say = words(lang);
  const before = ((await (await api.get('/api/accounts')).json()) as unknown[]).length;
  await begin(inbox, server, say);
  await inbox.getByRole('button', { name: 'Deny' }).click();
  const told = inbox.getByRole('alert').filter({ hasText: lang === 'nl' ? 'toestemming' : 'Permission' });
  await expect(told).toBeVisible();
  await expect(inbox).toHaveURL(/\/settings\/accounts$/);
  await accessible(inbox, 'the refusal');
  expect(((await (await api.get('/api/accounts')).json()) as unknown[]).length, 'nothing was connected').toBe(before);
  // Told once, and the way on is there.
  await told.getByRole('button', { name: say('accounts.again') }).click();
  await expect(inbox.getByRole('button', { name: 'Mastodon' })).toBeVisible();
  await inbox.goto('/settings/accounts');
  await expect(told).toHaveCount(0);
});
