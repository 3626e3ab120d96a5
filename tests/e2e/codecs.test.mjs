// What else a host's browser may send: VP8 alone, and three sizes at once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { studio } from './lib/uplink.mjs';
import { BrowserPublisher, Viewer, compare, withoutH264 } from './lib/whip.mjs';
import { metricsUntil } from './lib/metrics.mjs';

async function seen(t, rig, show, publisher) {
  await publisher.until((now) => now.framesEncoded > 30);
  const viewer = await Viewer.start(rig.viewers, rig.server, show);
  await viewer.playing();
  const got = await compare(publisher, viewer, 5);
  t.diagnostic(`${got.sent.codec}: ${got.decoded} of ${got.encoded} frames, ${got.width}x${got.height}`);
  assert.ok(got.share >= 0.9, `${got.decoded} of ${got.encoded} frames`);
  assert.ok(got.sound);
  return { viewer, got };
}

test('VP8 from a browser, then H.264 from another: the viewer stays', { timeout: 120000 }, async (t) => {
  const rig = await studio(t);
  const show = await rig.server.newShow('vp8');
  // This client does not come back when somebody takes the show over; without the show's channel ours would.
  const first = await BrowserPublisher.start(withoutH264(rig.hosts), rig.server, show, { kind: 'whip-whep', video: 'clock' });
  const { viewer, got } = await seen(t, rig, show, first);
  assert.match(got.sent.codec, /vp8/i);
  const second = await BrowserPublisher.start(rig.hosts, rig.server, show, { video: 'clock', width: 640, height: 360 });
  await second.until((now) => now.framesEncoded > 60);
  const after = await compare(second, viewer, 5);
  assert.match(after.sent.codec, /h264/i);
  assert.ok(after.share >= 0.9, `${after.decoded} of ${after.encoded} frames after the takeover`);
  assert.equal(await viewer.trouble(), '');
  for (const one of [viewer, second, first]) await one.stop();
});

test('three sizes at once: viewers get the best', { timeout: 120000 }, async (t) => {
  const rig = await studio(t);
  const show = await rig.server.newShow('sizes');
  const publisher = await BrowserPublisher.start(rig.hosts, rig.server, show, { video: 'clock', simulcast: true });
  const { viewer, got } = await seen(t, rig, show, publisher);
  assert.equal(`${got.width}x${got.height}`, '1280x720');
  await metricsUntil(rig.server, (m) => m.torg_whip_sessions === 1);
  for (const one of [viewer, publisher]) await one.stop();
});
