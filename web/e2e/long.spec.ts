import { messages, open } from './desk';
import { accessible, expect, test } from './fixtures';
import { words } from './words';

/** Sentences with a number each, so that a lost or doubled one shows. */
const sentences = (mark: string, count: number): string =>
  Array.from({ length: count }, (_, n) => `Zin ${mark} nummer ${n} legt precies uit hoe je het pakket terugstuurt.`).join(' ');

test('a reply that is too long is counted, never cut, and sent in the parts that were shown, in order', async ({ inbox, server, lang }) => {
  const say = words(lang);
  await open(inbox, server);
  const mark = `m${Date.now()}`;
  const text = sentences(mark, 15);
  await inbox.keyboard.press('r');
  const field = inbox.getByRole('textbox', { name: say('composer.label.public') });
  await field.fill(text);

  // The counter says by how much, and sending it whole is not possible, by button or by key.
  const over = say('counter.over', { n: '(\\d+)' });
  await expect(inbox.locator('#composer-counter')).toHaveText(new RegExp(over));
  await expect(inbox.getByRole('button', { name: say('send.public') })).toBeDisabled();
  await inbox.keyboard.press('Control+Enter');
  await expect(messages(inbox).filter({ hasText: mark })).toHaveCount(0);
  await expect(field).toHaveValue(text);

  const offer = inbox.locator('.parts');
  await expect(offer).toBeVisible();
  await accessible(inbox, 'the offer to split');
  const parts = (await offer.locator('li').allInnerTexts()).map((part) => part.trim());
  expect(parts.length).toBeGreaterThan(1);
  expect(parts.join(' ').match(/nummer \d+/g), 'every sentence once, in order').toEqual(text.match(/nummer \d+/g));

  await offer.getByRole('button', { name: say('split.send', { n: String(parts.length) }) }).click();
  const said = await server.brandSaid(mark, parts.length);
  expect(said.map((one) => one.match(/nummer \d+/g)), 'as the customers read it').toEqual(parts.map((part) => part.match(/nummer \d+/g)));
});
