// Ten minutes with 500 viewers: none loses a packet, memory stays, picture and sound stay together.
// To be run on a release build.
import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { assertNothingLost, pin, watchTogether } from '../lib/load.mjs';
import { launchBrowser } from '../lib/browser.mjs';
import { metrics } from '../lib/metrics.mjs';
import { TorgServer } from '../lib/server.mjs';
import { Source } from '../lib/source.mjs';
import { Viewer, median, sleep, spread } from '../lib/whip.mjs';

const VIEWERS = Number(process.env.TORG_SOAK_VIEWERS ?? 500);
const SECONDS = Number(process.env.TORG_SOAK_SECONDS ?? 600);
const LOOKS = 5;

test(`${VIEWERS} viewers for ${SECONDS} s`, { timeout: (SECONDS + 180) * 1000 }, async (t) => {
  const server = await TorgServer.start();
  t.after(() => server.stop());
  pin(server.child.pid, availableParallelism() - 1);
  const source = new Source(server.rtmpUrl, { beat: true });
  t.after(() => source.stop());
  pin(source.child.pid, 0);
  const browser = await launchBrowser();
  t.after(() => browser.close());
  const running = watchTogether(server, { viewers: VIEWERS, seconds: SECONDS, ramp: 50, core: 0, others: 1 });
  running.catch(() => {}); // awaited below
  await sleep(3000);
  const viewer = await Viewer.start(browser, server, server.demoShow);
  await viewer.playing();
  const offsets = [];
  const memory = [];
  const began = await viewer.stats();
  for (let i = 0; i < LOOKS; i++) {
    await sleep((SECONDS * 1000) / LOOKS - 16000);
    offsets.push(await viewer.beats(5));
    const reckoned = await viewer.soundBehind();
    memory.push((await server.usage()).rssKiB);
    t.diagnostic(`sound after picture, ms: ${spread(offsets.at(-1))}, by its reckoning ${reckoned.toFixed(0)}; resident ${memory.at(-1)} KiB; egress ${((await metrics(server)).torg_fanout_bytes_total / 1e9).toFixed(1)} GB so far`);
  }
  const ended = await viewer.stats();
  const trouble = await viewer.trouble();
  await viewer.stop();
  const result = await running;
  const all = offsets.flat();
  t.diagnostic(`${result.during.torg_fanout_packets_total} packets, lost ${result.load.lost}; Chromium: ${ended.framesDecoded - began.framesDecoded} frames, ${ended.packetsLost - began.packetsLost} packets lost, ${ended.freezes - began.freezes} freezes; sound after picture ${spread(all)} ms`);
  assertNothingLost(result, VIEWERS);
  assert.equal(ended.packetsLost - began.packetsLost, 0, 'Chromium lost packets');
  assert.equal(trouble, '');
  assert.ok(all.length >= LOOKS * 3, `${all.length} beats were seen and heard`);
  for (const some of offsets) assert.ok(Math.abs(median(some)) <= 40, `sound is ${median(some)} ms off`);
  assert.ok(memory.at(-1) <= memory[1] * 1.03, `memory grew: ${memory}`);
});
