// What the tests of the inbox do again and again: look at rows and messages, bring in a question, bring in a colleague.
import type { APIRequestContext, Browser, BrowserContext, Page } from '@playwright/test';
import { expect, signInAs, type Locale } from './fixtures';
import type { Server } from './server';

export const rows = (page: Page) => page.locator('[id^="row-"]');
export const messages = (page: Page) => page.locator('[data-message]');

/** What the head of the conversation says about it. */
export const facts = (page: Page) => page.locator('main header .facts');

/** A customer asks something; opens the conversation when it stands in the queue, and gives its row's id. */
export async function open(page: Page, server: Server): Promise<string> {
  const mark = `vraag${Date.now()}`;
  await server.customer(`Waar blijft mijn pakket? ${mark}`);
  const row = rows(page).filter({ hasText: mark });
  await expect(row).toBeVisible({ timeout: 20_000 });
  const id = (await row.getAttribute('id'))!;
  await row.click();
  await expect(messages(page).filter({ hasText: mark })).toBeVisible();
  return id;
}

/** Takes the pointer and the focus away from the list, where nothing moves while they are on it. */
export async function leaveList(page: Page): Promise<void> {
  await page.locator('main h1').click();
}

/** A row's conversation. */
export const conversationOf = (row: string): string => row.replace(/^row-/, '');

export interface Colleague {
  context: BrowserContext;
  page: Page;
  api: APIRequestContext;
  name: string;
}

/** Somebody else at the same desk, with a browser of their own. */
export async function colleague(admin: APIRequestContext, browser: Browser, server: Server, lang: Locale): Promise<Colleague> {
  const name = `Daan ${Date.now()}`;
  const person = { email: `daan${Date.now()}@example.org`, password: 'een lange zin is goed' };
  const made = await admin.post(`${server.url}/api/users`, { headers: { origin: server.url }, data: { ...person, name, role: 'agent', locale: lang } });
  expect(made.status(), 'a colleague').toBe(201);
  const context = await browser.newContext({ baseURL: server.url, viewport: { width: 1440, height: 900 } });
  await signInAs(context.request, server, lang, person);
  return { context, page: await context.newPage(), api: context.request, name };
}
