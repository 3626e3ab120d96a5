// An encoder sends one size by RTMP; viewers can have smaller ones.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { studio } from './lib/uplink.mjs';
import { metrics, metricsUntil } from './lib/metrics.mjs';
import { Source } from './lib/source.mjs';
import { Viewer, sleep } from './lib/whip.mjs';

const ENV = { TORG_MEDIA_RENDITIONS: '480p:1200,240p:400' };

/** The viewer's layers as WHEP's extension tells them. */
function layers(viewer) {
  return viewer.page.evaluate(async () => {
    const response = await fetch(window.torgViewer.layerUrl);
    if (!response.ok) throw new Error(`layers: ${response.status}`);
    return Object.values(await response.json())[0];
  });
}

function ask(viewer, rid) {
  return viewer.page.evaluate(async (id) => {
    const headers = { 'Content-Type': 'application/json' };
    const response = await fetch(window.torgViewer.layerUrl, { method: 'POST', headers, body: JSON.stringify({ rid: id }) });
    if (!response.ok) throw new Error(`layer ${id}: ${response.status}`);
  }, rid);
}

async function until(what, get, good, timeoutMs = 20000) {
  for (const end = Date.now() + timeoutMs; ; ) {
    const now = await get();
    if (good(now)) return now;
    if (Date.now() > end) throw new Error(`${what}: ${JSON.stringify(now)}`);
    await sleep(200);
  }
}

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
  const skipped = after.torg_media_rendition_dropped_total - before.torg_media_rendition_dropped_total;
  t.diagnostic(`${frames} frames in 4 s, ${skipped} pictures skipped`);
  // Thirty pictures a second on three layers, and fifty packets of sound. A busy machine may skip
  // pictures of the small sizes, two for each that the decoder skips, and nothing else.
  assert.ok(frames + 2 * skipped > 4 * 140 * 0.9 && frames < 4 * 140 * 1.1, `${frames} frames in 4 s, ${skipped} skipped`);
  assert.ok(frames > 4 * 80 * 1.1, `${frames} frames in 4 s: hardly more than the best layer and the sound`);
  assert.equal(after.torg_media_pipeline_errors_total, 0);
  const gap = await viewer.longestGap(Date.now() - 4000);
  assert.ok(gap < 500, `the best layer stood still for ${gap} ms`);
  const all = await until('three layers', () => layers(viewer), (l) => l.filter((one) => one.bitrate > 1).length === 3);
  assert.deepEqual(all.map((l) => `${l.width}x${l.height}`), ['1280x720', '854x480', '426x240']);
  t.diagnostic(all.map((l) => `${l.height}p ${Math.round(l.bitrate / 1000)} kbit/s`).join(', '));
  // The viewer's own choice brings each size.
  for (const rid of ['2', '1']) {
    await ask(viewer, rid);
    await until(`layer ${rid}`, () => viewer.stats(), (s) => s.height === all[Number(rid)].height);
  }
  assert.equal(await viewer.trouble(), '');
  await viewer.stop();
  await metricsUntil(rig.server, (m) => m.torg_media_renditions === 0, 60000);
});
