import { expect, signIn, test } from './fixtures';
import { Server } from './server';

test('a newcomer sees a living queue within a minute of the first start', async ({ browser, lang }) => {
  test.setTimeout(90_000);
  const server = await new Server(true).start();
  try {
    const context = await browser.newContext({ baseURL: server.url });
    await signIn(context.request, server, lang);
    const page = await context.newPage();
    await page.goto('/');
    const rows = page.locator('[id^="row-"]');
    await expect(rows.first()).toBeVisible({ timeout: 60_000 });
    const shown = () => rows.allInnerTexts();
    const before = await shown();
    await expect.poll(shown, { timeout: 60_000, message: 'it goes on by itself' }).not.toEqual(before);
    await context.close();
  } finally {
    await server.stop();
  }
});
