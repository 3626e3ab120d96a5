// A host's browser publishes by WHIP: quality, delay, loss, a cut line and takeovers, each in short.
// long/whip.test.mjs has them at full size.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cutLines, glassToGlass, lossy, soonGood, studio, takeovers } from './lib/uplink.mjs';

test('a host in the browser', { timeout: 280000 }, async (t) => {
  const rig = await studio(t);
  const show = await rig.server.newShow('spring');
  await t.test('the fake camera is soon 1280 x 720', (s) => soonGood(s, rig, show, 4000));
  await t.test('glass to glass', (s) => glassToGlass(s, rig, show, { samples: 30, medianMs: 400 }));
  await t.test('3 % loss and 100 ms', (s) => lossy(s, rig, show, { loss: 3, rttMs: 100, seconds: 6, share: 0.9 }));
  await t.test('10 % loss', (s) => lossy(s, rig, show, { loss: 10, rttMs: 100, seconds: 6, gapMs: 2000 }));
  await t.test('a cut line', (s) => cutLines(s, rig, { shows: 1, cuts: 1, cutMs: 6000, frameMs: 2000, lineMs: 5000 }));
  await t.test('takeovers', async (s) => {
    const { early, late } = await takeovers(s, rig, { count: 4, warm: 2 });
    assert.ok(late.fds <= early.fds + 3, `${early.fds} -> ${late.fds} descriptors`);
  });
});
