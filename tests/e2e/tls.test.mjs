// With a self-signed certificate: page, picture and show channel all go over TLS.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { launchBrowser, phone } from './lib/browser.mjs';
import { TorgServer } from './lib/server.mjs';
import { moves } from './lib/video.mjs';

test('a show over HTTPS and WSS', async (t) => {
  const server = await TorgServer.start({ env: { TORG_HTTP_TLS: 'self-signed' } });
  t.after(() => server.stop());
  assert.match(server.deskUrl, /^https:/);
  const browser = await launchBrowser();
  t.after(() => browser.close());
  const page = await phone(browser, { ignoreHTTPSErrors: true });
  await page.goto(`${server.url.replace('http:', 'https:')}/s/demo`);
  await moves(page, 20000);
  await page.getByPlaceholder('Write something').fill('Over TLS');
  await page.getByPlaceholder('Write something').press('Enter');
  await page.locator('torg-chat').getByText('Over TLS').waitFor();
  assert.deepEqual(page.faults, []);
});
