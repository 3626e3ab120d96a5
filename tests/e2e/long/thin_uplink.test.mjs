// A phone's line gets thin: its browser turns the best of its three sizes off, and later on again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Relay } from '../lib/relay.mjs';
import { studio } from '../lib/uplink.mjs';
import { BrowserPublisher, Viewer, sleep } from '../lib/whip.mjs';

async function until(viewer, what, good, timeoutMs) {
  for (const begin = Date.now(); ; ) {
    const now = await viewer.stats();
    if (good(now)) return Date.now() - begin;
    if (Date.now() - begin > timeoutMs) throw new Error(`${what}: ${now.width}x${now.height} after ${timeoutMs} ms ${await viewer.trouble()}`);
    await sleep(50);
  }
}

test('a thin uplink: viewers go on with a smaller size, and come back', { timeout: 180000 }, async (t) => {
  const rig = await studio(t);
  const show = await rig.server.newShow('thin');
  const relay = await Relay.start(rig.server, {});
  t.after(() => relay.stop());
  const publisher = await BrowserPublisher.start(rig.hosts, rig.server, show, { video: 'clock', simulcast: true, relay });
  await publisher.until((now) => now.framesEncoded > 60);
  const viewer = await Viewer.start(rig.viewers, rig.server, show);
  await viewer.playing();
  await until(viewer, 'the best size', (s) => s.height === 720, 30000);
  await relay.rate('up', 900);
  const begin = Date.now();
  const down = await until(viewer, 'a smaller size', (s) => s.height < 720 && s.height > 0, 20000);
  await sleep(8000);
  const settled = await viewer.stats();
  const still = await viewer.longestGap(Date.now() - 5000);
  const gap = await viewer.longestGap(begin);
  await relay.rate('up', 0);
  const up = await until(viewer, 'the best size again', (s) => s.height === 720, 60000);
  t.diagnostic(`smaller after ${down} ms, ${settled.width}x${settled.height}; longest standstill ${gap} ms, then ${still} ms; back after ${up} ms`);
  assert.ok(gap < 4000, `the picture stood still for ${gap} ms`);
  assert.ok(still < 1000, `on the thin line it stood still for ${still} ms`);
  assert.equal(await viewer.trouble(), '');
  await viewer.stop();
  await publisher.stop();
});
