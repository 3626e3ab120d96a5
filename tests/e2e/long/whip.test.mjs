// The bars of part 2 for a host's browser, at full size and on a release build. TORG_LOSS_SECONDS,
// TORG_CUTS, TORG_CUT_SECONDS, TORG_CUT_SHOWS and TORG_TAKEOVERS make it shorter.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cutLines, cutRtmp, glassToGlass, lossy, soonGood, studio, takeovers } from '../lib/uplink.mjs';

const number = (name, otherwise) => Number(process.env[name] ?? otherwise);
const LOSS_S = number('TORG_LOSS_SECONDS', 60);
const CUTS = number('TORG_CUTS', 20);
const CUT_S = number('TORG_CUT_SECONDS', 20);
const SHOWS = number('TORG_CUT_SHOWS', 2);
const TAKEOVERS = number('TORG_TAKEOVERS', 50);

test('1280 x 720 at 1.5 Mbit/s within 3 s; glass to glass', async (t) => {
  const rig = await studio(t);
  const show = await rig.server.newShow('spring');
  for (let i = 0; i < 3; i++) await soonGood(t, rig, show, 3000);
  await glassToGlass(t, rig, show, { samples: 300, medianMs: 250 });
});

test('3 % loss and 100 ms of round trip', async (t) => {
  const rig = await studio(t);
  const show = await rig.server.newShow('spring');
  await lossy(t, rig, show, { loss: 3, rttMs: 100, seconds: LOSS_S, share: 0.95 });
  await lossy(t, rig, show, { loss: 3, rttMs: 100, seconds: LOSS_S, share: 0.95, seed: 8 });
});

test('10 % loss', async (t) => {
  const rig = await studio(t);
  const show = await rig.server.newShow('spring');
  await lossy(t, rig, show, { loss: 10, rttMs: 100, seconds: LOSS_S, gapMs: 1000 });
});

test(`the line is cut ${CUTS} times for ${CUT_S} s`, async (t) => {
  const rig = await studio(t);
  const cuts = Math.ceil(CUTS / SHOWS);
  // RTMP beside it: the waiting is the same.
  await Promise.all([
    cutLines(t, rig, { shows: SHOWS, cuts, cutMs: CUT_S * 1000 }),
    cutRtmp(t, rig, { cuts: Math.min(cuts, 5), cutMs: CUT_S * 1000 }),
  ]);
});

test(`${TAKEOVERS} takeovers by alternating transports`, async (t) => {
  const rig = await studio(t);
  const { early, late } = await takeovers(t, rig, { count: TAKEOVERS, warm: 10 });
  // A browser's idle connection or two come and go.
  assert.ok(late.fds <= early.fds + 5, `${early.fds} -> ${late.fds} descriptors`);
  assert.ok(late.rssKiB <= early.rssKiB * 1.05 + 4096, `${early.rssKiB} -> ${late.rssKiB} KiB`);
});
