// Viewers on bad lines, in Chromium: 5 % loss, and rate steps over layers of both kinds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { studio } from '../lib/uplink.mjs';
import { BrowserPublisher } from '../lib/whip.mjs';
import { Source } from '../lib/source.mjs';
import { allSizes, lossyViewer, rateSteps } from '../lib/viewer_links.mjs';

const STEPS = { kbit: [4000, 800, 4000], downMs: 3000, upMs: 15000, freezeMs: 500 };

test('5 % loss on the way down: 98 % of the frames', { timeout: 180000 }, async (t) => {
  const rig = await studio(t);
  await lossyViewer(t, rig, await rig.server.newShow('loss'), { loss: 5, rttMs: 60, seconds: 60, share: 0.98 });
});

test('4 -> 0.8 -> 4 Mbit/s over the rendition ladder', { timeout: 180000 }, async (t) => {
  const rig = await studio(t, { env: { TORG_MEDIA_RENDITIONS: '480p:1200,240p:400' } });
  const show = await rig.server.newShow('ladder');
  const source = new Source(show.rtmp, { bitrate: '2500k' });
  t.after(() => source.stop());
  await rateSteps(t, rig, show, { ...STEPS, heights: [720, 240, 720] });
});

test('4 -> 0.8 -> 4 Mbit/s over a browser\'s simulcast', { timeout: 180000 }, async (t) => {
  const rig = await studio(t);
  const show = await rig.server.newShow('sizes');
  // The middle size may have a third of it: that fits into 0.8 Mbit/s, the best one does not.
  const host = await BrowserPublisher.start(rig.hosts, rig.server, show, { video: 'clock', simulcast: true, maxBitrate: 1800000 });
  const sizes = await allSizes(host, { heights: [720, 360, 180] });
  t.diagnostic(`the host sends ${sizes.map((one) => `${one.height}p ${one.kbit.toFixed(0)} kbit/s`).join(', ')}`);
  assert.ok(sizes[0].kbit > 850 && sizes[1].kbit < 650, 'sizes that tell the steps apart');
  await rateSteps(t, rig, show, { ...STEPS, heights: [720, 360, 720] });
  await host.stop();
});
