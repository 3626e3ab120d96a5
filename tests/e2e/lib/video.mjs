// What a test asks of the picture on a page. The player's video stands in shadow roots.

/** Runs in the page: the first <video>, through shadow roots. */
const find = `(() => {
  const search = (root) => {
    for (const e of root.querySelectorAll('*')) {
      if (e.tagName === 'VIDEO') return e;
      const inner = e.shadowRoot && search(e.shadowRoot);
      if (inner) return inner;
    }
    return null;
  };
  return search(document);
})()`;

/** @param {import('playwright-core').Page} page */
export async function picture(page) {
  return page.evaluate(`(() => {
    const video = ${find};
    if (!video) return null;
    return {
      width: video.videoWidth, time: video.currentTime, frames: video.getVideoPlaybackQuality().totalVideoFrames,
      audio: video.srcObject?.getAudioTracks().filter((t) => t.readyState === 'live' && !t.muted).length ?? 0,
    };
  })()`);
}

/** Waits until the picture moves: frames are decoded and time goes on between two looks. */
export async function moves(page, timeoutMs = 15000) {
  const end = Date.now() + timeoutMs;
  let last = null;
  while (Date.now() < end) {
    const now = await picture(page);
    if (last && now && now.width > 0 && now.frames > last.frames + 5 && now.time > last.time + 0.2) return now;
    last = now ?? last;
    await page.waitForTimeout(500);
  }
  throw new Error(`the picture does not move: ${JSON.stringify(last)}`);
}

/**
 * Before the page loads: keep the video element that gets a stream, when its first frame was shown,
 * and the RTP time of the frame on screen.
 */
export async function watchFrames(page) {
  await page.addInitScript(() => {
    const own = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, 'srcObject');
    Object.defineProperty(HTMLMediaElement.prototype, 'srcObject', {
      ...own,
      set(stream) {
        own.set.call(this, stream);
        if (!stream || window.torgVideo === this) return;
        window.torgVideo = this;
        const each = (now, frame) => {
          window.torgFirst ??= performance.timeOrigin + now;
          window.torgFrame = { rtp: frame.rtpTimestamp, at: now };
          this.requestVideoFrameCallback(each);
        };
        this.requestVideoFrameCallback(each);
      },
    });
  });
}
