/**
 * @file A host's camera to the server over WHIP (RFC 9725): offer, answer, ICE restart, a new session
 * when that does not help, end. It keeps trying until the host stops, or somebody else has the show.
 */
import { Backoff } from './backoff.js';
import { HttpError } from './http.js';
import { restartIce } from './ice-restart.js';
import { stereoOpus } from './sdp.js';

/** @typedef {'idle' | 'connecting' | 'live' | 'reconnecting' | 'failed' | 'taken-over'} WhipState */
/** @typedef {{ maxBitrate: number, simulcast?: boolean, stereo?: boolean, hint?: '' | 'motion' | 'detail' }} WhipSettings */

/** A path that is away for less may come back by itself. */
export const UNSTEADY_MS = 2000;
/** An ICE restart that has not helped by then gives way to a new session. */
export const RESTART_MS = 5000;
/**
 * Chromium judges a line by its first frames, before the rate is up, and would go on with a small
 * picture for a minute. So size is kept for so long; afterwards what the line cannot carry gives way.
 */
const SHARP_MS = 5000;
/** A session that never connects after its answer. */
const CONNECT_MS = 10000;
/** When the server closes the session it may be because of a takeover: time for that word to arrive. */
export const CLOSED_GRACE_MS = 1500;
/** Answers that no further try changes. */
const FINAL = [400, 401, 403, 404, 405, 406, 415, 422];

/** Video bit/s by lines of picture: good for goods in a hand, possible from a phone. */
const BITRATES = [{ lines: 1080, bps: 4500000 }, { lines: 720, bps: 2500000 }, { lines: 0, bps: 1200000 }];

/** @param {number} lines the shorter side of the picture, in pixels */
export function maxBitrate(lines) {
  return BITRATES.find((step) => lines >= step.lines)?.bps ?? 1200000;
}

/**
 * The codecs to offer, in our order: H.264 (constrained baseline, mode 1 first), then VP8; the rest
 * only repairs or is not taken by the server.
 * @template {{ mimeType: string, sdpFmtpLine?: string }} C
 * @param {readonly C[]} codecs
 * @returns {C[]}
 */
export function preferH264(codecs) {
  const rank = (/** @type {C} */ { mimeType, sdpFmtpLine = '' }) => {
    const type = mimeType.toLowerCase();
    if (type === 'video/h264') {
      const mode = sdpFmtpLine.includes('packetization-mode=1') ? 0 : 2;
      return mode + (/profile-level-id=42e0/i.test(sdpFmtpLine) ? 0 : 1);
    }
    return type === 'video/vp8' ? 5 : type === 'video/rtx' ? 6 : 9;
  };
  return codecs.filter((codec) => rank(codec) < 9).sort((a, b) => rank(a) - rank(b));
}

export class WhipPublisher {
  /** @type {WhipState} */
  state = 'idle';
  /** Why it failed: the status of the server's answer and its words. */
  problem = { status: 0, message: '' };
  /** The server's name for our newest session. */
  publisher = '';
  /** @type {(state: WhipState) => void} */
  onState = () => {};

  /** @type {RTCPeerConnection | null} */
  #pc = null;
  #resource = '';
  /** @type {MediaStream | null} */
  #stream = null;
  /** @type {WhipSettings} */
  #settings = { maxBitrate: 2500000 };
  /** Names of all sessions since start(): a late word about an older one of ours is no takeover. @type {Set<string>} */
  #own = new Set();
  /** Who was on air when we began, until we are: its news is no takeover either. */
  #rival = '';
  #backoff;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #sharp;
  #restarting = false;

  /**
   * @param {string} url /whip/{show}
   * @param {{ token?: string | null, timeoutMs?: number, backoff?: Backoff }} [options]
   */
  constructor(url, { token = null, timeoutMs = 8000, backoff = new Backoff({ firstMs: 400, maxMs: 8000 }) } = {}) {
    this.url = url;
    this.token = token;
    this.timeoutMs = timeoutMs;
    this.#backoff = backoff;
  }

  get active() {
    return this.state === 'connecting' || this.state === 'live' || this.state === 'reconnecting';
  }

