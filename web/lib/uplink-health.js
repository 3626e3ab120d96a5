/**
 * @file What is wrong with a host's line, camera, microphone or phone, from one sample a second.
 * Pure. Words are i18n keys `health.{code}` and `health.{code}.do`.
 */

/** @typedef {import('./sender-stats.js').SenderSample} SenderSample */
/** @typedef {import('./wire.js').UplinkEvent} UplinkEvent */
/** @typedef {'line-lost' | 'frozen' | 'low' | 'loss' | 'cpu' | 'falling' | 'jitter' | 'silent' | 'clipped' | 'camera-off' | 'muted'} HealthCode */
/** @typedef {'info' | 'warn' | 'bad'} HealthLevel */
/** @typedef {{ code: HealthCode, level: HealthLevel }} Warning */

/**
 * One second of a host. Parts that are not known are left out: an RTMP host has only `server`.
 * @typedef {object} HealthSample
 * @property {boolean} sending a session is meant to be up
 * @property {boolean} [lost] it is not
 * @property {number} [maxBps] what the picture is set to
 * @property {SenderSample | null} [sender]
 * @property {{ rms: number, peak: number } | null} [mic] 0..1, of the last second
 * @property {boolean} [muted] by the host
 * @property {boolean} [cameraOff] by the host
 * @property {number} [captured] frames of the camera so far, where there is no sender to tell
 * @property {UplinkEvent | null} [server] of the last seconds
 */

/** Bad for so many seconds before it is said; good for so many before it is taken back. */
const HOLD = {
  'line-lost': { on: 1, off: 1 }, frozen: { on: 3, off: 2 }, low: { on: 4, off: 5 }, loss: { on: 3, off: 5 },
  cpu: { on: 5, off: 6 }, falling: { on: 2, off: 5 }, jitter: { on: 3, off: 5 }, silent: { on: 8, off: 1 },
  clipped: { on: 2, off: 4 }, 'camera-off': { on: 1, off: 1 }, muted: { on: 1, off: 1 },
};
/** What matters most comes first, within its level. */
const ORDER = /** @type {HealthCode[]} */ (Object.keys(HOLD));
const LEVELS = { bad: 0, warn: 1, info: 2 };

/** A sender needs this long (samples) to find out what the line carries. */
const WARM_UP = 6;
/** Falling: below this share of the best of the last seconds. */
const FALLEN = 0.5;
const FALL_WINDOW = 10;
const LOW_BPS = 400000;
/** Full scale is 1: a room with a person in it is louder than this, a dead microphone is not. */
const SILENT_PEAK = 0.003;
const CLIPPED_PEAK = 0.985;

export class UplinkHealth {
  /** @type {Map<HealthCode, { shown: HealthLevel | null, run: number }>} */
  #states = new Map();
  #samples = 0;
  #captured = -1;
  /** @type {number[]} line bit/s of the last seconds */
  #recent = [];

  reset() {
    this.#states.clear();
    this.#samples = 0;
    this.#captured = -1;
    this.#recent = [];
  }

  /**
   * @param {HealthSample} sample once a second
   * @returns {Warning[]} the gravest first
   */
  input(sample) {
    if (!sample.sending && !sample.mic && !sample.server) {
      this.reset();
      return [];
    }
    const found = this.#examine(sample);
    for (const code of ORDER) this.#hold(code, found.get(code) ?? null);
    return this.warnings;
  }

  get warnings() {
    /** @type {Warning[]} */
    const list = [];
    for (const code of ORDER) {
      const level = this.#states.get(code)?.shown;
      if (level) list.push({ code, level });
    }
    return list.sort((a, b) => LEVELS[a.level] - LEVELS[b.level]);
  }

