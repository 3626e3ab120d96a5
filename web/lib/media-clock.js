/**
 * @file The show's media clock in a page: which media time is on screen, and what is due at it.
 *
 * WebRTC video carries rtp = media_ms × 90 modulo 2^32, so a frame's RTP timestamp is its media time
 * but for the high bits; those come from the channel's `clock` event. All local times are
 * performance.now() milliseconds, given by the caller: nothing here reads a clock.
 */

const RTP_WRAP = 2 ** 32;
const TICKS_PER_MS = 90;

/** No frame for so long: the picture does not lead any more, local time does. */
export const FRAME_STALE_MS = 1500;
/** No event waits longer than this for its frame, whatever the timestamps say. */
export const HOLD_MAX_MS = 4000;

export class MediaClock {
  /** @type {{ mediaMs: number, local: number } | null} */
  #anchor = null;
  /** @type {{ mediaMs: number, local: number } | null} */
  #frame = null;

  /**
   * A `clock` event that arrived at local time `local`.
   * @param {number} mediaMs
   * @param {number} local
   */
  setAnchor(mediaMs, local) {
    this.#anchor = { mediaMs, local };
  }

  get hasAnchor() {
    return this.#anchor !== null;
  }

  /**
   * A frame that goes on screen now.
   * @param {number} rtpTimestamp 32 bits
   * @param {number} local
   * @returns {number | null} its media time; null before the first `clock`
   */
  frame(rtpTimestamp, local) {
    const mediaMs = this.fromRtp(rtpTimestamp, local);
    if (mediaMs !== null) this.#frame = { mediaMs, local };
    return mediaMs;
  }

  /** The picture is gone (player closed, publisher changed): forget the last frame. */
  forgetFrame() {
    this.#frame = null;
  }

  /**
   * Media time of the server about now, by the wall alone.
   * @param {number} local
   * @returns {number | null}
   */
  estimate(local) {
    return this.#anchor && this.#anchor.mediaMs + (local - this.#anchor.local);
  }

  /**
   * Media time on screen: of the last frame while frames come, else by the wall.
   * @param {number} local
   * @returns {number | null}
   */
  onScreen(local) {
    if (this.#frame && local - this.#frame.local < FRAME_STALE_MS) return this.#frame.mediaMs;
    return this.estimate(local);
  }

  /**
   * @param {number} rtpTimestamp
   * @param {number} local
   * @returns {number | null}
   */
  fromRtp(rtpTimestamp, local) {
    const near = this.estimate(local);
    if (near === null) return null;
    // The one value ≡ rtp (mod 2^32) that lies nearest to the estimate; exact, for it is below 2^53.
    const laps = Math.round((near * TICKS_PER_MS - rtpTimestamp) / RTP_WRAP);
    return (rtpTimestamp + laps * RTP_WRAP) / TICKS_PER_MS;
  }
}

/**
 * Events waiting for their frame, in order of arrival. An event is due when its `at` is on screen,
 * or after HOLD_MAX_MS; nothing overtakes an earlier event.
 * @template T
 */
export class ApplyQueue {
  /** @type {{ at: number, arrived: number, event: T }[]} */
  #waiting = [];

  get size() {
    return this.#waiting.length;
  }

  /**
   * @param {T} event
   * @param {number} at media ms
   * @param {number} local time of arrival
   */
  push(event, at, local) {
    this.#waiting.push({ at, arrived: local, event });
  }

  /**
   * Takes out what is due.
   * @param {number | null} mediaMs on screen; null = unknown, everything is due
   * @param {number} local
   * @returns {T[]}
   */
  due(mediaMs, local) {
    let count = 0;
    for (const { at, arrived } of this.#waiting) {
      if (mediaMs !== null && at > mediaMs && local - arrived < HOLD_MAX_MS) break;
      count++;
    }
    return this.#waiting.splice(0, count).map((entry) => entry.event);
  }

  /** Everything, at once (a fresh `joined` makes waiting events moot). */
  clear() {
    this.#waiting.length = 0;
  }
}
