// Networks that let no UDP through: a viewer and a host by TCP, and a TCP viewer whose line stalls
// while others watch. The UDP candidates lead to a relay that loses everything.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { launchBrowser, phone } from './lib/browser.mjs';
import { whepLoad } from './lib/load.mjs';
import { metrics, metricsUntil } from './lib/metrics.mjs';
import { Relay } from './lib/relay.mjs';
import { TorgServer } from './lib/server.mjs';
import { Source } from './lib/source.mjs';
import { TcpLine } from './lib/tcp_line.mjs';
import { moves, watchFrames } from './lib/video.mjs';
import { BrowserPublisher, Viewer, keepConnections, launchStudio, throughRelay } from './lib/whip.mjs';

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** UDP goes nowhere; TCP goes to `tcpPort`. */
async function blocked(t, server, tcpPort) {
  const relay = await Relay.start(server, { 'loss-up': 100, 'loss-down': 100 });
  relay.tcpPort = tcpPort;
  t.after(() => relay.stop());
  return relay;
}

/** Runs in the page: how the newest connection's media travels. */
async function way(kept) {
  const pc = kept ? window.torgPcs.at(-1) : window.torgViewer.pc;
  const stats = await pc.getStats();
  const transport = [...stats.values()].find((s) => s.type === 'transport');
  const pair = stats.get(transport.selectedCandidatePairId);
  const far = stats.get(pair.remoteCandidateId);
  return { local: stats.get(pair.localCandidateId).protocol, remote: far.protocol, port: far.port, rttMs: (pair.currentRoundTripTime ?? 0) * 1000 };
}

test('without UDP', { timeout: 240000 }, async (t) => {
  const server = await TorgServer.start({ env: { TORG_RTC_WORKERS: '1' } });
  t.after(() => server.stop());
  const source = new Source(server.rtmpUrl);
  t.after(() => source.stop());
  const browser = await launchBrowser();
  t.after(() => browser.close());
  await metricsUntil(server, (m) => m.torg_fanout_frames_in_total > 0);
  await sleep(3000);

  await t.test('a viewer has the picture within 2 s of the click', async (s) => {
    const relay = await blocked(s, server, server.rtcPort);
    const page = await phone(browser);
    await throughRelay(page.context(), 'whep', relay);
    await page.addInitScript(keepConnections);
    await watchFrames(page);
    await page.goto(server.url);
    const link = page.getByRole('link', { name: /Autumn at the market square/ }).first();
    await link.waitFor();
    await page.evaluate(() => addEventListener('click', () => sessionStorage.setItem('click', performance.timeOrigin + performance.now()), { capture: true }));
    await link.click();
    await page.waitForFunction(() => window.torgFirst !== undefined);
    const first = await page.evaluate(() => window.torgFirst - Number(sessionStorage.getItem('click')));
    const { frames } = await moves(page);
    const path = await page.evaluate(way, true);
    s.diagnostic(`click to first frame ${first.toFixed(0)} ms, ${frames} frames soon after, by ${path.local}, round trip ${path.rttMs.toFixed(1)} ms`);
    assert.deepEqual({ local: path.local, remote: path.remote, port: path.port }, { local: 'tcp', remote: 'tcp', port: server.rtcPort });
    assert.ok(first <= 2000, `${first} ms`);
    assert.equal((await metrics(server)).torg_rtc_tcp_connections, 1);
    await page.context().close();
    const counts = await relay.stop();
    assert.ok(counts.up.in > 0 && counts.up.lost === counts.up.in, `UDP was tried and did not get through: ${JSON.stringify(counts)}`);
    await metricsUntil(server, (m) => m.torg_rtc_sessions === 0 && m.torg_rtc_tcp_connections === 0);
  });

  await t.test('where UDP works it is used', async () => {
    const viewer = await Viewer.start(browser, server, server.demoShow);
    await viewer.playing();
    await sleep(2000);
    assert.equal((await viewer.page.evaluate(way, false)).local, 'udp');
    await viewer.stop();
  });

  await t.test('a line that stalls for 2 s holds up nobody else', async (s) => {
    const line = await TcpLine.start(server);
    s.after(() => line.stop());
    const viewer = await Viewer.start(browser, server, server.demoShow, { relay: await blocked(s, server, line.port) });
    await viewer.playing();
    assert.equal((await viewer.page.evaluate(way, false)).local, 'tcp');
    const { torg_fanout_viewers: alone } = await metrics(server);
    const others = whepLoad(server, { viewers: 10, ramp: 10, seconds: 9, 'verify-every': 1 });
    others.catch(() => {}); // awaited below
    await metricsUntil(server, (m) => m.torg_fanout_viewers >= alone + 10);
    await sleep(1000);
    const before = await metrics(server);
    const from = await line.tell('stall');
    const stalled = Date.now();
    await sleep(2000);
    const during = await metrics(server);
    const down = (await line.tell('go')) - from;
    const resumed = Date.now();
    await sleep(3000);
    const load = await others;
    const frames = await viewer.frames(stalled);
    const again = frames.find((frame) => frame.at > resumed);
    const late = frames.filter((frame) => frame.at > resumed + 2000);
    s.diagnostic(`stalled ${resumed - stalled} ms: ${during.torg_rtc_tcp_full_total - before.torg_rtc_tcp_full_total} packets found no room; picture ${(again?.at ?? NaN) - resumed} ms after the line came back, ${late.length} frames from the third second on; others lost ${load.lost} of ${load.packets ?? '?'}`);
    assert.equal(load.lost, 0, JSON.stringify(load));
    assert.equal(load.stalled ?? 0, 0, JSON.stringify(load));
    assert.equal(down, 0, 'nothing came through meanwhile');
    assert.ok(during.torg_rtc_tcp_full_total > before.torg_rtc_tcp_full_total, 'the queue was full');
    assert.ok(again && again.at - resumed < 2000, 'the picture goes on');
    assert.ok(late.length >= 20, `${late.length} frames`);
    assert.equal(await viewer.trouble(), '');
    await viewer.stop();
  });

  await t.test('a connection that breaks is made again, and the session lives', async (s) => {
    const line = await TcpLine.start(server);
    s.after(() => line.stop());
    const viewer = await Viewer.start(browser, server, server.demoShow, { relay: await blocked(s, server, line.port) });
    await viewer.playing();
    const { torg_rtc_connected_total: connected } = await metrics(server);
    await line.tell('cut');
    await sleep(300);
    const cut = Date.now();
    await viewer.playing();
    s.diagnostic(`picture ${Date.now() - cut} ms after the cut`);
    assert.equal((await metrics(server)).torg_rtc_connected_total, connected);
    await viewer.stop(); // without a word, as a phone that is switched off
    await metricsUntil(server, (m) => m.torg_rtc_tcp_connections === 0);
  });

  await t.test('a host publishes', async (s) => {
    const hosts = await launchStudio();
    s.after(() => hosts.close());
    const show = await server.newShow('spring');
    const relay = await blocked(s, server, server.rtcPort);
    const began = Date.now();
    const publisher = await BrowserPublisher.start(hosts, server, show, { video: 'clock', relay });
    await publisher.until((now) => now.state === 'connected' && now.framesEncoded > 30);
    const viewer = await Viewer.start(browser, server, show);
    const { width } = await viewer.playing();
    const path = await publisher.page.evaluate(way, true);
    s.diagnostic(`a viewer has the host's picture (${width} wide) ${Date.now() - began} ms after the host began, by ${path.local}`);
    assert.equal(path.local, 'tcp');
    await viewer.stop();
    await publisher.stop();
  });
});
