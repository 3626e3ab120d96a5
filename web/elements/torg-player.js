import { html, nothing } from 'lit';
import { Backoff } from '../lib/backoff.js';
import { HttpError } from '../lib/http.js';
import { t } from '../lib/i18n.js';
import { identity } from '../lib/identity.js';
import { layerFor } from '../lib/layers.js';
import { steadyTimeout } from '../lib/steady-timer.js';
import { WaitError, WhepSession } from '../lib/whep.js';
import { icon } from './icons.js';
import { TorgElement, styles } from './torg-element.js';
import './torg-quality.js';
import sheet from './torg-player.shadow.css';

/** No new frame for so long while somebody looks: the session is started again. */
const FREEZE_MS = 4000;
/** A session that lost its path may find it again by itself within this time. */
const UNSTEADY_MS = 1000;
/** An ICE restart that brings no frame within this time gives way to a new session. */
const RESTART_MS = 3500;
/** No refusal keeps a viewer away for longer. */
const RETRY_MAX_MS = 60000;
/** After the page comes back to the foreground, frames older than this are too old to trust. */
const STALE_ON_RETURN_MS = 2000;
/**
 * The sizes to choose from are asked for so often while the menu is open; else again soon, since some
 * are only made once somebody watches, and then now and then: a host may begin to send more of them.
 */
const LAYERS_OPEN_MS = 3000;
const LAYERS_AGAIN_MS = [4000, 8000, 20000, 60000];

/**
 * The live picture over WHEP: starts muted, asks for sound with one tap, and heals by itself —
 * failed path, frozen picture, foreground after sleep, network back. Where there is no room it waits
 * in line; where there are several sizes one can be chosen.
 *
 * `onFrame(rtpTimestamp, now)` is called for every frame as it goes on screen.
 * @fires torg-player-state detail {state}; the attribute `state` says the same
 * @fires torg-first-frame detail {elapsedMs} from start of the session to its first frame
 */
export class TorgPlayer extends TorgElement {
  static styles = styles(sheet);
  static properties = {
    src: {}, label: {}, poster: {}, wanted: { type: Boolean }, preview: { type: Boolean, reflect: true }, quiet: { type: Boolean },
    state: { reflect: true }, shape: { reflect: true }, muted: { state: true }, blocked: { state: true },
    layers: { state: true }, chosen: { state: true }, lines: { state: true }, place: { state: true }, now: { state: true },
  };

  /** @type {WhepSession | null} */
  #session = null;
  #backoff = new Backoff({ firstMs: 400, maxMs: 15000 });
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retry;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #unsteady;
  /** Cancels the next offer of who waits in line. @type {(() => void) | undefined} */
  #comeBack;
  #ticket = '';
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #layersTimer;
  #menuOpen = false;
  /** How often in this session. */
  #asked = 0;
  /** Whether the remembered size was asked for in this session. */
  #applied = false;
  #started = 0;
  #lastFrame = 0;
  #framesSeen = 0;

  constructor() {
    super();
    /** WHEP endpoint */
    this.src = '';
    this.label = '';
    this.poster = '';
    /** Whether there is something to see; false ends the session. */
    this.wanted = false;
    /** A small picture for staff: no sound prompt. */
    this.preview = false;
    /** The page itself says why there is no picture now: no word and no spinner here. */
    this.quiet = false;
    /** waiting: not for us before the show starts; queued: no room now. @type {'idle' | 'connecting' | 'playing' | 'stalled' | 'missing' | 'waiting' | 'queued'} */
    this.state = 'idle';
    /** @type {'wide' | 'tall'} */
    this.shape = 'wide';
    this.muted = true;
    this.blocked = false;
    /** @type {import('../lib/layers.js').Layer[]} */
    this.layers = [];
    /** rid of the layer asked for, or 'auto'. */
    this.chosen = 'auto';
    /** Of the picture on screen. */
    this.lines = 0;
    /** In line. @type {{ position: number, until: number } | null} */
    this.place = null;
    this.now = 0;
    /** @type {(rtpTimestamp: number, now: number) => void} */
    this.onFrame = () => {};
  }

