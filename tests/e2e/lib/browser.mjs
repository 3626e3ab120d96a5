// Chromium for tests: Debian's own, headless, quiet on a closed network, autoplay allowed.
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { chromium } from 'playwright-core';

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
  // Host candidates as addresses instead of mDNS names, which nobody on a test host resolves.
  '--disable-features=WebRtcHideLocalIpsWithMdns',
  // A page in the background of another context must not be slowed down while it is measured.
  '--disable-background-timer-throttling',
  '--disable-renderer-backgrounding',
  '--disable-backgrounding-occluded-windows',
];

/** @param {import('playwright-core').LaunchOptions} [options] */
export function launchBrowser(options = {}) {
  return chromium.launch({
    executablePath: process.env.TORG_CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    ...options,
    args: [...flags, ...(options.args ?? [])],
  });
}

/**
 * A page in a browser context of its own: another person, with storage of their own.
 * `page.faults` collects uncaught errors and CSP violations, for tests to assert it is empty.
 */
async function newPerson(browser, options) {
  const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'Europe/Oslo', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20000);
  page.faults = [];
  page.on('pageerror', (error) => page.faults.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && /Content Security Policy|Uncaught/.test(message.text())) {
      page.faults.push(message.text());
    }
  });
  return page;
}

/** A phone-sized viewer (390 × 844, touch). */
export function phone(browser, options = {}) {
  return newPerson(browser, { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2, ...options });
}

/** A desktop-sized person (1440 × 900). */
export function desktop(browser, options = {}) {
  return newPerson(browser, { viewport: { width: 1440, height: 900 }, ...options });
}

/** Saves a screenshot when TORG_SHOTS names a folder; otherwise does nothing. */
export async function shot(page, name) {
  const folder = process.env.TORG_SHOTS;
  if (!folder) return;
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: path.join(folder, `${name}.png`) });
}
