// A viewer in Firefox: the real watch page, a host in Chromium who sends VP8 (Firefox without its
// downloaded H.264 plugin offers VP8 only).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Firefox } from './lib/firefox.mjs';
import { studio } from './lib/uplink.mjs';
import { BrowserPublisher, withoutH264 } from './lib/whip.mjs';

/** Runs in the page: the player's video, through shadow roots; null before there is one. */
function look() {
  const search = (root) => {
    for (const element of root.querySelectorAll('*')) {
      if (element.tagName === 'VIDEO') return element;
      const inner = element.shadowRoot && search(element.shadowRoot);
      if (inner) return inner;
    }
    return null;
  };
  const video = search(document);
  if (!video) return null;
  if (video.torgFrames === undefined) { // Firefox counts no frames of a stream in getVideoPlaybackQuality()
    video.torgFrames = 0;
    const each = () => (video.torgFrames++, video.requestVideoFrameCallback(each));
    video.requestVideoFrameCallback(each);
  }
  return {
    width: video.videoWidth, height: video.videoHeight, time: video.currentTime, frames: video.torgFrames,
    sound: video.srcObject?.getAudioTracks().some((track) => track.readyState === 'live' && !track.muted) ?? false,
  };
}

async function until(page, wanted, timeoutMs = 30000) {
  for (const end = Date.now() + timeoutMs; ; ) {
    const now = await page.evaluate(look);
    if (now && wanted(now)) return now;
    if (Date.now() > end && process.env.TORG_SHOTS) await page.screenshot(`${process.env.TORG_SHOTS}/firefox-stuck.png`);
    if (Date.now() > end) throw new Error(`the picture did not get there: ${JSON.stringify(now)}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

test('Firefox watches: the whole page, VP8 and sound', { timeout: 180000 }, async (t) => {
  const rig = await studio(t);
  const show = await rig.server.newShow('fox');
  await rig.server.ctl('show', 'start', 'fox');
  const host = await BrowserPublisher.start(withoutH264(rig.hosts), rig.server, show, { kind: 'whip-whep', video: 'clock' });
  await host.until((now) => now.framesEncoded > 30);
  const firefox = await Firefox.start();
  t.after(() => firefox.stop());
  const page = await firefox.open(`${rig.server.url}/s/${show.id}`);
  const first = await until(page, (now) => now.frames > 10 && now.width > 0);
  await new Promise((resolve) => setTimeout(resolve, 5000));
  const then = await page.evaluate(look);
  t.diagnostic(`Firefox ${firefox.version}: ${then.width}x${then.height}, ${then.frames - first.frames} frames in 5 s`);
  if (process.env.TORG_SHOTS) await page.screenshot(`${process.env.TORG_SHOTS}/firefox.png`);
  assert.ok(then.frames - first.frames > 100, `${then.frames - first.frames} frames in 5 s`);
  assert.ok(then.time - first.time > 4, 'time goes on');
  assert.ok(then.sound, 'there is sound');
  assert.equal(then.width * 9, then.height * 16);
  await host.stop();
});
