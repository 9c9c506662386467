// What every test of the page starts with: a server of the worker's own, and a page signed in as its admin, in the
// language, colours and size of the project. Console errors and failed requests fail the test.
import AxeBuilder from '@axe-core/playwright';
import { test as base, expect, type APIRequestContext, type Page, type TestInfo } from '@playwright/test';
import { Server, type Admin } from './server';

export type Locale = 'nl' | 'en';

interface Fixtures {
  explained: void;
  /** The page, signed in and at the inbox. */
  inbox: Page;
  /** The API as the same person, for arranging what a test needs. */
  api: APIRequestContext;
  lang: Locale;
}

/** What the servers said explains what the page did. */
export const explained = [
  // eslint-disable-next-line no-empty-pattern
  async ({}: object, use: () => Promise<void>, info: TestInfo): Promise<void> => {
    Server.begin();
    await use();
    if (info.status === info.expectedStatus && info.errors.length === 0) return;
    for (const body of Server.tails()) await info.attach('server.log', { body, contentType: 'text/plain' });
  },
  { auto: true },
] as [(args: object, use: () => Promise<void>, info: TestInfo) => Promise<void>, { auto: true }];

export const test = base.extend<Fixtures, { server: Server }>({
  server: [
    // eslint-disable-next-line no-empty-pattern
    async ({}, use) => {
      const server = new Server();
      try {
        await use(await server.start());
      } finally {
        await server.stop();
      }
    },
    { scope: 'worker', timeout: 60_000 },
  ],
  baseURL: async ({ server }, use) => use(server.url),
  lang: async ({ locale }, use) => use(locale?.startsWith('nl') ? 'nl' : 'en'),
  explained,
  page: async ({ page }, use) => {
    const wrong: string[] = [];
    page.on('pageerror', (e) => wrong.push(`exception: ${e.message}`));
    page.on('console', (m) => {
      // A refusal that the page handles (401, 409, 422) is logged by the browser itself; it is not a fault of the page.
      if (m.type() === 'error' && !/Failed to load resource|WebSocket connection/.test(m.text())) wrong.push(`console: ${m.text()}`);
    });
    await use(page);
    expect(wrong, 'nothing goes wrong unseen').toEqual([]);
  },
  api: async ({ context, server, lang }, use) => {
    await signIn(context.request, server, lang);
    await use(context.request);
  },
  inbox: async ({ page, api }, use) => {
    void api; // signs the browser's context in
    await page.goto('/');
    await use(page);
  },
});

/** Signs a context in over the API (the sign-in form has tests of its own) and sets the person's language. */
export async function signIn(request: APIRequestContext, server: Server, locale: Locale): Promise<void> {
  await signInAs(request, server, locale, server.admin);
}

export async function signInAs(request: APIRequestContext, server: Server, locale: Locale, person: Admin): Promise<void> {
  const headers = { origin: server.url };
  const signedIn = await request.post(`${server.url}/api/session`, { headers, data: person });
  expect(signedIn.status(), 'signed in').toBe(200);
  const set = await request.patch(`${server.url}/api/me`, { headers, data: { locale } });
  expect(set.status(), 'language set').toBe(200);
}

/** WCAG 2.2 AA by axe, on what the page shows now. */
export async function accessible(page: Page, what: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']).analyze();
  const told = violations.map((v) => `${v.id} (${v.impact}): ${v.help}\n${v.nodes.slice(0, 5).map((n) => `    ${n.target.join(' ')}  ${n.failureSummary?.replaceAll('\n', ' ')}`).join('\n')}`);
  expect(told, `${what} is accessible`).toEqual([]);
}

/** Nothing is wider than the window: no sideways scrolling at any size. */
export async function fits(page: Page, what: string): Promise<void> {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(over, `${what} fits in the window`).toBeLessThanOrEqual(0);
}

export { expect } from '@playwright/test';
