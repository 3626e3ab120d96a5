// The bars of a phone's way to the show, as tests run them short or long: how good and how soon the
// picture is, what loss does to it, what a cut line does, and what takeovers leave behind.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import { launchBrowser } from './browser.mjs';
import { metricsUntil } from './metrics.mjs';
import { Relay } from './relay.mjs';
import { TorgServer } from './server.mjs';
import { Source } from './source.mjs';
import { BrowserPublisher, Viewer, compare, launchStudio, makeFilm, median, sleep, spread, table } from './whip.mjs';

/** A server with one media port, so that a relay can stand in front of it, and both browsers. */
export async function studio(t, options = {}) {
  const server = await TorgServer.start({ demo: false, ...options, env: { TORG_RTC_WORKERS: '1', ...(options.env ?? {}) } });
  t.after(() => server.stop());
  const hosts = await launchStudio();
  t.after(() => hosts.close());
  const viewers = await launchBrowser();
  t.after(() => viewers.close());
  return { server, hosts, viewers };
}

/** Chromium's fake camera: when is it 1280 x 720 with 1.5 Mbit/s? */
export async function soonGood(t, { server }, show, withinMs) {
  const hosts = await launchStudio({ film: await makeFilm(path.join(server.dir, 'film.mjpeg')) });
  t.after(() => hosts.close());
  const publisher = await BrowserPublisher.start(hosts, server, show, { video: 'camera' });
  const looks = [];
  let good = null;
  for (const end = Date.now() + withinMs + 5000; !good && Date.now() < end; ) {
    const now = { at: Date.now() - publisher.began, ...(await publisher.stats()) };
    looks.push(now);
    // Over the last half second or more.
    const then = looks.findLast((look) => now.at - look.at >= 500);
    const kbps = then ? ((now.bytesSent - then.bytesSent) * 8) / (now.at - then.at) : 0;
    now.kbps = Math.round(kbps);
    if (now.width >= 1280 && now.height >= 720 && kbps >= 1500) good = now;
    await sleep(100);
  }
  await publisher.stop();
  t.diagnostic(`fake camera: ${good ? `1280x720 at ${good.kbps} kbit/s after ${good.at} ms` : `never good: ${JSON.stringify(looks.at(-1))}`}`);
  assert.ok(good && good.at <= withinMs, looks.map((look) => `${look.at} ms ${look.width}x${look.height} ${look.kbps} kbit/s ${look.limit}`).join('\n'));
}

/** From the drawing of a frame in one browser to its showing in another. */
export async function glassToGlass(t, { server, hosts, viewers }, show, { samples, medianMs }) {
  const publisher = await BrowserPublisher.start(hosts, server, show, { video: 'clock' });
  await publisher.until((now) => now.framesEncoded > 30);
  const viewer = await Viewer.start(viewers, server, show);
  await viewer.playing();
  await sleep(2000); // the jitter buffer settles
  const behind = await viewer.latency(samples);
  await publisher.stop();
  await viewer.stop();
  t.diagnostic(`glass to glass, ms: ${spread(behind)}`);
  assert.ok(behind.length >= samples / 2, 'the clock in the picture is readable');
  assert.ok(median(behind) <= medianMs, `${median(behind)} ms`);
}

