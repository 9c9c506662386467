// Somebody else's site with our chat on it: another site than the server to the browser (localhost, not 127.0.0.1), with a
// strict policy of its own; and the account, the visitors and the agent of a test.
import { createServer, type Server as Http } from 'node:http';
import type { AddressInfo } from 'node:net';
import AxeBuilder from '@axe-core/playwright';
import { expect, test as base, type APIRequestContext, type Browser, type BrowserContextOptions, type FrameLocator, type Page } from '@playwright/test';
import { en } from '../widget/src/frame/i18n/en';
import { nl } from '../widget/src/frame/i18n/nl';
import { explained, signIn, type Locale } from './fixtures';
import { Server } from './server';

export type Say = (key: keyof typeof nl, holes?: Record<string, string>) => string;

/** The widget's own texts, so that a test finds a button in either language. */
export function widgetWords(lang: Locale): Say {
  return (key, holes = {}) => (lang === 'nl' ? nl : en)[key].replace(/\{(\w+)\}/g, (_, hole: string) => holes[hole] ?? '');
}

export interface SiteOptions {
  /** More attributes of the script tag. */
  attributes?: string;
  lang?: Locale;
  dir?: 'ltr' | 'rtl';
  /** What the page's own script says. */
  script?: string;
}

export class Site {
  url = '';
  options: SiteOptions = {};
  private http: Http | undefined;

  constructor(
    private readonly balie: string,
    private readonly account: () => string,
  ) {}

  async start(): Promise<this> {
    this.http = createServer((request, response) => {
      const { attributes = '', lang = 'nl', dir = 'ltr', script = '' } = this.options;
      if (request.url === '/icon.ico' || request.url === '/favicon.ico') {
        response.writeHead(204).end();
        return;
      }
      if (request.url === '/own.js') {
        response.writeHead(200, { 'content-type': 'text/javascript' }).end(`window.balie=window.balie||function(){(balie.q=balie.q||[]).push(arguments)};${script}`);
        return;
      }
      const policy = `default-src 'none'; style-src 'self'; script-src 'self' ${this.balie}; frame-src ${this.balie}; connect-src ${this.balie}; img-src 'self'`;
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy });
      response.end(
        `<!doctype html><html lang="${lang}" dir="${dir}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>De Winkel</title></head>` +
          `<body><header><nav aria-label="Winkel"><a href="/">Begin</a> <a href="/mand">Mand</a></nav></header><main><h1>De Winkel</h1><p>Alles voor thuis.</p></main>` +
          `<script src="/own.js"></script><script async src="${this.balie}/widget.js" data-account="${this.account()}" ${attributes}></script></body></html>`,
      );
    });
    await new Promise<void>((ok) => this.http?.listen(0, ok));
    this.url = `http://localhost:${(this.http.address() as AddressInfo).port}`;
    return this;
  }

  async stop(): Promise<void> {
    this.http?.closeAllConnections();
    await new Promise((ok) => this.http?.close(ok));
  }
}

/** A visitor's browser: what is wrong in its console fails the test, the site's policy included. */
export class Visitor {
  readonly wrong: string[] = [];
  readonly frame: FrameLocator;
  readonly text;
  readonly launcher;
  readonly teaser;

