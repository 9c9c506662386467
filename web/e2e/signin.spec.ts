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

test('signing out asks before words are lost, says when it failed, and then leaves nothing behind', async ({ inbox, api, server, lang }) => {
  const say = words(lang);
  const { id } = (await (await api.get(`${server.url}/api/me`)).json()) as { id: string };
  const key = `balie.draft.${id}.somewhere`;
  await inbox.goto('/settings/me');
  const out = inbox.getByRole('main').getByRole('button', { name: say('signout') });
  await expect(out).toBeVisible();
  await inbox.evaluate(([name, text]) => localStorage.setItem(name, text), [key, JSON.stringify({ text: 'Hoi', note: '', at: Date.now() })] as const);

  const unreachable = '**/api/session';
  await inbox.route(unreachable, (route) => (route.request().method() === 'DELETE' ? route.abort() : route.continue()));
  await out.click();
  const question = inbox.getByRole('dialog', { name: say('signout.unsent') });
  await accessible(inbox, 'the question before signing out');
  await question.getByRole('button', { name: say('signout') }).click();
  await expect(inbox.getByText(say('signout.failed')).first()).toBeVisible();
  await expect(out).toBeVisible();
  expect(await inbox.evaluate((name) => localStorage.getItem(name), key), 'the words are still there').not.toBeNull();

  await inbox.unroute(unreachable);
  await out.click();
  await question.getByRole('button', { name: say('signout') }).click();
  await expect(inbox.getByLabel(say('signin.password'))).toBeVisible();
  expect(await inbox.evaluate((name) => localStorage.getItem(name), key)).toBeNull();
  expect((await inbox.request.get('/api/me')).status()).toBe(401);
});

test('who is not signed in sees nothing but the sign-in page', async ({ page, lang }) => {
  const say = words(lang);
  for (const path of ['/inbox', '/board', '/settings/accounts']) {
    await page.goto(path);
    await expect(page.getByLabel(say('signin.password'))).toBeVisible();
  }
  expect((await page.request.get('/api/conversations')).status()).toBe(401);
});