/** A bad uplink: what share of the frames reaches the viewer, and how long the picture stands still. */
export async function lossy(t, { server, hosts, viewers }, show, { loss, rttMs, seconds, share = 0, gapMs = Infinity, seed = 7 }) {
  const relay = await Relay.start(server, { 'loss-up': loss, 'loss-down': 0, 'delay-ms': rttMs / 2, seed });
  const publisher = await BrowserPublisher.start(hosts, server, show, { video: 'clock', relay });
  await publisher.until((now) => now.framesEncoded > 30);
  const viewer = await Viewer.start(viewers, server, show);
  await viewer.playing();
  await sleep(2000); // the round trip is measured, the bitrate has settled
  const from = Date.now();
  const got = await compare(publisher, viewer, seconds);
  const gap = await viewer.longestGap(from);
  await publisher.stop();
  await viewer.stop();
  const counts = await relay.stop();
  const lost = (100 * counts.up.lost) / counts.up.in;
  t.diagnostic(`${loss} % loss up, ${rttMs} ms: ${got.decoded} of ${got.encoded} frames (${(100 * got.share).toFixed(1)} %) in ${got.seconds.toFixed(0)} s, longest standstill ${gap.toFixed(0)} ms, ${got.width}x${got.height} at ${got.kbps.toFixed(0)} kbit/s; the line lost ${lost.toFixed(1)} %`);
  assert.ok(counts.up.in > 500 && Math.abs(lost - loss) < loss * 0.3 + 0.5, `the media went through the relay: ${JSON.stringify(counts)}`);
  assert.ok(got.sent.framesEncoded > 0 && got.encoded > seconds * 10, `${got.encoded} frames were encoded`);
  assert.ok(got.share >= share, `${(100 * got.share).toFixed(1)} % of the frames decoded`);
  assert.ok(gap <= gapMs, `the picture stood still for ${gap.toFixed(0)} ms`);
  return got;
}

/**
 * Resolves to the wall time at which a frame drawn after `drawnAfter` was shown: not the slate, not
 * an old one. Two frames in a row, so that no lucky pixels count.
 */
function newFrame(viewer, drawnAfter, timeoutMs) {
  return viewer.page.evaluate(async ([after, wait]) => {
    const { video } = window.torgViewer;
    const canvas = new OffscreenCanvas(512, 32);
    const context = canvas.getContext('2d', { willReadFrequently: true });
    const read = () => {
      const scale = video.videoWidth / 1280;
      context.drawImage(video, 0, 0, 512 * scale, 32 * scale, 0, 0, 512, 32);
      const row = context.getImageData(0, 16, 512, 1).data;
      let gray = 0;
      for (let i = 0; i < 16; i++) {
        const level = row[(i * 32 + 16) * 4 + 1];
        if (level > 90 && level < 165) return -1;
        if (level >= 165) gray |= 1 << i;
      }
      let n = gray;
      for (let shift = 1; shift < 16; shift <<= 1) n ^= n >> shift;
      return (n & 0xffff) * 10;
    };
    let first = 0;
    for (const end = Date.now() + wait; Date.now() < end; ) {
      const at = await Promise.race([
        new Promise((resolve) => video.requestVideoFrameCallback((now) => resolve(performance.timeOrigin + now))),
        new Promise((resolve) => setTimeout(resolve, 500, 0)),
      ]);
      if (!at) continue;
      const drawn = read();
      const age = drawn < 0 ? Infinity : (((Date.now() - drawn) % 655360) + 655360) % 655360;
      if (Date.now() - age < after) first = 0;
      else if (first) return first;
      else first = at;
    }
    return -1;
  }, [drawnAfter, timeoutMs]);
}

/** One show whose host's line is cut again and again. */
async function cutOne({ server, hosts, viewers }, show, { cuts, cutMs, betweenMs }) {
  const relay = await Relay.start(server);
  const publisher = await BrowserPublisher.start(hosts, server, show, { video: 'clock', relay, width: 640, height: 360, maxBitrate: 700000 });
  await publisher.until((now) => now.framesEncoded > 30);
  const viewer = await Viewer.start(viewers, server, show);
  await viewer.playing();
  const out = [];
  for (let i = 0; i < cuts; i++) {
    await sleep(betweenMs);
    const cut = await relay.toggle();
    await sleep(cutMs);
    const slate = await viewer.frames(cut.wall + Math.min(cutMs - 500, 3000));
    const firstUp = relay.next('first-up');
    const firstRtp = relay.next('first-rtp-up');
    const mended = await relay.toggle();
    const shown = await newFrame(viewer, cut.wall + 1000, 20000);
    const up = shown > 0 ? await firstUp : await Promise.race([firstUp, sleep(10).then(() => ({ wall: NaN }))]);
    const rtp = shown > 0 ? await firstRtp : { wall: NaN };
    firstUp.catch(() => {});
    firstRtp.catch(() => {});
    out.push({ show: show.id, cut: i + 1, upMs: up.wall - mended.wall, rtpMs: rtp.wall - mended.wall, lineMs: shown > 0 ? shown - mended.wall : Infinity, frameMs: shown > 0 ? shown - rtp.wall : Infinity, slateFrames: slate.length, trouble: await viewer.trouble() });
  }
  const states = (await publisher.states()).map(({ state }) => state);
  const { connections } = await publisher.stats();
  await publisher.stop();
  await viewer.stop();
  await relay.stop();
  return { rounds: out, states, connections };
}