  /**
   * @param {MediaStream} stream at most one video and one audio track
   * @param {WhipSettings} settings
   * @param {string} [onAir] the publisher that has the show now
   */
  start(stream, settings, onAir = '') {
    this.#drop();
    this.#stream = stream;
    this.#settings = settings;
    this.#own.clear();
    this.#rival = onAir;
    this.#backoff.reset();
    this.problem = { status: 0, message: '' };
    if ('window' in globalThis) {
      addEventListener('online', this.#networkChanged);
      addEventListener('pagehide', this.#pageHidden);
      connection()?.addEventListener('change', this.#networkChanged);
    }
    this.#go('connecting');
    return this.#connect();
  }

  /** Ends the session here and at the server; survives the page (keepalive). */
  stop() {
    this.#quiet();
    this.#go('idle');
  }

  /**
   * A `source` event of the show channel: who is on air.
   * @param {{ state?: string, publisher?: string }} event
   */
  heard({ state, publisher = '' }) {
    if (!this.active || state !== 'on' || !publisher) return;
    if (this.#own.has(publisher)) this.#rival = '';
    else if (publisher !== this.#rival && this.#own.size > 0) {
      this.#quiet();
      this.#go('taken-over');
    }
  }

  /** Another camera, the screen, another microphone: without a new session.
   * @param {MediaStreamTrack} track
   */
  async replaceTrack(track) {
    const stream = this.#stream;
    for (const old of stream?.getTracks() ?? []) {
      if (old.kind === track.kind && old !== track) stream?.removeTrack(old);
    }
    stream?.addTrack(track);
    const sender = this.#sender(track.kind);
    if (track.kind === 'video') track.contentHint = this.#settings.hint ?? 'motion';
    await sender?.replaceTrack(track);
  }

  /** @param {Partial<WhipSettings>} change */
  async adjust(change) {
    this.#settings = { ...this.#settings, ...change };
    await this.#tune();
  }

  /** Statistics of the connection; null while there is none. */
  async stats() {
    return this.#pc ? this.#pc.getStats() : null;
  }

  /** @param {string} kind */
  #sender(kind) {
    return this.#pc?.getTransceivers().find(({ receiver }) => receiver.track.kind === kind)?.sender;
  }

  async #connect() {
    const stream = this.#stream;
    if (!stream) return;
    this.#dropSession();
    const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
    this.#pc = pc;
    pc.onconnectionstatechange = () => this.#path(pc);
    try {
      await this.#offer(pc, stream);
      if (this.#pc === pc) this.#arm(CONNECT_MS, () => this.#again());
    } catch (error) {
      if (this.#pc === pc) this.#failed(error);
    }
  }

  /**
   * @param {RTCPeerConnection} pc
   * @param {MediaStream} stream
   */
  async #offer(pc, stream) {
    for (const track of stream.getTracks()) this.#add(pc, track, stream);
    this.#sharp = setTimeout(() => {
      this.#sharp = undefined;
      void this.#tune();
    }, SHARP_MS);
    await this.#tune(); // before the first frame
    const offer = await pc.createOffer();
    const { stereo = false } = this.#settings;
    const sdp = stereo ? stereoOpus(offer.sdp ?? '') : offer.sdp ?? '';
    await pc.setLocalDescription({ type: 'offer', sdp });
    const answer = await this.#post(pc, sdp);
    if (this.#pc !== pc) return; // stopped meanwhile
    await pc.setRemoteDescription({ type: 'answer', sdp: stereo ? stereoOpus(answer) : answer });
    const dtls = pc.getSenders()[0]?.transport;
    if (dtls) dtls.onstatechange = () => dtls.state === 'closed' && this.#pc === pc && this.#closed();
  }

  /**
   * @param {RTCPeerConnection} pc
   * @param {MediaStreamTrack} track
   * @param {MediaStream} stream
   */
  #add(pc, track, stream) {
    const { maxBitrate: max, simulcast = false, hint = 'motion' } = this.#settings;
    if (track.kind !== 'video') {
      pc.addTransceiver(track, { direction: 'sendonly', streams: [stream] });
      return;
    }
    track.contentHint = hint;
    const sendEncodings = simulcast
      ? [{ rid: 'low', scaleResolutionDownBy: 4, maxBitrate: Math.round(max / 10) }, { rid: 'mid', scaleResolutionDownBy: 2, maxBitrate: Math.round(max / 3) }, { rid: 'high', maxBitrate: max }]
      : [{ maxBitrate: max }];
    const transceiver = pc.addTransceiver(track, { direction: 'sendonly', streams: [stream], sendEncodings });
    const codecs = preferH264(RTCRtpSender.getCapabilities?.('video')?.codecs ?? []);
    if (codecs.length > 0 && 'setCodecPreferences' in transceiver) transceiver.setCodecPreferences(codecs);
  }

  /**
   * @param {RTCPeerConnection} pc
   * @param {string} sdp
   */
  async #post(pc, sdp) {
    const headers = { 'Content-Type': 'application/sdp', Accept: 'application/sdp', ...this.#auth() };
    const response = await fetch(this.url, { method: 'POST', headers, body: sdp, signal: AbortSignal.timeout(this.timeoutMs) }).catch((error) => {
      throw new HttpError(0, String(error));
    });
    const location = response.headers.get('Location');
    const resource = response.status === 201 && location ? new URL(location, response.url || this.url).href : '';
    if (response.status !== 201) throw new HttpError(response.status, await words(response));
    const answer = await response.text();
    if (this.#pc !== pc) this.#delete(resource); // stopped while the answer was on its way
    else {
      this.#resource = resource;
      this.publisher = response.headers.get('Torg-Publisher') ?? '';
      if (this.publisher) this.#own.add(this.publisher);
    }
    return answer;
  }

  /** @returns {Record<string, string>} */
  #auth() {
    return this.token ? { Authorization: `Bearer ${this.token}` } : {};
  }

  /** Bitrate and what gives way first, as the settings say. */
  async #tune() {
    const sender = this.#sender('video');
    const parameters = sender?.getParameters();
    if (!sender || !parameters || parameters.encodings.length === 0) return;
    const { maxBitrate: max, hint = 'motion' } = this.#settings;
    const share = parameters.encodings.length === 3 ? [0.1, 1 / 3, 1] : [1];
    parameters.encodings.forEach((encoding, i) => { encoding.maxBitrate = Math.round(max * (share[i] ?? 1)); });
    /** @type {any} */ (parameters).degradationPreference = hint === 'detail' || this.#sharp !== undefined ? 'maintain-resolution' : 'balanced';
    await sender.setParameters(parameters).catch(() => {
      // The browser's own choice is a picture, too.
    });
  }

