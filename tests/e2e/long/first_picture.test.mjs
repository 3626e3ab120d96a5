// How soon the picture comes and how far it is behind: from the click on a show in the list to the
// first decoded frame, and 2 s later the clock in the picture against the clock on the wall. The same
// joins tell how near its frame a pin is applied. Figures are printed; the bars are the issue's.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { launchBrowser, phone } from '../lib/browser.mjs';
import { Channel } from '../lib/channel.mjs';
import { TorgServer } from '../lib/server.mjs';
import { Source, readClock } from '../lib/source.mjs';
import { watchFrames } from '../lib/video.mjs';

const JOINS = Number(process.env.TORG_JOINS ?? 20);
const AROUND = 655360; // ms after which the drawn clock repeats
const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
const spread = (list) => {
  const s = [...list].sort((a, b) => a - b);
  return `median ${median(s).toFixed(0)} min ${s[0].toFixed(0)} max ${s.at(-1).toFixed(0)}`;
};

test('first picture, latency and pins', async (t) => {
  const server = await TorgServer.start();
  t.after(() => server.stop());
  const source = new Source(server.rtmpUrl, { clock: true, gop: 60 });
  t.after(() => source.stop());
  const browser = await launchBrowser();
  t.after(() => browser.close());
  const desk = await Channel.open(server, 'demo', { token: server.deskToken });
  const skus = desk.joined.products.map((p) => p.variants[0].sku);
  await new Promise((r) => setTimeout(r, 5000)); // the source is on and settled
  const first = [];
  const behind = [];
  const pins = [];
  for (let i = 0; i < JOINS; i++) {
    const page = await phone(browser);
    await watchFrames(page);
    await page.goto(server.url);
    const link = page.getByRole('link', { name: /Autumn at the market square/ }).first();
    await link.waitFor();
    await page.waitForTimeout(Math.random() * 2000); // anywhere in the keyframe interval
    await page.evaluate(() => addEventListener('click', () => sessionStorage.setItem('click', performance.timeOrigin + performance.now()), { capture: true }));
    await link.click();
    await page.waitForFunction(() => window.torgFirst !== undefined, undefined, { timeout: 20000 });
    first.push(await page.evaluate(() => window.torgFirst - Number(sessionStorage.getItem('click'))));
    await page.waitForTimeout(2000);
    const samples = await page.evaluate(async (body) => {
      const read = new Function(`return (${body})`)();
      const out = [];
      for (let k = 0; k < 10; k++) {
        await new Promise((r) => window.torgVideo.requestVideoFrameCallback(r));
        const drawn = read(window.torgVideo);
        if (drawn >= 0) out.push((((Date.now() - drawn) % 655360) + 655360) % 655360);
      }
      return out;
    }, readClock.toString());
    assert.ok(samples.length >= 5, 'the clock in the picture is readable');
    behind.push(median(samples) % AROUND);
    // A pin: on which frame does its card appear?
    const sku = skus[i % skus.length];
    const applied = page.evaluate((wanted) => new Promise((resolve) => {
      const look = () => {
        const host = document.querySelector('torg-watch-page')?.shadowRoot ?? document;
        const card = host.querySelector('torg-pinned-product');
        if (card?.getAttribute('sku') === wanted) {
          const { rtp, at } = window.torgFrame;
          resolve({ rtp, lag: performance.now() - at });
        } else requestAnimationFrame(look);
      };
      look();
    }), sku);
    const seen = desk.event((e) => e.ev === 'pin' && e.sku === sku && !e.done);
    assert.equal((await desk.ask({ op: 'pin', sku })).ok, true);
    const pin = await seen;
    pin.done = true;
    const { rtp } = await applied;
    const at = (((rtp / 90 - pin.at) % (2 ** 32 / 90)) + 1.5 * (2 ** 32 / 90)) % (2 ** 32 / 90) - 2 ** 32 / 90 / 2;
    pins.push(at);
    await desk.ask({ op: 'unpin', sku });
    await page.context().close();
  }
  desk.close();
  t.diagnostic(`click to first frame ms: ${spread(first)} (${JOINS} joins)`);
  t.diagnostic(`behind the source 2 s later, ms: ${spread(behind)}`);
  t.diagnostic(`pin applied, frame on screen minus its frame, ms: ${spread(pins)}`);
  assert.ok(median(first) <= 500, 'click to first frame');
  assert.ok(median(behind) <= 300, 'behind the source');
  assert.ok(Math.abs(median(pins)) <= 40, 'pin on its frame');
});