/** The host's line is cut in several shows at once; the bars are the issue's. */
export async function cutLines(t, rig, { shows, cuts, cutMs, betweenMs = 3000, frameMs = 1000, lineMs = 3000 }) {
  const names = await Promise.all(Array.from({ length: shows }, (_, i) => rig.server.newShow(`cut${i + 1}`)));
  const all = await Promise.all(names.map((show) => cutOne(rig, show, { cuts, cutMs, betweenMs })));
  const rounds = all.flatMap((one) => one.rounds);
  for (const one of all) t.diagnostic(`connections made by the publisher: ${one.connections}; ${one.states.join(' ')}`);
  for (const line of table(rounds.map((r) => ({ show: r.show, cut: r.cut, 'first packet': r.upMs.toFixed(0), 'first RTP': r.rtpMs.toFixed(0), 'RTP to frame': r.frameMs.toFixed(0), 'line to frame': r.lineMs.toFixed(0), 'slate frames': r.slateFrames, trouble: r.trouble || '-' })))) t.diagnostic(line);
  t.diagnostic(`line to frame, ms: ${spread(rounds.map((r) => r.lineMs))}; first RTP to frame, ms: ${spread(rounds.map((r) => r.frameMs))}`);
  assert.deepEqual(rounds.filter((r) => r.trouble), [], 'no viewer session is lost');
  if (cutMs >= 4000) assert.deepEqual(rounds.filter((r) => r.slateFrames === 0), [], 'the slate is shown meanwhile');
  assert.deepEqual(rounds.filter((r) => !(r.frameMs <= frameMs)), [], `first frame within ${frameMs} ms of the first packet`);
  assert.deepEqual(rounds.filter((r) => !(r.lineMs <= lineMs)), [], `first frame within ${lineMs} ms of the line`);
}

/** A TCP line that can be cut: nothing passes, nobody is told. */
export class TcpLine {
  static async start(port) {
    const line = new TcpLine();
    line.pairs = new Set();
    line.down = false;
    line.server = net.createServer((client) => {
      const server = net.connect(port, '127.0.0.1');
      const pair = [client, server];
      line.pairs.add(pair);
      client.pipe(server);
      server.pipe(client);
      for (const socket of pair) {
        socket.on('error', () => {});
        socket.on('close', () => {
          line.pairs.delete(pair);
          for (const other of pair) other.destroy();
        });
      }
      if (line.down) line.#hold(pair);
    });
    line.server.listen(0, '127.0.0.1');
    await once(line.server, 'listening');
    line.port = line.server.address().port;
    return line;
  }

  #hold(pair) {
    pair[0].unpipe(pair[1]).pause();
    pair[1].unpipe(pair[0]).pause();
  }

  cut() {
    this.down = true;
    for (const pair of this.pairs) this.#hold(pair);
  }

  mend() {
    this.down = false;
    for (const [client, server] of this.pairs) {
      client.pipe(server);
      server.pipe(client);
    }
  }

  stop() {
    for (const pair of this.pairs) for (const socket of pair) socket.destroy();
    this.server.close();
  }
}

