// The web chat with two real browsers: a visitor on somebody else's site, an agent in the inbox, and the real server between.
import type { Page } from '@playwright/test';
import { accessible, closedNow, expect, test, type Visitor } from './widget';
import { words } from './words';

const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');

const rows = (agent: Page) => agent.locator('[id^="row-"]');
const messages = (agent: Page) => agent.locator('[data-message]');

/** The agent opens the conversation in which this was said. */
async function take(agent: Page, text: string): Promise<void> {
  const row = rows(agent).filter({ hasText: text });
  await expect(row).toBeVisible({ timeout: 20_000 });
  await row.click();
  await expect(messages(agent).filter({ hasText: text })).toBeVisible();
  // While the pointer or the focus is on the list, newcomers wait behind "1 new".
  await agent.locator('main h1').click();
}

async function answer(agent: Page, text: string): Promise<void> {
  await agent.locator('main h1').click();
  await agent.keyboard.press('r');
  await agent.keyboard.type(text);
  await agent.keyboard.press('Control+Shift+Enter');
  await expect(messages(agent).filter({ hasText: text })).toHaveCount(1);
}

/** On the site with the chat open, and the first words said. */
async function begin(visitor: Visitor, url: string, text: string): Promise<void> {
  await visitor.page.goto(url);
  await visitor.open();
  await visitor.send(text);
  await expect(visitor.message(text)).toContainText(visitor.say('state.sent'));
}

test('the whole story: ask, claim, type, answer, see, close, rate; both screens live', async ({ chat, site, visitor, agent, lang }) => {
  const say = words(lang);
  await chat({ quick_replies: 'Waar is mijn bestelling?' });
  const sanne = await visitor();
  let loads = 0;
  agent.on('load', () => loads++);
  await sanne.page.goto(site.url);
  await sanne.open();
  await sanne.frame.getByRole('button', { name: 'Waar is mijn bestelling?' }).click();
  await take(agent, 'Waar is mijn bestelling?');

  await agent.locator('main h1').click();
  await agent.keyboard.press('r');
  await agent.keyboard.type('Ik kijk even, ');
  await expect(sanne.frame.locator('.typing')).not.toBeEmpty();
  await expect(sanne.message('Waar is mijn bestelling?')).toContainText(sanne.say('state.seen'));
  await agent.keyboard.type('wat is je nummer?');
  await agent.keyboard.press('Control+Shift+Enter');
  await expect(sanne.message('wat is je nummer?')).toBeVisible();
  await expect(sanne.frame.locator('.typing')).toBeEmpty();

  await sanne.send('K-2041 👍');
  await expect(messages(agent).filter({ hasText: 'K-2041' })).toHaveCount(1);

  await agent.locator('main h1').click();
  await agent.keyboard.press('d');
  await expect(agent.locator('main').getByText(say('status.closed'), { exact: true })).toBeVisible();
  const rating = sanne.frame.getByRole('group', { name: sanne.say('rating.title') });
  await rating.getByRole('radio', { name: '4' }).check({ force: true });
  await sanne.frame.getByLabel(sanne.say('rating.comment')).fill('Snel geholpen');
  await sanne.frame.locator('.rating').getByRole('button', { name: sanne.say('rating.send') }).click();
  await expect(sanne.frame.getByText(sanne.say('rating.thanks'))).toBeVisible();
  await expect(agent.getByText('Snel geholpen').first()).toBeVisible();
  expect(loads).toBe(0);
});

test('nothing is lost or doubled when the server dies in between, in both directions', async ({ chat, site, visitor, agent, balie }) => {
  await chat();
  const sanne = await visitor();
  await begin(sanne, site.url, 'vooraf');
  await take(agent, 'vooraf');
  await balie.kill();
  await expect(sanne.frame.locator('.banner')).toHaveText(sanne.say('link.broken'), { timeout: 20_000 });
  for (const text of ['storing een', 'storing twee', 'storing drie']) await sanne.send(text);
  await expect(sanne.message('storing drie')).toContainText(sanne.say('state.sending'));
  await balie.start();
  // Sent, or seen already: the agent has the conversation open.
  await expect(sanne.message('storing drie').locator('.state')).toHaveClass(/sent|seen/, { timeout: 45_000 });
  await expect(sanne.frame.locator('.banner')).toBeEmpty({ timeout: 45_000 });
  for (const text of ['storing een', 'storing twee', 'storing drie']) {
    await expect(messages(agent).filter({ hasText: text })).toHaveCount(1, { timeout: 30_000 });
    await expect(sanne.message(text)).toHaveCount(1);
  }
  const order = (await messages(agent).allInnerTexts()).flatMap((text) => /storing (\w+)/.exec(text)?.[1] ?? []);
  expect(order).toEqual(['een', 'twee', 'drie']);
  await answer(agent, 'alles is er nog');
  await expect(sanne.message('alles is er nog')).toHaveCount(1);
});

