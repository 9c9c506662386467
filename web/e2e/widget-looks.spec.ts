// How the web chat looks: both languages, light and dark, a phone of 320 px, high contrast, right to left. Every state is
// accessible and fits; the pictures are kept in test-results/widget for eyes.
import { createHmac } from 'node:crypto';
import { fits, type Locale } from './fixtures';
import { accessible, closedNow, expect, test } from './widget';

const looks: { lang: Locale; scheme: 'light' | 'dark'; width: number; height: number; contrast?: boolean; rtl?: boolean }[] = [
  { lang: 'nl', scheme: 'light', width: 1100, height: 800 },
  { lang: 'en', scheme: 'dark', width: 1100, height: 800, rtl: true },
  { lang: 'nl', scheme: 'dark', width: 320, height: 640 },
  { lang: 'en', scheme: 'light', width: 400, height: 760, contrast: true },
];

for (const look of looks) {
  const name = `${look.lang}-${look.scheme}-${look.width}`;
  test(`the chat in ${name}${look.contrast ? ', forced colours' : ''}${look.rtl ? ', right to left' : ''}`, async ({ chat, site, visitor, balie, admin }) => {
    test.setTimeout(120_000);
    const id = await chat({
      quick_replies: 'Waar is mijn bestelling?\nIets anders',
      prechat: 'name*\nonderwerp: Onderwerp = Bestelling, Retour',
      consent: 'We bewaren dit gesprek 90 dagen.',
      triggers: '0s /mand Kunnen we helpen?',
    });
    site.options = { lang: look.lang, dir: look.rtl ? 'rtl' : 'ltr' };
    const locale = look.lang === 'nl' ? 'nl-NL' : 'en-GB';
    const one = await visitor({ locale, colorScheme: look.scheme, viewport: look, reducedMotion: 'reduce', ...(look.contrast ? { forcedColors: 'active' as const } : {}) });
    const { page, frame, say } = one;
    const shot = async (state: string): Promise<void> => {
      await page.screenshot({ path: `test-results/widget/${name}-${state}.png` });
      await fits(page, `${state} in ${name}`);
      await accessible(page, `${state} in ${name}`);
    };
    await page.goto(`${site.url}/mand`);
    await one.teaser.waitFor();
    await shot('1-invitation');
    await one.teaser.getByRole('button', { name: say('teaser.decline') }).click();
    await one.open();
    await frame.getByRole('button', { name: say('prechat.start') }).click();
    await expect(frame.locator('html')).toHaveAttribute('lang', look.lang);
    await shot('2-questions');
    await frame.getByLabel(say('form.name')).fill('Sanne');
    await frame.getByLabel(say('consent')).check();
    await frame.getByRole('button', { name: say('prechat.start') }).click();
    await expect(one.text).toBeFocused();
    await page.screenshot({ path: `test-results/widget/${name}-3-empty.png` });
    await one.send('Dag! Zie https://www.example.nl/een/heel/lang/adres/dat-niet-past-op-een-telefoon?en=nog&wat=meer');
    await one.send('👍');
    await one.send('مرحبا، أين طلبي؟');
    await expect(frame.locator('.state.sent')).toBeVisible();
    await shot('4-said');
    await frame.getByRole('button', { name: say('more') }).click();
    await page.screenshot({ path: `test-results/widget/${name}-5-menu.png` });
    await frame.getByRole('button', { name: say('menu.end') }).click();
    await frame.getByRole('button', { name: say('end.yes') }).click();
    await frame.getByRole('group', { name: say('rating.title') }).getByRole('radio', { name: '5' }).check({ force: true });
    await shot('7-rating');
    await page.context().route('**/visit/**', (route) => route.abort());
    await balie.kill();
    await one.send('ben je er nog?');
    await expect(frame.locator('.banner')).not.toBeEmpty({ timeout: 30_000 });
    await page.screenshot({ path: `test-results/widget/${name}-8-offline.png` });
    await balie.start();
    await page.context().unroute('**/visit/**');
    await admin.patch(`/api/accounts/${id}`, { headers: { origin: balie.url }, data: { settings: { hours: closedNow() } } });
    const other = await visitor({ locale, colorScheme: look.scheme, viewport: look, ...(look.contrast ? { forcedColors: 'active' as const } : {}) });
    await other.page.goto(site.url);
    await other.open();
    await expect(other.frame.getByRole('heading', { name: say('offline.title') })).toBeVisible();
    await other.page.screenshot({ path: `test-results/widget/${name}-9-closed.png` });
    await fits(other.page, `closed in ${name}`);
    await accessible(other.page, `closed in ${name}`);
  });
}

test('who signs out where the chat is not loaded leaves nothing for the next', async ({ chat, site, visitor }) => {
  // The same site as the server to the browser, so that the frame has storage of its own.
  const near = site.url.replace('localhost', '127.0.0.1');
  await chat({ origins: near });
  const attributes = 'data-load="click"';
  site.options = { attributes };
  const one = await visitor();
  await one.page.goto(near);
  await one.open();
  await one.send('van de vorige');
  await expect(one.message('van de vorige')).toContainText(one.say('state.sent'));
  site.options = { attributes, script: "balie('reset')" };
  await one.page.goto(`${near}/mand`);
  await expect(one.launcher).toBeVisible();
  site.options = { attributes };
  await one.page.goto(near);
  await one.open();
  await one.send('van de volgende');
  await expect(one.message('van de volgende')).toContainText(one.say('state.sent'));
  await expect(one.message('van de vorige')).toHaveCount(0);
});

test('a customer proven by the site has one conversation on every device, and nothing stays after logging out', async ({ chat, site, visitor }) => {
  const secret = 'een geheim van de winkel';
  await chat({ identity_secret: secret });
  const hash = (id: string): string => createHmac('sha256', secret).update(id).digest('hex');
  const identify = (id: string, user_hash: string): void => {
    site.options = { script: `balie('identify',${JSON.stringify({ id, user_hash, name: 'Sanne' })});window.heard=[];balie('on','error',e=>heard.push(e.code))` };
  };
  identify('klant-1', hash('klant-1'));
  const phone = await visitor();
  await phone.page.goto(site.url);
  await phone.open();
  await phone.send('vanaf mijn telefoon');
  await expect(phone.message('vanaf mijn telefoon')).toContainText(phone.say('state.sent'));

  const laptop = await visitor();
  await laptop.page.goto(site.url);
  await laptop.open();
  await expect(laptop.message('vanaf mijn telefoon')).toBeVisible();
  await laptop.page.evaluate(() => (window as unknown as { balie: (word: string) => void }).balie('reset'));
  site.options = {};
  await laptop.page.reload();
  await laptop.open();
  await expect(laptop.text).toBeFocused();
  await expect(laptop.message('vanaf mijn telefoon')).toHaveCount(0);

  identify('klant-1', hash('klant-2'));
  const thief = await visitor();
  await thief.page.goto(site.url);
  await expect.poll(() => thief.page.evaluate(() => (window as unknown as { heard: string[] }).heard)).toEqual(['identity_invalid']);
  await thief.open();
  await expect(thief.text).toBeVisible();
  await expect(thief.message('vanaf mijn telefoon')).toHaveCount(0);
});
