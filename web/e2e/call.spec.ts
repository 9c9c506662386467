// A call on the telephone is written down without the mouse, and stands in the queue as everything else does.
import { leaveList, messages } from './desk';
import { accessible, expect, fits, test } from './fixtures';
import { words } from './words';

test('a call is written down with the keyboard alone, and called back @everywhere', async ({ inbox, api, page, server, lang }, info) => {
  const say = words(lang);
  const title = say('command.work.call');
  const mark = `Modem uitgevallen ${Date.now()}`;
  const dialog = inbox.getByRole('dialog', { name: title });

  // Where nobody answers a telephone there is nothing to write down.
  const known = (await (await api.get(`${server.url}/api/accounts`)).json()) as { channel: string }[];
  if (!known.some((one) => one.channel === 'phone')) {
    await inbox.keyboard.press('t');
    await expect(dialog).toHaveCount(0);
    const settings = { number: '020 123 4567', country: '+31', language: lang };
    const made = await api.post(`${server.url}/api/accounts`, { headers: { origin: server.url }, data: { channel: 'phone', name: 'Balie', settings } });
    expect(made.status(), await made.text()).toBe(201);
    await inbox.reload();
  }

  await expect(async () => {
    await inbox.keyboard.press('t');
    await expect(dialog).toBeVisible({ timeout: 500 });
  }).toPass();
  const notes = dialog.getByLabel(say('call.notes'));

  // What is missing is said where it is missing.
  await inbox.keyboard.press('Control+Enter');
  await expect(notes).toBeFocused();
  await expect(dialog.getByText(say('problem.call.empty'))).toBeVisible();
  await inbox.keyboard.type(mark);

  // Closed by accident: the words are still there.
  await inbox.keyboard.press('Escape');
  await expect(dialog).toHaveCount(0);
  await inbox.reload();
  await expect(async () => {
    await inbox.keyboard.press('t');
    await expect(dialog).toBeVisible({ timeout: 500 });
  }).toPass();
  await expect(notes).toHaveValue(mark);

  await dialog.getByLabel(say('call.number'), { exact: true }).focus();
  await inbox.keyboard.type('06 12345678');
  await inbox.keyboard.press('Tab');
  await inbox.keyboard.type('Noor de Wit');
  const after = dialog.getByLabel(say('call.after'), { exact: true });
  await after.focus();
  await inbox.keyboard.press('End');
  await expect(dialog.getByLabel(say('call.back.when'))).toBeVisible();
  await fits(inbox, 'a call');
  await accessible(inbox, 'a call');
  await inbox.screenshot({ path: info.outputPath('call.png') });
  await inbox.keyboard.press('ArrowUp');
  await inbox.keyboard.press('Control+Enter');

  // It opens, with whom and what about.
  await expect(dialog).toHaveCount(0);
  const said = messages(inbox).filter({ hasText: mark });
  await expect(said).toHaveCount(1);
  await expect(inbox.locator('main')).toContainText('Noor de Wit');
  await expect(inbox.locator('main')).toContainText(say('status.snoozed'));

  // They call again while their conversation is open: who they are need not be typed.
  await leaveList(page);
  await inbox.keyboard.press('t');
  await expect(dialog.getByLabel(say('call.number'), { exact: true })).toHaveValue('+31612345678');
  await expect(dialog.getByLabel(say('call.name'))).toHaveValue('Noor de Wit');
  await notes.fill('Doet het weer.');
  await inbox.keyboard.press('Control+Enter');
  await expect(messages(inbox)).toHaveCount(2);
});
