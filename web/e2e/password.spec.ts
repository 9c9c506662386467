import { accessible, expect, fits, test } from './fixtures';
import { Server } from './server';
import { words } from './words';

test('the first admin is asked for an own password, may do it later, and is reminded until it is done @everywhere', async ({ browser, lang, viewport }) => {
  const server = await new Server().start();
  try {
    const context = await browser.newContext({ baseURL: server.url, viewport, locale: lang === 'nl' ? 'nl-NL' : 'en-GB' });
    const page = await context.newPage();
    const signIn = async (password: string): Promise<void> => {
      await page.goto('/');
      await page.getByLabel(/e-?mail/i).fill(server.admin.email);
      await page.getByLabel(/^(password|wachtwoord)$/i).fill(password);
      await page.keyboard.press('Enter');
    };
    // The first admin reads English, whatever the browser says; who signs in on the same browser again does too.
    const then = words('en');
    await signIn(server.admin.password);
    await expect(page.getByRole('heading', { name: then('password.own.title') })).toBeVisible();
    await accessible(page, 'the question for an own password');
    await fits(page, 'the question for an own password');
    await page.getByRole('button', { name: then('password.own.later') }).click();
    await expect(page.getByRole('region', { name: then('queue.list') })).toBeVisible();
    await expect(page.getByRole('button', { name: then('password.own.title') })).toBeVisible();
    await accessible(page, 'the reminder');
    await fits(page, 'the reminder');

    await page.reload();
    await page.getByRole('button', { name: then('password.own.title') }).click();
    const dialog = page.getByRole('dialog', { name: then('password.own.title') });
    await dialog.getByLabel(then('me.password.current')).fill('not this one at all');
    await dialog.getByLabel(then('me.password.new')).fill('a sentence of my own');
    await page.keyboard.press('Enter');
    await expect(dialog.getByLabel(then('me.password.current'))).toHaveAttribute('aria-invalid', 'true');
    await dialog.getByLabel(then('me.password.current')).fill(server.admin.password);
    await page.keyboard.press('Enter');
    await expect(dialog).toHaveCount(0);
    await expect(page.getByRole('button', { name: then('password.own.title') })).toHaveCount(0);
    await page.reload();
    await expect(page.getByRole('region', { name: then('queue.list') })).toBeVisible();
    await expect(page.getByRole('button', { name: then('password.own.title') })).toHaveCount(0);
    await context.clearCookies();
    await signIn('a sentence of my own');
    await expect(page.getByRole('region', { name: then('queue.list') })).toBeVisible();
    await context.close();
  } finally {
    await server.stop();
  }
});
