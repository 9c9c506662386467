// Every screen in both languages, light and dark, wide and narrow: accessible, and not wider than the window.
// The pictures are kept in test-results/screens for eyes.
import { accessible, expect, fits, signIn, test, type Locale } from './fixtures';
import { words } from './words';

const screens = ['inbox', 'conversation', 'board', 'settings/me', 'settings/accounts', 'settings/agents', 'settings/teams', 'settings/tags', 'settings/tokens', 'settings/shortcuts', 'keys'] as const;
const looks: { lang: Locale; scheme: 'light' | 'dark'; width: number; height: number }[] = [
  { lang: 'nl', scheme: 'light', width: 1440, height: 900 },
  { lang: 'en', scheme: 'dark', width: 1440, height: 900 },
  { lang: 'nl', scheme: 'dark', width: 360, height: 740 },
  { lang: 'en', scheme: 'light', width: 360, height: 740 },
];

for (const look of looks) {
  test(`screens in ${look.lang}, ${look.scheme}, at ${look.width} px`, async ({ browser, server }, info) => {
    test.setTimeout(120_000);
    const context = await browser.newContext({
      baseURL: server.url,
      colorScheme: look.scheme,
      locale: look.lang === 'nl' ? 'nl-NL' : 'en-GB',
      viewport: { width: look.width, height: look.height },
      reducedMotion: 'reduce',
    });
    await server.customer('Waar blijft mijn pakket? 📦');
    await server.customer('Mooie actie, tot wanneer loopt die?', 'customer2');
    await signIn(context.request, server, look.lang);
    const page = await context.newPage();
    const say = words(look.lang);
    for (const screen of screens) {
      await page.goto(screen === 'conversation' || screen === 'keys' ? '/inbox' : `/${screen}`);
      const row = page.locator('[id^="row-"]').first();
      if (screen === 'inbox' || screen === 'conversation' || screen === 'keys') await expect(row).toBeVisible({ timeout: 30_000 });
      if (screen === 'conversation') {
        await row.click();
        await expect(page.locator('[data-message]').first()).toBeVisible();
      }
      if (screen === 'keys') {
        await page.keyboard.press('?');
        await expect(page.getByRole('dialog', { name: say('keys.title') })).toBeVisible();
      }
      await page.waitForLoadState('networkidle').catch(() => undefined);
      const what = `${screen} in ${look.lang}, ${look.scheme}, ${look.width} px`;
      await page.screenshot({ path: `test-results/screens/${screen.replace('/', '-')}-${look.lang}-${look.scheme}-${look.width}.png` });
      await expect(page.locator('html')).toHaveAttribute('lang', look.lang);
      await fits(page, what);
      await accessible(page, what);
    }
    info.annotations.push({ type: 'screens', description: String(screens.length) });
    await context.close();
  });
}