test('without a network words wait, outlive a reload, and what was said meanwhile is there', async ({ chat, site, visitor, agent }) => {
  await chat();
  const sanne = await visitor();
  await begin(sanne, site.url, 'vooraf');
  await take(agent, 'vooraf');
  // The chat's calls fail as in a tunnel; pages still load, so that one can be left.
  await sanne.page.context().route('**/visit/**', (route) => route.abort('internetdisconnected'));
  await sanne.send('vanuit de tunnel');
  await expect(sanne.message('vanuit de tunnel')).toContainText(sanne.say('state.sending'));
  await sanne.page.reload();
  await answer(agent, 'dit mis je even');
  await sanne.page.context().unroute('**/visit/**');
  await sanne.launcher.waitFor({ timeout: 45_000 });
  await expect(messages(agent).filter({ hasText: 'vanuit de tunnel' })).toHaveCount(1, { timeout: 45_000 });
  await sanne.open();
  await expect(sanne.message('vanuit de tunnel')).toHaveCount(1);
  await expect(sanne.message('dit mis je even')).toHaveCount(1);
});

test('the conversation goes along to another page and a second tab, with what is unread', async ({ chat, site, visitor, agent }) => {
  await chat();
  const sanne = await visitor();
  await begin(sanne, site.url, 'hallo daar');
  await take(agent, 'hallo daar');
  await sanne.text.press('Escape');
  await expect(sanne.launcher).toBeFocused();
  await answer(agent, 'dag Sanne');
  await expect(sanne.page.locator('#balie .badge')).toHaveText('1');
  await expect(sanne.page).toHaveTitle('(1) De Winkel');
  await sanne.page.getByRole('link', { name: 'Mand' }).click();
  await expect(sanne.page.locator('#balie .badge')).toHaveText('1');
  await expect(sanne.launcher).toHaveAccessibleName(new RegExp(sanne.say('unread', { n: '1' }).split('|')[0]!.replace('{n}', '1')));

  const tab = await sanne.page.context().newPage();
  await tab.goto(site.url);
  const there = tab.frameLocator('#balie iframe');
  await tab.locator('#balie .launch').click();
  await expect(there.locator('.message').filter({ hasText: 'dag Sanne' })).toBeVisible();
  await expect(sanne.page.locator('#balie .badge')).toBeHidden();
  await there.getByRole('textbox', { name: sanne.say('message') }).fill('uit het tweede tabblad');
  await there.getByRole('textbox', { name: sanne.say('message') }).press('Enter');
  await sanne.open();
  await expect(sanne.message('uit het tweede tabblad')).toHaveCount(1);
});

test('pictures are chosen or pasted, and shown on both sides; what is not taken is refused in words', async ({ chat, site, visitor, agent }) => {
  await chat();
  const sanne = await visitor();
  await begin(sanne, site.url, 'ik stuur een foto');
  await take(agent, 'ik stuur een foto');
  await sanne.frame.locator('input[type=file]').setInputFiles([
    { name: 'bon.png', mimeType: 'image/png', buffer: PNG },
    { name: 'virus.exe', mimeType: 'application/x-msdownload', buffer: Buffer.from('MZ') },
  ]);
  await expect(sanne.frame.locator('.hint')).toHaveText(sanne.say('error.unsupported_type'));
  await sanne.frame.getByRole('button', { name: sanne.say('remove', { name: 'virus.exe' }) }).click();
  await sanne.send('hier is hij');
  const mine = sanne.message('hier is hij');
  await expect(mine.locator('img[alt="bon.png"]')).toBeVisible();
  await expect(messages(agent).filter({ hasText: 'hier is hij' }).locator('img').first()).toBeVisible();

  // What lies about its kind is found out by its content.
  await sanne.frame.locator('input[type=file]').setInputFiles({ name: 'net-een-plaatje.png', mimeType: 'image/png', buffer: Buffer.from('<html><script>alert(1)</script></html>') });
  await expect(sanne.frame.locator('.hint')).toHaveText(sanne.say('error.unsupported_type'));
  await sanne.frame.getByRole('button', { name: sanne.say('remove', { name: 'net-een-plaatje.png' }) }).click();

  await sanne.text.evaluate((field, bytes) => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(bytes)], 'image.png', { type: 'image/png' }));
    field.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
  }, [...PNG]);
  await expect(sanne.frame.locator('.chips li:not(.busy)')).toHaveCount(1);
  await sanne.text.press('Enter');
  await expect(sanne.frame.locator('.picture img')).toHaveCount(2);
});

