// An encoder sends one size by RTMP; viewers can have smaller ones.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { studio } from './lib/uplink.mjs';
import { metrics, metricsUntil } from './lib/metrics.mjs';
import { Source } from './lib/source.mjs';
import { Viewer, sleep } from './lib/whip.mjs';

const ENV = { TORG_MEDIA_RENDITIONS: '480p:1200,240p:400' };

test('renditions of an RTMP source flow while somebody watches', { timeout: 120000 }, async (t) => {
  const rig = await studio(t, { env: ENV });
  const show = await rig.server.newShow('sizes');
  const source = new Source(show.rtmp);
  t.after(() => source.stop());
  await metricsUntil(rig.server, (m) => m.torg_media_sources_total === 1 && m.torg_media_frames_out_total > 60);
  assert.equal((await metrics(rig.server)).torg_media_renditions, 0);
  const viewer = await Viewer.start(rig.viewers, rig.server, show);
  await viewer.playing();
  await metricsUntil(rig.server, (m) => m.torg_media_renditions === 2);
  await sleep(3000); // the encoder's next keyframe, with which they begin, may be 2 s away
  const before = await metrics(rig.server);
  await sleep(4000);
  const after = await metrics(rig.server);
  const frames = after.torg_media_frames_out_total - before.torg_media_frames_out_total;
  t.diagnostic(`${frames} frames in 4 s, ${after.torg_media_rendition_dropped_total} pictures skipped`);
  // Thirty pictures a second on three layers, and fifty packets of sound.
  assert.ok(frames > 4 * 140 * 0.9 && frames < 4 * 140 * 1.1, `${frames} frames in 4 s`);
  assert.equal(after.torg_media_pipeline_errors_total, 0);
  const gap = await viewer.longestGap(Date.now() - 4000);
  assert.ok(gap < 500, `the best layer stood still for ${gap} ms`);
  assert.equal(await viewer.trouble(), '');
  await viewer.stop();
  await metricsUntil(rig.server, (m) => m.torg_media_renditions === 0, 60000);
});
