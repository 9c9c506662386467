import { colleague, messages, open, rows } from './desk';
import { expect, test } from './fixtures';
import { words } from './words';

test('a mention stands in the queue while one looks, without a reload', async ({ inbox, server }) => {
  let loads = 0;
  await server.customer('de eerste', 'customer2');
  await expect(rows(inbox).filter({ hasText: 'de eerste' })).toBeVisible({ timeout: 20_000 });
  inbox.on('load', () => loads++);
  await server.customer('en nu nog iets', 'customer2');
  await expect(rows(inbox).filter({ hasText: 'en nu nog iets' })).toBeVisible({ timeout: 20_000 });
  expect(loads).toBe(0);
});

test('claim, note, tag and reply by keyboard alone; the reply is sent', async ({ inbox, server, lang }) => {
  const say = words(lang);
  await open(inbox, server);
  await inbox.keyboard.press('c');
  await expect(inbox.getByRole('button', { name: say('claim.mine') })).toHaveAttribute('aria-pressed', 'true');

  const mark = `toets${Date.now()}`;
  await inbox.keyboard.press('i');
  await inbox.keyboard.type(`Notitie ${mark}`);
  await inbox.keyboard.press('Control+Enter');
  await expect(messages(inbox).filter({ hasText: `Notitie ${mark}` })).toHaveCount(1);

  await inbox.locator('main h1').click();
  await inbox.keyboard.press('#');
  await inbox.keyboard.type(mark);
  await inbox.keyboard.press('Enter');
  await expect(inbox.getByRole('button', { name: say('tag.remove', { name: mark }) })).toBeVisible();

  await inbox.locator('main h1').click();
  await inbox.keyboard.press('r');
  await inbox.keyboard.type(`Antwoord ${mark}`);
  await inbox.keyboard.press('Control+Shift+Enter');
  const reply = messages(inbox).filter({ hasText: `Antwoord ${mark}` });
  await expect(reply).toHaveCount(1);
  await expect(reply.getByText(say('delivery.sent'), { exact: true })).toBeVisible({ timeout: 30_000 });
});

test('a colleague sees the claim and the note at once', async ({ inbox, api, browser, server, lang }) => {
  const say = words(lang);
  await open(inbox, server);
  const daan = await colleague(api, browser, server, lang);
  await daan.page.goto(inbox.url());
  await expect(messages(daan.page).first()).toBeVisible();
  const claim = daan.page.locator('main').getByRole('button', { name: say('claim.take') });
  await expect(claim).toBeEnabled();

  await inbox.keyboard.press('c');
  await expect(claim).toBeDisabled();
  const text = `Voor jullie ${Date.now()}`;
  await inbox.keyboard.press('i');
  await inbox.keyboard.type(text);
  await inbox.keyboard.press('Control+Enter');
  await expect(messages(daan.page).filter({ hasText: text })).toHaveCount(1);
  await daan.context.close();
});

test('what was being written survives a reload', async ({ inbox, server, lang }) => {
  const say = words(lang);
  await open(inbox, server);
  await inbox.keyboard.press('r');
  const text = `Nog niet af ${Date.now()}`;
  await inbox.keyboard.type(text);
  await expect(inbox.getByText(new RegExp(`${say('draft.server')}|${say('draft.local')}`))).toBeVisible();
  await inbox.reload();
  await expect(inbox.getByRole('textbox', { name: say('composer.label.public') })).toHaveValue(text);
});

test('when the server dies the page says so, keeps the draft, and goes on when it is back', async ({ inbox, server, lang }) => {
  const say = words(lang);
  await open(inbox, server);
  await inbox.keyboard.press('r');
  const text = `Tijdens de storing ${Date.now()}`;
  await inbox.keyboard.type(text);
  await server.kill();
  await expect(inbox.getByRole('strong').filter({ hasText: say('offline.title') })).toBeVisible({ timeout: 20_000 });
  await server.start();
  await expect(inbox.getByRole('strong').filter({ hasText: say('offline.title') })).toBeHidden({ timeout: 30_000 });
  await expect(inbox.getByRole('textbox', { name: say('composer.label.public') })).toHaveValue(text);
  await inbox.keyboard.press('Control+Shift+Enter');
  const reply = messages(inbox).filter({ hasText: text });
  await expect(reply).toHaveCount(1, { timeout: 20_000 });
  await expect(reply.getByText(say('delivery.sent'), { exact: true })).toBeVisible({ timeout: 30_000 });
});

test('closing takes a conversation out of the queue and can be undone', async ({ inbox, server, lang }) => {
  const say = words(lang);
  const id = await open(inbox, server);
  await inbox.keyboard.press('d');
  await expect(inbox.locator('main').getByText(say('status.closed'), { exact: true })).toBeVisible();
  await inbox.keyboard.press('u');
  await expect(inbox.locator('main').getByText(say('status.open'), { exact: true })).toBeVisible();
  await expect(inbox.locator(`#${id}`)).toBeVisible();
});

test('on a phone: list, conversation, back @phone', async ({ inbox, server, lang }) => {
  const say = words(lang);
  await open(inbox, server);
  await expect(inbox.getByRole('region', { name: say('queue.list') })).toBeHidden();
  await inbox.getByRole('button', { name: say('back') }).click();
  await expect(inbox.getByRole('region', { name: say('queue.list') })).toBeVisible();
});
