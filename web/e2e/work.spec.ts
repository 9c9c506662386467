// What an agent does with a conversation besides answering it, by mouse and by key.
import type { Page } from '@playwright/test';
import { colleague, conversationOf, facts, leaveList, open, rows } from './desk';
import { expect, test } from './fixtures';
import { words, type Say } from './words';

/** Picks from the chooser that is open, with the mouse. */
const pick = (page: Page, label: string | RegExp) => page.getByRole('dialog').getByRole('option', { name: label }).click();

test('assigning to me, a colleague and nobody, by key; the colleague sees it live', async ({ inbox, api, browser, server, lang }) => {
  const say = words(lang);
  const daan = await colleague(api, browser, server, lang);
  const row = await open(inbox, server);
  // Daan looks at what is his.
  await daan.page.goto('/inbox?assignee=me');
  await expect(daan.page.getByRole('region', { name: say('queue.list') })).toBeVisible();
  // This customer may have been helped before, and it is then still whose it was.
  const put = await api.put(`${server.url}/api/conversations/${conversationOf(row)}/assignee`, {
    headers: { origin: server.url },
    data: { user_id: null, team_id: null },
  });
  expect(put.status()).toBe(200);
  await expect(facts(inbox)).toContainText(say('assigned_nobody'));

  await leaveList(inbox);
  await inbox.keyboard.press('Shift+A');
  await expect(facts(inbox)).toContainText(say('assigned_me'));
  await expect(daan.page.locator(`#${row}`)).toHaveCount(0);

  await inbox.keyboard.press('a');
  await inbox.keyboard.type(daan.name);
  await inbox.keyboard.press('Enter');
  await expect(facts(inbox)).toContainText(say('assigned_to', { name: daan.name }));
  await expect(daan.page.locator(`#${row}`), 'stands on the colleague’s page, without a reload').toBeVisible();

  await inbox.keyboard.press('a');
  await inbox.keyboard.type(say('assign.nobody'));
  await inbox.keyboard.press('Enter');
  await expect(facts(inbox)).toContainText(say('assigned_nobody'));
  await expect(daan.page.locator(`#${row}`)).toHaveCount(0);
  await daan.context.close();
});

test('assigning to me, a colleague and nobody, by mouse; the colleague reads whose it is', async ({ inbox, api, browser, server, lang }) => {
  const say = words(lang);
  const daan = await colleague(api, browser, server, lang);
  await open(inbox, server);
  await daan.page.goto(inbox.url());
  const button = inbox.getByRole('toolbar', { name: say('toolbar') }).getByRole('button', { name: say('command.work.assign') });

  await button.click();
  await pick(inbox, daan.name);
  await expect(facts(inbox)).toContainText(say('assigned_to', { name: daan.name }));
  await expect(facts(daan.page)).toContainText(say('assigned_me'));

  await button.click();
  await pick(inbox, new RegExp(`\\(${say('you')}\\)`));
  await expect(facts(inbox)).toContainText(say('assigned_me'));
  await expect(facts(daan.page)).toContainText(say('assigned_to', { name: 'Admin' }));

  await button.click();
  await pick(inbox, say('assign.nobody'));
  await expect(facts(daan.page)).toContainText(say('assigned_nobody'));
  await daan.context.close();
});

/** The row has left the open list and stands among the snoozed. */
async function isSnoozed(page: Page, row: string, say: Say): Promise<void> {
  await expect(facts(page)).toContainText(say('status.snoozed'));
  await leaveList(page);
  await expect(page.locator(`#${row}`)).toHaveCount(0);
  await page.keyboard.press('g');
  await page.keyboard.press('z');
  await expect(page.locator(`#${row}`)).toBeVisible();
}

test('snoozing with a preset by mouse, and by key with words; the row leaves the list and stands under snoozed', async ({ inbox, server, lang }) => {
  const say = words(lang);
  const first = await open(inbox, server);
  await inbox.getByRole('toolbar', { name: say('toolbar') }).getByRole('button', { name: say('command.work.snooze') }).click();
  await pick(inbox, new RegExp(say('snooze.hour')));
  await isSnoozed(inbox, first, say);

  await inbox.goto('/inbox');
  const second = await open(inbox, server);
  await leaveList(inbox);
  await inbox.keyboard.press('z');
  await inbox.keyboard.type(lang === 'nl' ? 'morgen 9' : 'tomorrow 9');
  await inbox.keyboard.press('Enter');
  await isSnoozed(inbox, second, say);
});

test('what was snoozed is back in the list by itself when its time comes, and says why', async ({ inbox, api, server, lang }) => {
  const say = words(lang);
  const row = await open(inbox, server);
  await leaveList(inbox);
  const put = await api.put(`${server.url}/api/conversations/${conversationOf(row)}/snooze`, {
    headers: { origin: server.url },
    data: { until: Date.now() + 2500 },
  });
  expect(put.status()).toBe(200);
  await expect(inbox.locator(`#${row}`)).toHaveCount(0);
  await expect(inbox.locator(`#${row}`)).toBeVisible({ timeout: 30_000 });
  await expect(inbox.locator(`#${row}`)).toContainText(say('why.snooze_over'));
  await expect(facts(inbox)).toContainText(say('status.open'));
});

test('priority by key and by mouse moves a conversation and says so', async ({ inbox, server, lang }) => {
  const say = words(lang);
  const row = await open(inbox, server);
  await leaveList(inbox);
  await inbox.keyboard.press('p');
  await inbox.keyboard.press('Enter');
  await expect(facts(inbox)).toContainText(say('why.priority.urgent'));
  await expect(inbox.locator(`#${row}`)).toContainText(say('priority.urgent'));
  await expect(rows(inbox).first(), 'the most urgent stands first').toHaveAttribute('id', row);

  await inbox.getByRole('toolbar', { name: say('toolbar') }).getByRole('button', { name: say('command.work.priority') }).click();
  await pick(inbox, say('priority.normal'));
  await expect(facts(inbox)).not.toContainText(say('why.priority.urgent'));
});

test('closing and reopening by key: the row goes to closed and comes back', async ({ inbox, server, lang }) => {
  const say = words(lang);
  const row = await open(inbox, server);
  await leaveList(inbox);
  await inbox.keyboard.press('d');
  await expect(facts(inbox)).toContainText(say('status.closed'));
  await expect(inbox.locator(`#${row}`)).toHaveCount(0);
  await inbox.keyboard.press('g');
  await inbox.keyboard.press('d');
  await expect(inbox.locator(`#${row}`)).toBeVisible();
  await inbox.locator(`#${row}`).click();
  await leaveList(inbox);
  await inbox.keyboard.press('o');
  await expect(facts(inbox)).toContainText(say('status.open'));
  await expect(inbox.locator(`#${row}`)).toHaveCount(0);
  await inbox.keyboard.press('g');
  await inbox.keyboard.press('i');
  await expect(inbox.locator(`#${row}`)).toBeVisible();
});

test('closing over a message that the screen has not shown is refused in words; with it seen it closes', async ({ inbox, server, lang }) => {
  const say = words(lang);
  await open(inbox, server);
  await leaveList(inbox);
  // As from a screen that the question has not reached.
  await inbox.route('**/status', (route) => route.continue({ postData: { ...route.request().postDataJSON(), seen_count: 0 } }), { times: 1 });
  await inbox.keyboard.press('d');
  await expect(inbox.getByRole('paragraph').filter({ hasText: say('problem.conversation.moved') })).toBeVisible();
  await expect(facts(inbox)).toContainText(say('status.open'));
  await inbox.keyboard.press('d');
  await expect(facts(inbox)).toContainText(say('status.closed'));
});
