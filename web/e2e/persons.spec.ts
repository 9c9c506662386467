// One person with two handles: linked and taken apart by one key each.
import { leaveList, messages, rows } from './desk';
import { accessible, expect, fits, test } from './fixtures';
import { words } from './words';

test('two handles become one person by key, with both histories, and two again', async ({ inbox, server, lang }) => {
  const say = words(lang);
  const mark = `wie${Date.now()}`;
  await server.customer(`Ik ben klant een ${mark}`);
  await server.customer(`Ik ben klant twee ${mark}`, 'customer2');
  const one = rows(inbox).filter({ hasText: `een ${mark}` });
  const other = rows(inbox).filter({ hasText: `twee ${mark}` });
  await expect(one).toBeVisible({ timeout: 20_000 });
  await expect(other).toBeVisible({ timeout: 20_000 });
  await one.click();
  await expect(messages(inbox).filter({ hasText: `een ${mark}` })).toBeVisible();
  await leaveList(inbox);
  const person = inbox.getByRole('complementary', { name: say('person') });
  if (!(await person.isVisible())) await inbox.keyboard.press('h');
  await expect(person.locator('.identities li')).toHaveCount(1);

  await inbox.keyboard.press('-');
  await expect(inbox.getByText(say('person.unlink.none'))).toBeVisible();

  await inbox.keyboard.press('=');
  await inbox.keyboard.type('customer2');
  await expect(inbox.getByRole('dialog').getByRole('option')).toHaveCount(1);
  await accessible(inbox, 'choosing a person');
  await inbox.keyboard.press('Enter');
  await expect(person.locator('.identities li')).toHaveCount(2);
  await expect(person.getByText(`twee ${mark}`)).toBeVisible();
  await fits(inbox, 'a linked person');
  await accessible(inbox, 'a linked person');

  await inbox.keyboard.press('-');
  await expect(person.locator('.identities li')).toHaveCount(1);
  await expect(person.getByText(`twee ${mark}`)).toHaveCount(0);
});
