// The bars of a viewer's bad line, as tests run them short or long: loss, and a rate that falls and
// comes back, with a real Chromium behind a seeded relay.
import assert from 'node:assert/strict';
import { Relay } from './relay.mjs';
import { Source } from './source.mjs';
import { Viewer, sleep } from './whip.mjs';

/** What a publisher by RTMP encodes: constant 30 frames a second. */
const FPS = 30;

/** A share of the frames that a viewer decodes whose line loses packets on the way down. */
export async function lossyViewer(t, { server, viewers }, show, { loss, rttMs, seconds, share, seed = 11 }) {
  const source = new Source(show.rtmp, { bitrate: '2500k' });
  t.after(() => source.stop());
  const relay = await Relay.start(server, { 'loss-down': loss, 'delay-ms': rttMs / 2, seed });
  const viewer = await Viewer.start(viewers, server, show, { relay });
  await viewer.playing();
  await sleep(2000); // the round trip is measured
  const began = Date.now();
  const from = await viewer.stats();
  await sleep(seconds * 1000);
  const now = await viewer.stats();
  const took = (Date.now() - began) / 1000;
  const gap = await viewer.longestGap(began);
  await viewer.stop();
  const counts = await relay.stop();
  await source.stop();
  const decoded = now.framesDecoded - from.framesDecoded;
  const got = decoded / (FPS * took);
  const lost = (100 * counts.down.lost) / counts.down.in;
  t.diagnostic(`${loss} % loss down, ${rttMs} ms: ${decoded} of ${(FPS * took).toFixed(0)} frames (${(100 * got).toFixed(1)} %) in ${took.toFixed(0)} s, longest standstill ${gap.toFixed(0)} ms, ${now.freezes - from.freezes} freezes; the line lost ${lost.toFixed(1)} %`);
  assert.ok(counts.down.in > 500 && Math.abs(lost - loss) < loss * 0.3 + 0.5, `the media went through the relay: ${JSON.stringify(counts)}`);
  assert.ok(got >= share, `${(100 * got).toFixed(1)} % of the frames decoded`);
}

/** What the host's simulcast sends: by its name, {height, fps, kbit since the last look}. */
async function sentLayers(host, last) {
  const now = await host.page.evaluate(async () => {
    const out = [];
    for (const s of (await window.torgPcs.at(-1).getStats()).values()) {
      if (s.type === 'outbound-rtp' && s.kind === 'video') out.push({ rid: s.rid, height: s.frameHeight ?? 0, fps: s.framesPerSecond ?? 0, bytes: s.bytesSent, at: s.timestamp });
    }
    return out;
  });
  return new Map(now.map((one) => {
    const before = last?.get(one.rid) ?? one;
    return [one.rid, { ...one, kbit: one.at > before.at ? ((one.bytes - before.bytes) * 8) / (one.at - before.at) : 0 }];
  }));
}

/**
 * Waits until the host sends all its sizes, and for some seconds: three encoders beside the viewer on
 * one machine need their time, and a size that is not sent nobody can be given.
 * Resolves to their rates over the last seconds, best first.
 */
export async function allSizes(host, { heights, seconds = 5, timeoutMs = 40000 }) {
  let last = await sentLayers(host);
  for (let good = 0, end = Date.now() + timeoutMs; ; ) {
    await sleep(1000);
    const now = await sentLayers(host);
    const sent = [...now.values()].filter((one) => one.fps >= 15).map((one) => one.height).sort((a, b) => b - a);
    good = sent.join() === heights.join() ? good + 1 : 0;
    if (good <= 1) last = now;
    if (good >= seconds) return [...(await sentLayers(host, last)).values()].sort((a, b) => b.height - a.height);
    assert.ok(Date.now() < end, `the host does not send all sizes: ${JSON.stringify([...now.values()])}`);
  }
}

/** The first frame from `since` on after which all the following are `height` high; null = none. */
function settledAt(frames, since, until, height) {
  const those = frames.filter((frame) => frame.at >= since && frame.at < until);
  const last = those.findLastIndex((frame) => frame.height !== height);
  return last + 1 < those.length ? those[last + 1].at : null;
}

const longest = (frames, since, until) => {
  const times = [since, ...frames.map((frame) => frame.at).filter((at) => at >= since && at < until), until];
  return times.slice(1).reduce((most, at, i) => Math.max(most, at - times[i]), 0);
};

/** Waits until a viewer has seen nothing but that height for three seconds. */
async function steady(viewer, height, { seconds = 3, timeoutMs = 30000 } = {}) {
  for (const end = Date.now() + timeoutMs; ; await sleep(200)) {
    const seen = await viewer.frames(Date.now() - seconds * 1000);
    if (seen.length > seconds * 20 && seen.every((frame) => frame.height === height)) return;
    assert.ok(Date.now() < end, `no steady ${height}p before the step: ${seen.length} frames of ${[...new Set(seen.map((frame) => frame.height))]}`);
  }
}

/**
 * The line has room for the best layer, then for a lower one only, then for the best again.
 * The show must come in layers; `heights` are those that fit: [before, during, after].
 */
export async function rateSteps(t, { server, viewers }, show, { kbit, heights, downMs, upMs, freezeMs, holdMs = 15000 }) {
  const relay = await Relay.start(server, { 'delay-ms': 15, rate: kbit[0] });
  const viewer = await Viewer.start(viewers, server, show, { relay });
  await viewer.playing();
  await sleep(5000); // from the start to the first choice
  await steady(viewer, heights[0]);
  const down = (await relay.rate('down', kbit[1])).wall;
  await sleep(holdMs);
  const up = (await relay.rate('down', kbit[2])).wall;
  await sleep(upMs + 3000);
  const end = Date.now();
  const frames = await viewer.frames(down - 3000);
  await viewer.stop();
  const counts = await relay.stop();
  const before = frames.filter((frame) => frame.at < down);
  const downAfter = settledAt(frames, down, up, heights[1]);
  const upAfter = settledAt(frames, up, end, heights[2]);
  const gap = longest(frames, down, end);
  const seen = frames.filter((frame, i) => i === 0 || frame.height !== frames[i - 1].height).map((frame) => `${frame.height}p ${((frame.at - down) / 1000).toFixed(1)}`);
  t.diagnostic(`${kbit.join(' -> ')} kbit/s: ${before.at(-1)?.height}p, ${heights[1]}p after ${downAfter === null ? 'never' : `${(downAfter - down).toFixed(0)} ms`}, ${heights[2]}p after ${upAfter === null ? 'never' : `${(upAfter - up).toFixed(0)} ms`}; longest standstill ${gap.toFixed(0)} ms; seen, s: ${seen.join(', ')}; ${JSON.stringify(counts.down)}`);
  assert.ok(before.length > 60 && before.every((frame) => frame.height === heights[0]), `before the step: ${[...new Set(before.map((frame) => frame.height))]}`);
  assert.ok(downAfter !== null && downAfter - down <= downMs, 'the lower layer in time');
  assert.ok(upAfter !== null && upAfter - up <= upMs, 'the best layer again in time');
  assert.ok(gap <= freezeMs, `the picture stood still for ${gap.toFixed(0)} ms`);
}