  /** @param {AbortSignal} signal */
  attached(signal) {
    document.addEventListener('visibilitychange', () => this.#visible(), { signal });
    addEventListener('online', () => this.#networkChanged(), { signal });
    /** @type {any} */ (navigator).connection?.addEventListener('change', () => this.#networkChanged(), { signal });
    addEventListener('pagehide', () => this.#leave(), { signal });
    addEventListener('pageshow', (event) => event.persisted && this.#restart(), { signal });
    const watchdog = setInterval(() => this.#watch(), 1000);
    signal.addEventListener('abort', () => {
      clearInterval(watchdog);
      this.#leave();
    });
  }

  /** @param {Map<string, unknown>} changes */
  updated(changes) {
    if (changes.has('wanted') || changes.has('src')) {
      if (this.wanted && this.src) this.#restart();
      else this.#leave();
    }
    if (changes.has('state')) this.dispatchEvent(new CustomEvent('torg-player-state', { detail: { state: this.state } }));
  }

  get #video() {
    return /** @type {HTMLVideoElement} */ (this.renderRoot.querySelector('video'));
  }

  render() {
    return html`
      <video playsinline autoplay .muted=${this.muted} aria-label=${this.label} poster=${this.poster || nothing}
        @resize=${this.#measure} @loadedmetadata=${this.#measure}></video>
      ${this.state === 'queued' && this.place ? this.#queue(this.place) : this.#overlay()}
      ${this.state === 'playing' && !this.preview ? html`<torg-quality .layers=${this.layers} .chosen=${this.chosen} .lines=${this.lines}
        @torg-quality-request=${this.#choose} @torg-quality-open=${this.#menu}></torg-quality>` : nothing}`;
  }

  /**
   * Calm: a place in line is no fault, and the shop is open. Only the place itself is announced.
   * @param {{ position: number, until: number }} place
   */
  #queue({ position, until }) {
    const s = Math.max(0, Math.ceil((until - this.now) / 1000));
    return html`<div class="queue"><p class="place" role="status" aria-live="polite">${t('player.queue', { count: position })}</p>
      <p>${t('player.queue.hint')}</p><p class="again" aria-hidden="true">${t('player.queue.again', { s })}</p></div>`;
  }

  #overlay() {
    if (this.state === 'idle' || this.state === 'queued') return nothing;
    if (this.blocked) {
      return html`<button class="tap" type="button" @click=${this.#play}>${icon('play')} ${t('player.play')}</button>`;
    }
    if (this.state === 'waiting') return html`<p class="wait" role="status">${t('player.waiting')}</p>`;
    if (this.state !== 'playing') {
      if (this.quiet) return nothing;
      return html`<p class="wait" role="status"><span class="spinner"></span> <span>${t(`player.${this.state}`)}</span></p>`;
    }
    if (this.preview) return nothing;
    return html`<button class=${this.muted ? 'sound tap-sound' : 'sound'} type="button" @click=${this.#sound}>
      ${icon(this.muted ? 'soundOff' : 'sound')} <span>${t(this.muted ? 'player.unmute' : 'player.mute')}</span></button>`;
  }

  #measure() {
    const { videoWidth, videoHeight } = this.#video;
    if (!videoWidth || !videoHeight) return;
    this.shape = videoHeight > videoWidth ? 'tall' : 'wide';
    this.lines = Math.min(videoWidth, videoHeight);
  }

  /** @param {CustomEvent} event */
  #menu({ detail }) {
    this.#menuOpen = detail.open;
    if (detail.open) void this.#askLayers();
  }

  /** @param {CustomEvent} event */
  #choose({ detail }) {
    identity.keepQuality(detail.lines);
    this.chosen = detail.rid;
    void this.#askLayers(detail.rid);
  }

  /**
   * What there is to choose from, after asking for one of them when `rid` is given.
   * @param {string} [rid]
   */
  async #askLayers(rid) {
    const session = this.#session;
    clearTimeout(this.#layersTimer);
    if (!session || this.preview) return;
    try {
      const layers = rid ? await session.choose(rid) : await session.layers();
      if (this.#session !== session) return;
      this.layers = layers;
      this.chosen = layers.find(({ pinned }) => pinned)?.rid ?? 'auto';
    } catch {
      if (this.#session !== session) return; // else: as it was; the server may not know yet
    }
    const again = this.#menuOpen ? LAYERS_OPEN_MS : LAYERS_AGAIN_MS[Math.min(this.#asked++, LAYERS_AGAIN_MS.length - 1)] ?? 0;
    this.#layersTimer = setTimeout(() => this.#askLayers(), again * (0.9 + 0.2 * Math.random()));
    if (rid || this.#applied || this.layers.length < 2) return;
    this.#applied = true;
    const wanted = layerFor(this.layers, identity.quality());
    if (wanted && wanted.rid !== this.chosen) await this.#askLayers(wanted.rid);
  }

  #sound() {
    this.muted = !this.muted;
    this.#video.muted = this.muted; // inside the gesture, not a microtask later
    this.#play();
  }

  #play() {
    const video = this.#video;
    if (!video.srcObject) return;
    video.play().then(() => {
      this.blocked = false;
    }, (error) => {
      // AbortError only says that a newer stream came in between.
      if (error?.name === 'NotAllowedError') this.blocked = true;
    });
  }

  #restart() {
    if (!this.wanted || !this.src || !this.isConnected) return;
    this.#stop('connecting');
    const session = new WhepSession(this.src, { ticket: this.#ticket });
    this.#session = session;
    this.#applied = false;
    this.#asked = 0;
    this.#started = performance.now();
    this.#lastFrame = this.#started;
    this.#framesSeen = 0;
    session.onStream = (stream) => this.#show(session, stream);
    session.onState = (state) => this.#path(session, state);
    session.start().catch((error) => {
      if (error instanceof WaitError) this.#wait(session, error.place);
      else if (error instanceof HttpError) this.#failed(session, error.status, error.retryMs);
      else this.#failed(session, 0);
    });
  }

  /**
   * No room: stays in line, and asks again when told to, with the tab hidden, too.
   * @param {WhepSession} session
   * @param {{ position: number, ticket: string, retryS: number }} place
   */
  #wait(session, { position, ticket, retryS }) {
    if (this.#session !== session) return;
    this.#stop('queued');
    this.#video.srcObject = null;
    this.#ticket = ticket;
    this.now = Date.now();
    this.place = { position, until: this.now + retryS * 1000 };
    this.#comeBack = steadyTimeout(retryS * 1000, () => this.#restart());
  }

  /**
   * @param {WhepSession} session
   * @param {MediaStream} stream
   */
  #show(session, stream) {
    if (this.#session !== session) return;
    const video = this.#video;
    video.srcObject = stream;
    video.muted = this.muted;
    this.#play();
    const next = (/** @type {number} */ now, /** @type {VideoFrameCallbackMetadata} */ meta) => {
      if (this.#session !== session) return;
      this.#frame(now, meta);
      video.requestVideoFrameCallback(next);
    };
    if ('requestVideoFrameCallback' in video) video.requestVideoFrameCallback(next);
    else this.#withoutFrameCallback(session);
  }

  /**
   * A browser that does not tell frames: look at the playing time instead; the shop runs by the wall.
   * @param {WhepSession} session
   */
  #withoutFrameCallback(session) {
    const video = this.#video;
    video.ontimeupdate = () => {
      if (this.#session === session) this.#frame(performance.now(), null);
    };
  }

  /**
   * @param {number} now
   * @param {VideoFrameCallbackMetadata | null} meta
   */
  #frame(now, meta) {
    this.#lastFrame = performance.now();
    this.#framesSeen++;
    if (this.state !== 'playing') this.state = 'playing';
    if (this.#framesSeen === 1) {
      const elapsedMs = this.#lastFrame - this.#started;
      this.dispatchEvent(new CustomEvent('torg-first-frame', { bubbles: true, composed: true, detail: { elapsedMs } }));
      this.#forgetPlace();
      // Not all of a crowd at once; what was chosen earlier is asked for sooner.
      this.#layersTimer = setTimeout(() => this.#askLayers(), identity.quality() > 0 ? 100 : 500 + 1500 * Math.random());
    }
    // A picture that holds for a while has earned a fresh start of the back-off.
    if (this.#framesSeen === 100) this.#backoff.reset();
    if (meta?.rtpTimestamp !== undefined) this.onFrame(meta.rtpTimestamp, now);
  }

  /**
   * @param {WhepSession} session
   * @param {'connected' | 'unsteady' | 'failed'} state
   */
  #path(session, state) {
    if (this.#session !== session) return;
    clearTimeout(this.#unsteady);
    if (state === 'failed') this.#failed(session, 0);
    if (state === 'unsteady') this.#unsteady = setTimeout(() => this.#newPath(session), UNSTEADY_MS);
  }

  #networkChanged() {
    const session = this.#session;
    if (this.state === 'queued') return; // the place in line is kept, the next offer is due soon
    if (session?.connected) this.#newPath(session);
    else this.#restart();
  }

  /**
   * Another network: first the same session over a new path, then a new session.
   * @param {WhepSession} session
   */
  #newPath(session) {
    if (this.#session !== session) return;
    clearTimeout(this.#unsteady);
    const seen = this.#framesSeen;
    this.#unsteady = setTimeout(() => {
      if (this.#framesSeen === seen || !session.connected) this.#failed(session, 0);
    }, RESTART_MS);
    session.restart().then((ok) => {
      // A server that cannot restart, while the old path is gone: no point in waiting.
      if (!ok && !session.connected) this.#failed(session, 0);
    }, () => this.#failed(session, 0));
  }

  /**
   * @param {WhepSession} session
   * @param {number} status of the WHEP answer; 0 = the network
   * @param {number} [retryMs] what the answer asks for: the room and the line may both be full
   */
  #failed(session, status, retryMs = 0) {
    if (this.#session !== session) return;
    this.#stop(status === 404 ? 'missing' : status === 403 ? 'waiting' : 'stalled');
    // Busy or too often: the place is kept. Any other refusal means that there is no line for us.
    if (status >= 400 && status < 500 && status !== 429) this.#forgetPlace();
    const pause = Math.max(this.#backoff.next(), Math.min(retryMs, RETRY_MAX_MS));
    if (this.wanted) this.#retry = setTimeout(() => this.#restart(), pause);
  }

  #watch() {
    const session = this.#session;
    if (this.state === 'queued') this.now = Date.now();
    if (!session || document.hidden || this.blocked) return;
    // Where the page knows that nobody sends, silence is no freeze: look now and then all the same.
    const patience = this.quiet ? 4 * FREEZE_MS : FREEZE_MS;
    if (performance.now() - this.#lastFrame > patience + 1000 * Math.min(this.#backoff.tries, 16)) this.#failed(session, 0);
  }

  #visible() {
    if (document.hidden || !this.wanted || this.state === 'queued') return;
    this.#play();
    const seen = this.#lastFrame;
    setTimeout(() => {
      const moved = this.#lastFrame !== seen || performance.now() - this.#lastFrame < STALE_ON_RETURN_MS;
      if (!document.hidden && !moved) this.#restart();
    }, 700);
  }

  /** Nothing is wanted any more: the place in line goes, too. */
  #leave() {
    this.#stop('idle');
    this.#forgetPlace();
    this.layers = [];
  }

  #forgetPlace() {
    this.#ticket = '';
    this.place = null;
  }

  /** @param {'idle' | 'connecting' | 'stalled' | 'missing' | 'waiting' | 'queued'} state */
  #stop(state) {
    clearTimeout(this.#retry);
    clearTimeout(this.#unsteady);
    clearTimeout(this.#layersTimer);
    this.#comeBack?.();
    this.#session?.stop();
    this.#session = null;
    // Who asks again is still in line: the words stay until there is an answer.
    this.state = state === 'connecting' && this.place ? 'queued' : state;
    const video = this.renderRoot.querySelector('video');
    // Between sessions the last picture stays; without one the poster comes back.
    if (video && state === 'idle') video.srcObject = null;
  }
}
customElements.define('torg-player', TorgPlayer);
