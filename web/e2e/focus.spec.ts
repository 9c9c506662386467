// The keyboard is never nowhere: after a change of page the focus is on the page, in a dialog on its first question; and the
// screens that only trouble brings are as accessible as the others.
import { accessible, expect, fits, test } from './fixtures';
import { words } from './words';

test('the focus goes where the page goes', async ({ inbox, lang }) => {
  const say = words(lang);
  const main = inbox.locator('#main');
  await expect(inbox.getByRole('heading', { level: 1 }).first()).toBeVisible();
  await inbox.keyboard.press('g');
  await inbox.keyboard.press('b');
  await expect(inbox).toHaveURL(/\/board$/);
  await expect(main).toBeFocused();
  await inbox.keyboard.press('g');
  await inbox.keyboard.press('s');
  await expect(inbox).toHaveURL(/\/settings/);
  await expect(main).toBeFocused();

  await inbox.getByRole('link', { name: say('settings.accounts') }).click();
  await inbox.getByRole('button', { name: say('accounts.connect') }).press('Enter');
  await expect(inbox).toHaveURL(/\/accounts\/new$/);
  await expect(main).toBeFocused();

  await inbox.getByRole('link', { name: say('settings.agents') }).click();
  const add = inbox.getByRole('button', { name: say('agents.add') });
  await add.press('Enter');
  await expect(inbox.getByRole('textbox', { name: say('agents.name') })).toBeFocused();
  await accessible(inbox, 'a new colleague');
  await inbox.keyboard.press('Escape');
  await expect(add).toBeFocused();
});

test('trouble is accessible too @everywhere', async ({ inbox, lang }) => {
  const say = words(lang);
  await expect(inbox.getByRole('heading', { level: 1 }).first()).toBeVisible();
  await inbox.keyboard.press('Control+k');
  await inbox.keyboard.type('qqxz');
  await expect(inbox.getByRole('dialog').getByText(say('picker.none'))).toBeVisible();
  await accessible(inbox, 'a palette without anything in it');
  await inbox.keyboard.press('Escape');

  await inbox.goto('/inbox/01a00000-0000-7000-8000-000000000000');
  await expect(inbox.getByRole('heading', { level: 1, name: say('problem.conversation.not_found') }).or(inbox.getByRole('heading', { level: 1, name: say('problem.not_found') }))).toBeVisible();
  await accessible(inbox, 'a conversation that is not there');
  await fits(inbox, 'a conversation that is not there');
});
