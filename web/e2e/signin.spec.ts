import { accessible, expect, fits, test } from './fixtures';
import { words } from './words';

test('a wrong password is refused with a reason, the right one opens the inbox @everywhere', async ({ page, server, lang }) => {
  const say = words(lang);
  await page.goto('/');
  await expect(page.getByLabel(say('signin.email'))).toBeFocused();
  await accessible(page, 'the sign-in page');
  await fits(page, 'the sign-in page');

  await page.keyboard.type(server.admin.email);
  await page.keyboard.press('Tab');
  await page.keyboard.type('not the password');
  await page.keyboard.press('Enter');
  await expect(page.getByLabel(say('signin.password'))).toHaveAttribute('aria-invalid', 'true');
  await expect(page.getByRole('alert').first()).not.toBeEmpty();
  await accessible(page, 'the refusal');

  await page.getByLabel(say('signin.password')).fill(server.admin.password);
  await page.keyboard.press('Enter');
  // The password is the first start's: the page asks for another (password.spec.ts), and goes on without.
  await page.getByRole('button', { name: /^(Later)$/ }).click();
  await expect(page.getByRole('region', { name: /conversations|gesprekken/i })).toBeVisible();
});

test('who is not signed in sees nothing but the sign-in page', async ({ page, lang }) => {
  const say = words(lang);
  for (const path of ['/inbox', '/board', '/settings/accounts']) {
    await page.goto(path);
    await expect(page.getByLabel(say('signin.password'))).toBeVisible();
  }
  expect((await page.request.get('/api/conversations')).status()).toBe(401);
});
