// The watch page against the real server: a size is chosen and comes, and a full server makes a line
// in which one can shop.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { desktop, launchBrowser, phone, shot } from './lib/browser.mjs';
import { whepLoad } from './lib/load.mjs';
import { metricsUntil } from './lib/metrics.mjs';
import { TorgServer } from './lib/server.mjs';
import { Source } from './lib/source.mjs';
import { sheet } from './lib/states.mjs';

let browser;
before(async () => { browser = await launchBrowser(); });
after(async () => { await browser?.close(); });

/** A server with an encoder on its demo show. */
async function rig(t, env) {
  const server = await TorgServer.start({ env });
  t.after(() => server.stop());
  const source = new Source(server.rtmpUrl);
  t.after(() => source.stop());
  await metricsUntil(server, (m) => m.torg_rtmp_publishes_total > 0);
  return server;
}

const height = (page) => page.evaluate(() => document.querySelector('torg-watch-page').shadowRoot.querySelector('torg-player').shadowRoot.querySelector('video').videoHeight);

async function until(page, lines) {
  for (const end = Date.now() + 30000; (await height(page)) !== lines;) {
    assert.ok(Date.now() < end, `${await height(page)} lines, not ${lines}`);
    await page.waitForTimeout(200);
  }
}

test('a size that is chosen comes, and is kept for the next visit', { timeout: 200000 }, async (t) => {
  const server = await rig(t, { TORG_MEDIA_RENDITIONS: '480p:1200,240p:400' });
  const page = await desktop(browser);
  t.after(() => page.context().close());
  await page.goto(`${server.url}/s/demo`);
  await page.locator('torg-player[state=playing]').waitFor();
  // The menu comes with the sizes, which are made since somebody watches.
  await page.getByRole('button', { name: 'Picture quality: Automatic' }).click({ timeout: 90000 });
  await page.getByRole('radio', { name: '240p' }).click();
  await until(page, 240);
  await page.getByRole('radio', { name: '720p' }).click();
  await until(page, 720);
  await page.getByRole('radio', { name: '480p' }).click();
  await until(page, 480);
  await page.reload();
  await page.locator('torg-player[state=playing]').waitFor();
  await page.getByRole('button', { name: 'Picture quality: 480p' }).waitFor({ timeout: 90000 });
  await until(page, 480);
  assert.deepEqual(page.faults, []);
});

test('a full server: a place in line, shopping meanwhile, then the picture', { timeout: 150000 }, async (t) => {
  // 90 % of 8 Mbit/s carry two viewers of 2.5 Mbit/s and sound, not three.
  const server = await rig(t, { TORG_RTC_EGRESS_MBPS: '8', TORG_RTC_CPU_MAX_PERCENT: '100' });
  await new Promise((resolve) => setTimeout(resolve, 6000)); // its rate is measured
  const load = whepLoad(server, { viewers: 2, seconds: 25, 'verify-every': 5 });
  await metricsUntil(server, (m) => m.torg_rtc_connected_total === 2);
  const page = await phone(browser);
  t.after(() => page.context().close());
  await page.goto(`${server.url}/s/demo`);
  await page.getByText('You are next in line').waitFor();
  await shot(page, 'watch-waiting-room-real');
  await page.getByRole('button', { name: /^\d+ products?$/ }).click();
  await sheet(page).locator('[data-product]').first().click();
  await sheet(page).getByRole('button', { name: 'Buy now' }).click();
  await page.getByText('It is yours').waitFor();
  await page.getByRole('button', { name: 'Back to the show' }).click();
  assert.equal(await page.locator('torg-player').getAttribute('state'), 'queued');
  await load;
  await page.locator('torg-player[state=playing]').waitFor({ timeout: 40000 });
  assert.equal(await page.getByText('in line').count(), 0);
  assert.deepEqual(page.faults, []);
});
