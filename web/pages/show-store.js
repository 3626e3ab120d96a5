/**
 * @file The state of one show in a page: the channel, the media clock and the model, tied together.
 * Pages listen for `change` and read `model`; the picture tells it its frames.
 *
 * On `document`, `torg-event-applied` (detail {event, mediaMs, late}) says which event took effect at
 * which media time: what measures the step between picture and shop reads it.
 */
import { Channel, ChannelTimeout } from '../lib/channel.js';
import { ApplyQueue, MediaClock } from '../lib/media-clock.js';
import { emptyModel, reduce, waitsForFrame } from '../lib/show-model.js';
import { hasText, locale, onLocaleChange, t } from '../lib/i18n.js';

/** @typedef {import('../lib/wire.js').ServerEvent} ServerEvent */
/** @typedef {import('../lib/wire.js').RequestOp} RequestOp */
/** @typedef {import('../lib/wire.js').Reply} Reply */

/** How often waiting events are looked at while no frame comes. */
const DRAIN_MS = 100;

/** Fires `change` (coalesced), `event` (detail: the event as applied) and `reactions`. */
export class ShowStore extends EventTarget {
  model = emptyModel();
  clock = new MediaClock();
  /** @type {import('../lib/channel.js').ChannelState} */
  connection = 'connecting';
  /** why the connection is as it is: lost, silent, timeout, policy, behind */
  reason = '';
  /** Joined at least once. */
  ready = false;
  /** @type {ApplyQueue<ServerEvent>} */
  #queue = new ApplyQueue();
  #dirty = false;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #drainer;
  #life = new AbortController();

  /** @param {import('../lib/channel.js').ChannelOptions} options */
  constructor(options) {
    super();
    this.channel = new Channel({ lang: locale, ...options });
    this.channel.onEvent = (event) => this.#arrive(event);
    this.channel.onState = (state, reason) => this.#connection(state, reason);
  }

  open() {
    this.channel.open();
    this.#drainer = setInterval(() => this.#drain(performance.now()), DRAIN_MS);
    this.#life = new AbortController();
    onLocaleChange(() => this.channel.rejoin(), this.#life.signal); // products come in its language
    addEventListener('online', this.#comeBack);
    document.addEventListener('visibilitychange', this.#comeBack);
  }

  close() {
    clearInterval(this.#drainer);
    this.#life.abort();
    removeEventListener('online', this.#comeBack);
    document.removeEventListener('visibilitychange', this.#comeBack);
    this.channel.close();
  }

  #comeBack = () => {
    if (!document.hidden) this.channel.reconnectNow();
  };

  /**
   * A video frame goes on screen: what belongs to it takes effect with it.
   * @param {number} rtpTimestamp
   * @param {number} now
   */
  frame(rtpTimestamp, now) {
    this.clock.frame(rtpTimestamp, now);
    this.#drain(now);
  }

  /** Media time for a countdown: of the frame on screen, else as the clock goes; null = not known. */
  get mediaMs() {
    const now = performance.now();
    return this.clock.onScreen(now) ?? this.clock.estimate(now);
  }

  /** Media time on screen for a buyer's `at`; undefined while unknown. */
  mediaNow() {
    const ms = this.clock.onScreen(performance.now());
    return ms === null ? undefined : Math.max(0, Math.round(ms));
  }

  /**
   * @param {RequestOp} op
   * @param {{ id?: string, giveUpMs?: number }} [how]
   * @returns {Promise<Reply>} a timeout becomes a reply that says so
   */
  async request(op, how) {
    try {
      return await this.channel.request(op, how);
    } catch (error) {
      if (!(error instanceof ChannelTimeout)) throw error;
      return { re: '', ok: false, code: 'closed', message: t('error.no-answer') };
    }
  }

  /** @param {ServerEvent} event */
  #arrive(event) {
    const now = performance.now();
    if (event.ev === 'clock') {
      this.clock.setAnchor(event.media_ms, now);
      return;
    }
    if (event.ev === 'joined') {
      this.clock.setAnchor(event.clock.media_ms, now);
      this.#queue.clear();
      this.ready = true;
    }
    if (waitsForFrame(event) && 'at' in event) {
      this.#queue.push(event, event.at, now);
      this.#drain(now);
    } else {
      this.#apply(event, now);
    }
  }

  /** @param {number} now */
  #drain(now) {
    if (this.#queue.size === 0) return;
    for (const event of this.#queue.due(this.clock.onScreen(now), now)) this.#apply(event, now);
  }

  /**
   * @param {ServerEvent} event
   * @param {number} now
   */
  #apply(event, now) {
    this.model = reduce(this.model, event);
    this.dispatchEvent(new CustomEvent('event', { detail: event }));
    if (waitsForFrame(event)) {
      const mediaMs = this.clock.onScreen(now);
      document.dispatchEvent(new CustomEvent('torg-event-applied', { detail: { event, mediaMs } }));
    }
    this.changed();
  }

  /**
   * @param {import('../lib/channel.js').ChannelState} state
   * @param {string} reason
   */
  #connection(state, reason) {
    this.connection = state;
    if (reason || state === 'open') this.reason = reason;
    this.changed();
  }

  /** Tells the page once for all changes of one turn. */
  changed() {
    if (this.#dirty) return;
    this.#dirty = true;
    queueMicrotask(() => {
      this.#dirty = false;
      this.dispatchEvent(new Event('change'));
    });
  }
}

/**
 * Why a request was refused, in the reader's language where there are words for it.
 * @param {Reply} reply
 */
export function refusalWords(reply) {
  const key = `error.${reply.code}`;
  if (reply.code === 'slow_mode' && reply.retry_ms) return t('error.wait', { count: Math.ceil(reply.retry_ms / 1000) });
  return hasText(key) ? t(key) : (reply.message ?? t('error.internal'));
}