test('a site that is not on the list gets nothing, and is told why', async ({ chat, site, visitor }) => {
  await chat({ origins: 'https://ergens-anders.example' });
  const stranger = await visitor();
  const said: string[] = [];
  stranger.page.on('console', (m) => said.push(m.text()));
  const asked = stranger.page.waitForResponse(/\/visit\/.*\/config/);
  await stranger.page.goto(site.url);
  expect((await asked).status()).toBe(403);
  await expect.poll(() => said.find((text) => text.startsWith('Balie: '))).toBeTruthy();
  await expect(stranger.launcher).toBeHidden();
  expect(await stranger.page.locator('#balie iframe').count()).toBe(0);
});

test('a trigger invites; who declines is left alone, on the next page too', async ({ chat, site, visitor, agent }) => {
  await chat({ triggers: '1s /mand Twijfel je nog?\nevent:vertrek Iets onduidelijk?' });
  const sanne = await visitor();
  await sanne.page.goto(`${site.url}/mand`);
  await expect(sanne.teaser).toContainText('Twijfel je nog?');
  await accessible(sanne.page, 'an invitation');
  await sanne.teaser.getByRole('button', { name: sanne.say('teaser.decline') }).click();
  await expect(sanne.teaser).toHaveCount(0);
  await expect(sanne.launcher).toBeFocused();
  await sanne.page.reload();
  await sanne.launcher.waitFor();
  await sanne.page.evaluate(() => (window as unknown as { balie: (...all: unknown[]) => void }).balie('event', 'vertrek'));
  // The frame hears one word after the other: once it has opened and closed, it has also heard the event.
  await sanne.open();
  await sanne.text.press('Escape');
  await expect(sanne.launcher).toBeFocused();
  await expect(sanne.teaser).toHaveCount(0);

  const piet = await visitor();
  await piet.page.goto(`${site.url}/mand`);
  await piet.teaser.getByRole('button', { name: piet.say('teaser.open') }).click();
  await expect(piet.message('Twijfel je nog?')).toBeVisible();
  await piet.send('Ja, over de maat');
  await take(agent, 'Ja, over de maat');
});

test('questions first, agreement first; closed means a form, and the answer goes by mail', async ({ chat, site, visitor, agent, admin, balie }) => {
  const id = await chat({ prechat: 'name*\nonderwerp*: Onderwerp = Bestelling, Retour', consent: 'We bewaren dit 90 dagen.' });
  const sanne = await visitor();
  await sanne.page.goto(site.url);
  await sanne.open();
  const start = sanne.frame.getByRole('button', { name: sanne.say('prechat.start') });
  await start.click();
  await expect(sanne.frame.getByLabel(sanne.say('form.name'))).toBeFocused();
  await expect(sanne.frame.getByLabel(sanne.say('form.name'))).toHaveAttribute('aria-invalid', 'true');
  await sanne.frame.getByLabel(sanne.say('form.name')).fill('Sanne Jansen');
  await sanne.frame.getByLabel('Onderwerp').selectOption('Retour');
  await start.click();
  await expect(sanne.frame.getByLabel(sanne.say('consent'))).toBeFocused();
  await sanne.frame.getByLabel(sanne.say('consent')).check();
  await start.click();
  await expect(sanne.text).toBeFocused();
  await sanne.send('De schoenen zijn te klein');
  await take(agent, 'De schoenen zijn te klein');
  await expect(agent.getByText('Sanne Jansen').first()).toBeVisible();

  const closed = await admin.patch(`/api/accounts/${id}`, { headers: { origin: balie.url }, data: { settings: { hours: closedNow() } } });
  expect(closed.status(), await closed.text()).toBe(200);
  const piet = await visitor();
  await piet.page.goto(site.url);
  await piet.open();
  await expect(piet.frame.getByRole('heading', { name: piet.say('offline.title') })).toBeVisible();
  await piet.frame.getByLabel(piet.say('form.name')).fill('Piet');
  await piet.frame.getByLabel(piet.say('form.email')).fill('piet');
  await piet.frame.getByLabel('Onderwerp').selectOption('Bestelling');
  await piet.frame.getByLabel(piet.say('form.text')).fill('Wanneer zijn jullie open?');
  await piet.frame.getByLabel(piet.say('consent')).check();
  await piet.frame.getByRole('button', { name: piet.say('offline.send') }).click();
  await expect(piet.frame.getByText(piet.say('form.email.wrong'))).toBeVisible();
  await piet.frame.getByLabel(piet.say('form.email')).fill('piet@example.nl');
  await piet.frame.getByRole('button', { name: piet.say('offline.send') }).click();
  await expect(piet.frame.getByRole('heading', { name: new RegExp(`${piet.say('offline.mail', { email: 'piet@example.nl' })}|${piet.say('offline.chat')}`) })).toBeFocused();
  await take(agent, 'Wanneer zijn jullie open?');
});