  /**
   * @param {HealthCode} code
   * @param {HealthLevel | null} level
   */
  #hold(code, level) {
    const state = this.#states.get(code) ?? { shown: null, run: 0 };
    this.#states.set(code, state);
    if ((level !== null) === (state.shown !== null)) {
      state.run = 0;
      if (level && state.shown && LEVELS[level] < LEVELS[state.shown]) state.shown = level; // worse is said at once
      return;
    }
    state.run++;
    if (state.run < HOLD[code][level ? 'on' : 'off']) return;
    state.shown = level;
    state.run = 0;
  }

  /**
   * @param {HealthSample} sample
   * @returns {Map<HealthCode, HealthLevel>}
   */
  #examine(sample) {
    /** @type {Map<HealthCode, HealthLevel>} */
    const found = new Map();
    if (sample.lost) {
      // Nothing about the line is news while it is gone.
      found.set('line-lost', 'bad');
      this.#recent = [];
      this.#samples = 0;
    } else if (sample.sending || sample.server) {
      this.#samples++;
      this.#line(sample, found);
      this.#processor(sample, found);
    }
    this.#camera(sample, found);
    this.#sound(sample, found);
    return found;
  }

  /**
   * @param {HealthSample} sample
   * @param {Map<HealthCode, HealthLevel>} found
   */
  #line({ sender = null, server = null, maxBps = 0 }, found) {
    const troubles = server?.troubles ?? [];
    // A still picture needs few bits: what the sender believes in says more than what it sends.
    const line = sender ? (sender.targetBps || sender.videoBps) : server?.video_bps ?? 0;
    const warm = this.#samples > WARM_UP;
    if (warm && sender && maxBps > 0 && line < maxBps * 0.35 && sender.limited !== 'cpu') found.set('low', line < LOW_BPS ? 'bad' : 'warn');
    else if (warm && !sender && troubles.includes('low')) found.set('low', line < LOW_BPS ? 'bad' : 'warn');
    const best = Math.max(0, ...this.#recent);
    if (!found.has('low') && ((warm && sender && line < best * FALLEN) || (!sender && troubles.includes('falling')))) found.set('falling', 'warn');
    this.#recent = [...this.#recent, line].slice(-FALL_WINDOW);

    const lost = Math.max(sender?.lossPermille ?? 0, server?.loss_permille ?? 0);
    const broken = server?.unrepaired_permille ?? 0;
    if (lost >= 100 || broken >= 20) found.set('loss', 'bad');
    else if (lost >= 30 || broken >= 5 || troubles.includes('loss')) found.set('loss', 'warn');
    if ((server?.jitter_ms ?? 0) >= 60 || troubles.includes('jitter')) found.set('jitter', 'warn');
  }

  /**
   * @param {HealthSample} sample
   * @param {Map<HealthCode, HealthLevel>} found
   */
  #processor({ sender, cameraOff }, found) {
    if (!sender || cameraOff || this.#samples <= WARM_UP) return;
    const slow = sender.captureFps >= 15 && sender.fps > 0 && sender.fps < sender.captureFps * 0.6 && sender.limited !== 'bandwidth';
    if (sender.limited === 'cpu' || slow) found.set('cpu', 'warn');
  }

  /**
   * @param {HealthSample} sample
   * @param {Map<HealthCode, HealthLevel>} found
   */
  #camera({ sender, server, cameraOff = false, captured = sender?.captured ?? -1 }, found) {
    if (cameraOff) {
      found.set('camera-off', 'info');
      this.#captured = -1;
      return;
    }
    const stuck = captured >= 0 && captured === this.#captured;
    this.#captured = captured;
    if (stuck || server?.troubles.includes('frozen')) found.set('frozen', 'bad');
  }

  /**
   * @param {HealthSample} sample
   * @param {Map<HealthCode, HealthLevel>} found
   */
  #sound({ mic = null, server, muted = false }, found) {
    if (muted) {
      found.set('muted', 'info');
      return;
    }
    const troubles = server?.troubles ?? [];
    if (mic ? mic.peak < SILENT_PEAK : troubles.includes('silent')) found.set('silent', 'warn');
    if (mic ? mic.peak >= CLIPPED_PEAK : troubles.includes('clipped')) found.set('clipped', 'warn');
  }
}