  constructor(
    readonly page: Page,
    readonly say: Say,
  ) {
    this.frame = page.frameLocator('#balie iframe');
    this.text = this.frame.getByRole('textbox', { name: say('message') });
    this.launcher = page.locator('#balie .launch');
    this.teaser = page.locator('#balie .tease');
    page.on('pageerror', (e) => this.wrong.push(`exception: ${e.message}`));
    page.on('console', (m) => {
      // The test's own recorder fetches pictures that are not sent yet, and is refused.
      if (m.type() === 'error' && !/Failed to load resource|WebSocket connection|ERR_|'blob:/.test(m.text())) this.wrong.push(`console: ${m.text()}`);
    });
  }

  message(text: string | RegExp) {
    return this.frame.locator('.message').filter({ hasText: text });
  }

  async open(): Promise<void> {
    await this.launcher.click();
  }

  async send(text: string): Promise<void> {
    await this.text.fill(text);
    await this.text.press('Enter');
  }
}

interface Fixtures {
  explained: void;
  balie: Server;
  /** The API as the first admin, who also is the agent. */
  admin: APIRequestContext;
  /** Makes the chat's account, with these settings. */
  chat(settings?: Record<string, unknown>): Promise<string>;
  site: Site;
  visitor(options?: BrowserContextOptions): Promise<Visitor>;
  /** The inbox in a browser of its own. */
  agent: Page;
  lang: Locale;
}

export const test = base.extend<Fixtures>({
  explained,
  lang: async ({ locale }, use) => use(locale?.startsWith('nl') ? 'nl' : 'en'),
  // A server for each test: a visitor's address may begin five sessions a minute, and here all have one address.
  // eslint-disable-next-line no-empty-pattern
  balie: async ({}, use) => {
    const server = new Server();
    try {
      await use(await server.start());
    } finally {
      await server.stop();
    }
  },
  admin: async ({ balie, playwright, lang }, use) => {
    const request = await playwright.request.newContext({ baseURL: balie.url });
    await signIn(request, balie, lang);
    await use(request);
    await request.dispose();
  },
  site: async ({ balie }, use) => {
    const site = await new Site(balie.url, () => chats.get(balie) ?? '').start();
    await use(site);
    await site.stop();
  },
  chat: async ({ balie, admin, site }, use) => {
    await use(async (settings = {}) => {
      const made = await admin.post('/api/accounts', {
        headers: { origin: balie.url },
        data: { channel: 'webchat', name: 'De Winkel', settings: { name: 'De Winkel', origins: site.url, ...settings } },
      });
      expect(made.status(), await made.text()).toBe(201);
      const { id } = (await made.json()) as { id: string };
      chats.set(balie, id);
      return id;
    });
  },
  visitor: async ({ browser, lang }, use) => {
    const all: Visitor[] = [];
    await use(async (options = {}) => {
      const context = await browser.newContext({ locale: lang === 'nl' ? 'nl-NL' : 'en-GB', viewport: { width: 1100, height: 800 }, ...options });
      const visitor = new Visitor(await context.newPage(), widgetWords(options.locale ? (options.locale.startsWith('nl') ? 'nl' : 'en') : lang));
      all.push(visitor);
      return visitor;
    });
    for (const { page, wrong } of all) {
      expect(wrong, 'nothing goes wrong unseen').toEqual([]);
      await page.context().close();
    }
  },
  agent: async ({ browser, balie, lang }, use) => {
    const page = await agentOf(browser, balie, lang);
    await use(page);
    await page.context().close();
  },
});

const chats = new WeakMap<Server, string>();

export async function agentOf(browser: Browser, balie: Server, lang: Locale): Promise<Page> {
  const context = await browser.newContext({ baseURL: balie.url, viewport: { width: 1440, height: 900 }, locale: lang === 'nl' ? 'nl-NL' : 'en-GB' });
  await signIn(context.request, balie, lang);
  const page = await context.newPage();
  await page.goto('/');
  return page;
}

/** WCAG 2.2 AA by axe, on the page and in the frame. */
export async function accessible(page: Page, what: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']).analyze();
  const told = violations.map((v) => `${v.id}: ${v.help}\n${v.nodes.slice(0, 5).map((n) => `    ${JSON.stringify(n.target)} ${n.failureSummary?.replaceAll('\n', ' ')}`).join('\n')}`);
  expect(told, `${what} is accessible`).toEqual([]);
}

/** Opening hours that are three days away from now, in any time zone. */
export function closedNow(): string {
  const day = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'][(new Date().getUTCDay() + 3) % 7];
  return `${day} 09:00-10:00`;
}

export { expect } from '@playwright/test';