/** The same for RTMP: an encoder that starts again when its connection ends. Reported, no bar. */
export async function cutRtmp(t, { server, viewers }, { cuts, cutMs, betweenMs = 3000 }) {
  const show = await server.newShow('cutrtmp');
  const line = await TcpLine.start(server.rtmpPort);
  const url = show.rtmp.replace(`:${server.rtmpPort}/`, `:${line.port}/`);
  let wanted = true;
  let source;
  const encoder = (async () => {
    while (wanted) {
      source = new Source(url, { clock: true, bitrate: '1000k' });
      await source.exited;
      await sleep(200);
    }
  })();
  await metricsUntil(server, (m) => m.torg_fanout_frames_in_total > 0);
  const viewer = await Viewer.start(viewers, server, show);
  await viewer.playing();
  const times = [];
  for (let i = 0; i < cuts; i++) {
    await sleep(betweenMs);
    line.cut();
    const cut = Date.now();
    await sleep(cutMs);
    line.mend();
    const mended = Date.now();
    const shown = await newFrame(viewer, cut + 1000, 60000);
    times.push(shown > 0 ? shown - mended : Infinity);
    assert.equal(await viewer.trouble(), '', 'no viewer session is lost');
  }
  wanted = false;
  await source.stop();
  await encoder;
  line.stop();
  await viewer.stop();
  t.diagnostic(`RTMP, line to frame, ms: ${spread(times)}`);
  assert.ok(times.every(Number.isFinite), 'the picture comes back');
}

/** Publishers of both kinds take the show from each other while somebody watches. */
export async function takeovers(t, { server, hosts, viewers }, { count, warm }) {
  const show = await server.newShow('takeover');
  const start = async (i) => (i % 2 === 0 ? BrowserPublisher.start(hosts, server, show, { kind: 'whip-whep', video: 'clock', width: 640, height: 360 }) : new Source(show.rtmp, { clock: true, bitrate: '1000k', size: '1280x720' }));
  let current = await start(0);
  await metricsUntil(server, (m) => m.torg_fanout_frames_in_total > 0);
  const viewer = await Viewer.start(viewers, server, show);
  await viewer.playing();
  const waits = [];
  let early = null;
  for (let i = 1; i <= count; i++) {
    const began = Date.now();
    const wide = i % 2 === 1; // RTMP sends 1280 pixels, WHIP 640
    const next = await start(i);
    for (const end = Date.now() + 20000; ; ) {
      const { width } = await viewer.stats();
      if (width === (wide ? 1280 : 640)) break;
      assert.ok(Date.now() < end, `takeover ${i}: the viewer still sees ${width} pixels`);
      await sleep(50);
    }
    waits.push(Date.now() - began);
    await viewer.playing(10000);
    await current.stop();
    current = next;
    assert.equal(await viewer.trouble(), '', `takeover ${i}`);
    if (i === warm) early = await server.usage();
  }
  const late = await server.usage();
  const frames = await viewer.frames();
  const backwards = frames.filter((frame, i) => i > 0 && ((frame.rtp - frames[i - 1].rtp) | 0) <= 0).length;
  // RTP time is media time: between two frames it may not leave the wall clock by more than a second.
  const leaps = frames.flatMap((frame, i) => {
    if (i === 0) return [];
    const [media, wall] = [((frame.rtp - frames[i - 1].rtp) | 0) / 90, frame.at - frames[i - 1].at];
    return Math.abs(media - wall) > 1000 ? [`${media.toFixed(0)} ms of media time in ${wall.toFixed(0)} ms`] : [];
  });
  await current.stop();
  await viewer.stop();
  t.diagnostic(`${count} takeovers, ms until the viewer sees the new one: ${spread(waits)}`);
  t.diagnostic(`resident after ${warm}: ${early.rssKiB} KiB, ${early.fds} descriptors; after ${count}: ${late.rssKiB} KiB, ${late.fds}; ${frames.length} frames, ${backwards} backwards, ${leaps.length} jumps`);
  assert.equal(backwards, 0, 'media time never goes back');
  assert.deepEqual(leaps, [], 'media time goes on without a jump');
  return { early, late };
}