test('keyboard alone: open, write, menu, end, rate, leave', async ({ chat, site, visitor, agent }) => {
  await chat();
  const sanne = await visitor();
  const { keyboard } = sanne.page;
  await sanne.page.goto(site.url);
  await sanne.launcher.waitFor();
  for (let i = 0; i < 3; i++) await keyboard.press('Tab');
  await expect(sanne.launcher).toBeFocused();
  await keyboard.press('Enter');
  await expect(sanne.text).toBeFocused();
  await keyboard.type('een regel');
  await keyboard.press('Shift+Enter');
  await keyboard.type('en nog een');
  await keyboard.press('Enter');
  await expect(sanne.message('en nog een')).toContainText(sanne.say('state.sent'));
  await take(agent, 'een regel');

  await sanne.frame.getByRole('button', { name: sanne.say('more') }).focus();
  await keyboard.press('Enter');
  await expect(sanne.frame.locator('.menu button').first()).toBeFocused();
  await keyboard.press('Escape');
  await expect(sanne.frame.getByRole('button', { name: sanne.say('more') })).toBeFocused();
  await keyboard.press('Enter');
  await sanne.frame.getByRole('button', { name: sanne.say('menu.end') }).press('Enter');
  await expect(sanne.frame.getByRole('heading', { name: sanne.say('end.title') })).toBeFocused();
  await keyboard.press('Tab');
  await keyboard.press('Enter');
  const group = sanne.frame.getByRole('group', { name: sanne.say('rating.title') });
  await expect(group).toBeVisible();
  await group.getByRole('radio', { name: '1' }).focus();
  await keyboard.press('ArrowRight');
  await expect(group.getByRole('radio', { name: '2' })).toBeChecked();
  await keyboard.press('Enter');
  await expect(sanne.frame.getByText(sanne.say('rating.thanks'))).toBeVisible();
  await expect(sanne.text).toBeFocused();
  await keyboard.press('Escape');
  await expect(sanne.launcher).toBeFocused();
});

test('who is blocked is told that the chat is shut; unblocked, they write on where they were, without a reload', async ({ chat, site, visitor, agent, lang }) => {
  const say = words(lang);
  await chat();
  const sanne = await visitor();
  await begin(sanne, site.url, 'stelletje dieven');
  await take(agent, 'stelletje dieven');
  const said = messages(agent).filter({ hasText: 'stelletje dieven' });
  await said.hover();
  await said.getByRole('button', { name: say('action.block') }).click();
  const sure = agent.getByRole('dialog');
  await accessible(agent, 'blocking somebody');
  await sure.getByRole('radio', { name: say('reason.abuse') }).check();
  await sure.getByRole('button', { name: say('action.block') }).click();
  await expect(agent.getByText(say('acted.block')).first()).toBeVisible();

  await sanne.send('hallo?');
  const shut = sanne.frame.getByRole('status').filter({ hasText: sanne.say('error.blocked') });
  await expect(shut).toBeVisible();
  await expect(sanne.text).toHaveCount(0);
  await expect(sanne.message('hallo?')).toContainText(sanne.say('retry'));
  await accessible(sanne.page, 'a chat that is shut for this visitor');
  // Also on the next page, and the words are kept.
  await sanne.page.getByRole('link', { name: 'Mand' }).click();
  await sanne.open();
  await expect(shut).toBeVisible();
  await expect(messages(agent).filter({ hasText: 'hallo?' })).toHaveCount(0);

  await expect(agent.getByText(say('blocked.notice'))).toBeVisible();
  await expect(agent.locator('main').getByText(say('reason.abuse'))).toBeVisible();
  await accessible(agent, 'a conversation with somebody who is blocked');
  await agent.getByRole('button', { name: say('action.unblock') }).last().click();
  await expect(agent.getByText(say('acted.unblock')).first()).toBeVisible();
  await expect(said.getByRole('button', { name: say('action.block') })).toHaveCount(1);
  await expect(agent.getByText(say('blocked.notice'))).toHaveCount(0);

  await sanne.page.keyboard.press('Escape');
  await sanne.open();
  await expect(shut).toHaveCount(0);
  await sanne.message('hallo?').getByRole('button', { name: sanne.say('retry') }).click();
  await expect(messages(agent).filter({ hasText: 'hallo?' })).toHaveCount(1);
  await sanne.send('sorry, ik was boos');
  await expect(sanne.message('sorry, ik was boos').locator('.state')).toHaveClass(/sent|seen/);
  await expect(messages(agent).filter({ hasText: 'sorry, ik was boos' })).toHaveCount(1);
  await answer(agent, 'Geeft niet');
  await expect(sanne.message('Geeft niet')).toBeVisible();
});