  /** @param {RTCPeerConnection} pc */
  #path(pc) {
    if (this.#pc !== pc) return;
    switch (pc.connectionState) {
      case 'connected':
        this.#restarting = false;
        clearTimeout(this.#timer);
        this.#backoff.reset();
        this.#go('live');
        break;
      case 'disconnected':
        if (!this.#restarting) this.#arm(UNSTEADY_MS, () => this.#restart());
        break;
      case 'failed':
        if (this.#restarting) break; // the old path's end; the restart has its own time limit
        if (this.state === 'live') void this.#restart();
        else this.#again();
        break;
      default:
    }
  }

  #networkChanged = () => {
    if (this.state === 'live') void this.#restart();
    else if (this.state === 'reconnecting' && !this.#restarting) {
      this.#backoff.reset();
      this.#arm(0, () => this.#connect());
    }
  };

  #pageHidden = () => this.stop();

  async #restart() {
    const pc = this.#pc;
    if (!pc || this.#restarting) return;
    this.#restarting = true;
    this.#go('reconnecting');
    this.#arm(RESTART_MS, () => this.#again());
    const ok = await restartIce(pc, this.#resource, { headers: this.#auth() });
    if (this.#pc !== pc || !this.#restarting) return;
    // The old path may still be good: then no change of the connection's state will come.
    if (!ok) this.#again();
    else if (pc.connectionState === 'connected') this.#settle(pc);
  }

  /** After a restart of a path that never broke. @param {RTCPeerConnection} pc */
  #settle(pc) {
    const { iceConnectionState } = pc;
    if (iceConnectionState === 'connected' || iceConnectionState === 'completed') this.#path(pc);
  }

  /** The server ended the session (DTLS close_notify). */
  #closed() {
    this.#dropSession();
    this.#go('reconnecting');
    this.#arm(CLOSED_GRACE_MS, () => this.#connect());
  }

  #again() {
    this.#dropSession();
    if (!this.active) return;
    if (this.state === 'live') this.#go('reconnecting');
    this.#arm(this.#backoff.next(), () => this.#connect());
  }

  /** @param {unknown} error */
  #failed(error) {
    const status = error instanceof HttpError ? error.status : 0;
    this.problem = { status, message: error instanceof Error ? error.message : String(error) };
    if (!FINAL.includes(status)) {
      this.#again();
      return;
    }
    this.#quiet();
    this.#go('failed');
  }

  /**
   * @param {number} ms
   * @param {() => void} act
   */
  #arm(ms, act) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(act, ms);
  }

  /** @param {WhipState} state */
  #go(state) {
    if (this.state === state) return;
    this.state = state;
    this.onState(state);
  }

  #quiet() {
    this.#drop();
    if ('window' in globalThis) {
      removeEventListener('online', this.#networkChanged);
      removeEventListener('pagehide', this.#pageHidden);
      connection()?.removeEventListener('change', this.#networkChanged);
    }
  }

  #drop() {
    clearTimeout(this.#timer);
    this.#dropSession();
  }

  #dropSession() {
    const pc = this.#pc;
    clearTimeout(this.#sharp);
    this.#sharp = undefined;
    this.#pc = null;
    this.#restarting = false;
    if (pc) {
      pc.onconnectionstatechange = null;
      pc.close();
    }
    this.#delete(this.#resource);
    this.#resource = '';
  }

  /** @param {string} resource */
  #delete(resource) {
    if (!resource) return;
    fetch(resource, { method: 'DELETE', keepalive: true, headers: this.#auth() }).catch(() => {
      // The server sees the closed connection, too.
    });
  }
}

/** @returns {EventTarget | undefined} NetworkInformation: phones tell there that Wi-Fi became 4G */
function connection() {
  return /** @type {any} */ (navigator).connection;
}

/** @param {Response} response */
async function words(response) {
  const body = await response.json().catch(() => null);
  return body?.detail ?? body?.title ?? response.statusText;
}
