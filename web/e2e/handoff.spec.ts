// A form has no way back: the page says so, opens the way there is, and writes down what was answered. No dead buttons.
import type { APIRequestContext } from '@playwright/test';
import { facts, leaveList, messages, rows } from './desk';
import { accessible, expect, fits, test } from './fixtures';
import type { Server } from './server';
import { words } from './words';

/** The example form, as an admin would connect it; gives where it stands. */
async function form(api: APIRequestContext, server: Server): Promise<string> {
  const known = (await (await api.get(`${server.url}/api/accounts`)).json()) as { id: string; channel: string }[];
  const there = known.find((one) => one.channel === 'form');
  if (there) return `${server.url}/hooks/${there.id}`;
  const channels = (await (await api.get(`${server.url}/api/channels`)).json()) as { key: string; fields: { key: string; default: string | null }[] }[];
  const fields = channels.find((one) => one.key === 'form')?.fields ?? [];
  const settings = Object.fromEntries(fields.flatMap(({ key, default: value }) => (value ? [[key, value]] : [])));
  const made = await api.post(`${server.url}/api/accounts`, { headers: { origin: server.url }, data: { channel: 'form', name: 'Garantie', settings } });
  expect(made.status(), await made.text()).toBe(201);
  return `${server.url}/hooks/${((await made.json()) as { id: string }).id}`;
}

test('a claim from the form is answered by mail, written down, and closed with its outcome @everywhere', async ({ inbox, api, page, browser, server, lang }) => {
  const say = words(lang);
  const address = await form(api, server);
  const mark = `Lekt ${Date.now()}`;

  // The customer fills in the form in a browser of their own.
  const customer = await browser.newContext();
  const there = await customer.newPage();
  await there.goto(`${address}?lang=${lang}`);
  const fill = { name: 'Noor de Wit', email: 'noor@voorbeeld.nl', order: '2026-00412', bought: '2026-01-12', what: mark };
  for (const [name, value] of Object.entries(fill)) await there.locator(`[name="${name}"]`).fill(value);
  const wish = there.locator('[name="wish"]').first();
  if ((await wish.evaluate((one) => one.tagName)) === 'SELECT') await wish.selectOption('repair');
  else await there.locator('[name="wish"][value="repair"]').check();
  await there.locator('button[type="submit"], button:not([type])').first().click();
  await customer.close();

  const row = rows(inbox).filter({ hasText: 'Noor de Wit' }).first();
  await expect(row).toBeVisible({ timeout: 20_000 });
  const id = (await row.getAttribute('id'))!;
  await row.click();
  const claim = messages(inbox).filter({ hasText: mark });
  await expect(claim.locator('dl')).toContainText('2026-00412');
  await expect(claim).toContainText(say('due.before'));
  await expect(facts(inbox)).toContainText(say('due.before'));

  // The page says why not from here, and offers the way there is. There is nothing to attach, count or choose.
  const way = inbox.getByRole('link', { name: say('handoff.mail') });
  await expect(way).toHaveAttribute('href', /^mailto:noor@voorbeeld\.nl/);
  const field = inbox.getByRole('textbox', { name: say('handoff.label') });
  await expect(field).toBeEnabled();
  await expect(inbox.getByRole('button', { name: say('composer.attach') })).toHaveCount(0);
  await accessible(inbox, 'the hand-off');
  await fits(inbox, 'the hand-off');

  await field.fill('Gemaild: we repareren hem dinsdag.');
  await inbox.keyboard.press('Control+Shift+Enter');
  const said = messages(inbox).filter({ hasText: 'we repareren hem dinsdag' });
  await expect(said).toHaveCount(1);
  await expect(said.getByText(say('delivery.sent'), { exact: true })).toHaveCount(0);
  await expect(inbox.locator('main').getByText(say('from_elsewhere'))).toBeVisible();
  await expect(field).toHaveValue('');
  await expect(facts(inbox)).toContainText(say('status.pending'));

  // Closing asks what came of it.
  await leaveList(page);
  await inbox.keyboard.press('d');
  const repaired = lang === 'nl' ? 'Gerepareerd' : 'Repaired';
  await expect(inbox.getByRole('dialog').getByRole('option', { name: repaired })).toBeVisible();
  await accessible(inbox, 'the question for the outcome');
  await inbox.keyboard.type(repaired);
  await inbox.keyboard.press('Enter');
  await expect(facts(inbox)).toContainText(`${say('status.closed')}: ${repaired}`);
  const stored = (await (await api.get(`${server.url}/api/conversations/${id.replace(/^row-/, '')}`)).json()) as { row: { outcome: string } };
  expect(stored.row.outcome, 'one outcome counts as one, whoever chose it').toBe('Repaired');
});
