// The page in a real browser (Debian's Chromium) on the real binary. Each worker starts a server of
// its own (e2e/fixtures.ts), so that tests do not see each other's work.
import { defineConfig, devices } from '@playwright/test';

export default defineConfig({
  testDir: 'e2e',
  outputDir: 'test-results',
  timeout: 60_000,
  expect: { timeout: 10_000 },
  forbidOnly: !!process.env.CI,
  // A test that passes on the second try has found a race: no retry hides it.
  retries: 0,
  workers: 1,
  reporter: process.env.CI ? [['list']] : [['list'], ['html', { open: 'never' }]],
  use: {
    trace: 'retain-on-failure',
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox', // as root in a container there is none
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--disable-dev-shm-usage',
      ],
    },
  },
  projects: [
    {
      name: 'desktop-nl-light',
      use: { ...devices['Desktop Chrome'], viewport: { width: 1440, height: 900 }, locale: 'nl-NL', colorScheme: 'light' },
      grepInvert: /@phone/,
    },
    {
      name: 'phone-en-dark',
      use: { ...devices['Desktop Chrome'], viewport: { width: 360, height: 740 }, locale: 'en-GB', colorScheme: 'dark', hasTouch: true },
      grep: /@phone|@everywhere/,
    },
  ],
});
