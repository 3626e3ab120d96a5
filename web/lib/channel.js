/**
 * @file The show channel's client (subprotocol torg.v1): joins, comes back by itself, and keeps every
 * request until it is answered. No DOM: sockets, timers and randomness can be given by a test.
 *
 * A request travels under one `id` for its whole life. It is sent again under the same id after a
 * reconnect and when its answer is overdue, so the server (idempotent by id) decides it once.
 */
import { Backoff } from './backoff.js';

/** @typedef {import('./wire.js').ServerEvent} ServerEvent */
/** @typedef {import('./wire.js').Reply} Reply */
/** @typedef {import('./wire.js').RequestOp} RequestOp */
/** @typedef {'connecting' | 'open' | 'waiting' | 'refused' | 'closed'} ChannelState */

/** An answer later than this is asked for again under the same id. */
export const REPLY_OVERDUE_MS = 6000;
/** After so many unanswered sends on one socket, the socket is taken for dead. */
const SENDS_PER_SOCKET = 3;
/** The server is asked for a sign of life so often while nothing comes. */
export const SILENCE_MS = 20000;
/** A socket that has not opened or answered `join` by then is given up. */
export const JOIN_TIMEOUT_MS = 8000;

/** When the server restarts, its whole crowd must come back: each at a moment of its own within this time. */
export const RESTART_SPREAD_MS = 3000;

/** The show's answer took too long for a request that may be given up. */
export class ChannelTimeout extends Error {}

/**
 * @typedef {object} Pending
 * @property {string} id
 * @property {RequestOp} op
 * @property {number} sends on the present socket
 * @property {ReturnType<typeof setTimeout> | undefined} overdue
 * @property {ReturnType<typeof setTimeout> | undefined} deadline
 * @property {(reply: Reply) => void} resolve
 * @property {(error: Error) => void} reject
 */
/**
 * @typedef {object} ChannelOptions
 * @property {string} url ws(s)://host/ws/{show}
 * @property {() => string | null} [token] resume or role token for `join`
 * @property {(token: string) => void} [keepToken] called with joined.you.token
 * @property {() => void} [forgetToken] the server does not take the token
 * @property {string} [source] campaign
 * @property {() => string} [name] display name
 * @property {() => string} [lang] what products are read in
 * @property {(url: string, protocol: string) => WebSocket} [connect]
 * @property {() => number} [random]
 */

/**
 * Calls back: onEvent for each event in order; onState at each change; `reason` says why in a word.
 */
export class Channel {
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {Map<string, Pending>} */
  #pending = new Map();
  #joined = false;
  #everJoined = false;
  #stopped = true;
  #silentSince = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #heart;
  #backoff;

  /** @type {ChannelState} */
  state = 'closed';
  /** Last must-arrive event seen; -1 = none. */
  seq = -1;
  /** The server's run that `seq` belongs to. */
  epoch = '';
  /** @type {(event: ServerEvent) => void} */
  onEvent = () => {};
  /** @type {(state: ChannelState, reason: string) => void} */
  onState = () => {};

  /** @param {ChannelOptions} options */
  constructor(options) {
    this.options = options;
    this.#backoff = new Backoff({ firstMs: 400, maxMs: 12000, random: options.random });
  }

  get everJoined() {
    return this.#everJoined;
  }

  open() {
    this.#stopped = false;
    this.#connect();
  }

  /** For good; unanswered requests fail. */
  close() {
    this.#stopped = true;
    this.#drop('closed', 'left');
    for (const pending of [...this.#pending.values()]) this.#settle(pending)?.reject(new ChannelTimeout('closed'));
  }

  /** Now, not after the wait: the network is back, or the person asked. */
  reconnectNow() {
    if (this.#stopped || this.#socket) return;
    clearTimeout(this.#timer);
    this.#backoff.reset();
    this.#connect();
  }

  /** Joins anew at once: what `join` carries has changed (a name, a login). */
  rejoin() {
    if (this.#stopped) return;
    this.#drop('connecting', '');
    this.#connect();
  }

  /**
   * @param {RequestOp} op
   * @param {{ id?: string, giveUpMs?: number }} [how] giveUpMs 0 = keep asking until answered
   * @returns {Promise<Reply>} rejects with ChannelTimeout
   */
  request(op, { id = newId(), giveUpMs = 15000 } = {}) {
    return new Promise((resolve, reject) => {
      /** @type {Pending} */
      const pending = { id, op, sends: 0, overdue: undefined, deadline: undefined, resolve, reject };
      this.#pending.set(id, pending);
      if (giveUpMs > 0) {
        pending.deadline = setTimeout(() => this.#settle(pending)?.reject(new ChannelTimeout(op.op)), giveUpMs);
      }
      if (this.#joined) this.#transmit(pending);
    });
  }

  /**
   * Reactions are not answered; without a socket they are lost, which is fine.
   * @param {import('./wire.js').ReactOp} op
   */
  send(op) {
    if (this.#joined) this.#socket?.send(JSON.stringify(op));
  }

  #connect() {
    this.#setState('connecting', '');
    const make = this.options.connect ?? ((url, protocol) => new WebSocket(url, protocol));
    const socket = make(this.options.url, 'torg.v1');
    this.#socket = socket;
    this.#timer = setTimeout(() => this.#lost(socket, 'timeout'), JOIN_TIMEOUT_MS);
    socket.onopen = () => this.#join(socket);
    socket.onmessage = (message) => this.#socket === socket && this.#take(String(message.data));
    socket.onclose = (close) => this.#lost(socket, close.code === 1008 ? 'policy' : 'lost', close.code);
    socket.onerror = () => {}; // close follows
  }

  /** @param {WebSocket} socket */
  #join(socket) {
    const { token, source, name, lang } = this.options;
    /** @type {import('./wire.js').JoinOp} */
    const join = { op: 'join' };
    const secret = token?.();
    if (secret) join.token = secret;
    if (name?.()) join.name = name();
    if (source) join.source = source.slice(0, 64);
    if (lang?.()) join.lang = lang();
    if (this.seq >= 0) join.since = this.seq;
    if (this.seq >= 0 && this.epoch) join.since_epoch = this.epoch;
    socket.send(JSON.stringify(join));
  }

  /** @param {string} text one array of events and replies */
  #take(text) {
    /** @type {unknown} */
    let items;
    try {
      items = JSON.parse(text);
    } catch {
      return; // the server never sends such a thing; a proxy's noise must not end the show
    }
    if (!Array.isArray(items)) return;
    this.#silentSince = Date.now();
    for (const item of items) {
      if (!this.#joined && item?.ok === false && item.re === null) {
        this.#notJoined(/** @type {Reply} */ (item));
        return;
      }
      if (!this.#joined && item?.ev === 'joined') this.#welcome();
      if (typeof item?.re === 'string') this.#answer(/** @type {Reply} */ (item));
      else if (typeof item?.ev === 'string') this.#event(/** @type {ServerEvent} */ (item));
    }
  }

  /**
   * `join` was refused (a refusal without `re`). A secret that the server does not take is forgotten
   * and we come as somebody new; a busy server is asked again later; else the person decides.
   * @param {Reply} reply
   */
  #notJoined(reply) {
    const socket = this.#socket;
    if (!socket) return;
    if (reply.code === 'unauthorized' && this.options.token?.() && this.options.forgetToken) {
      this.options.forgetToken();
      this.#lost(socket, 'identity');
    } else if (reply.code === 'unauthorized' || reply.code === 'forbidden') {
      this.#drop('refused', reply.code);
    } else {
      this.#lost(socket, reply.code ?? 'refused');
    }
  }

  /** `joined`: the server knows us, what waits may go out. */
  #welcome() {
    clearTimeout(this.#timer);
    this.#joined = true;
    this.#everJoined = true;
    this.#backoff.reset();
    this.#setState('open', '');
    this.#heart = setInterval(() => this.#beat(), SILENCE_MS);
    for (const pending of this.#pending.values()) this.#transmit(pending);
  }

  #beat() {
    if (Date.now() - this.#silentSince < SILENCE_MS) return;
    this.request({ op: 'ping' }, { giveUpMs: REPLY_OVERDUE_MS }).catch(() => {
      if (this.#socket) this.#lost(this.#socket, 'silent');
    });
  }

  /** @param {ServerEvent} event */
  #event(event) {
    if (event.ev === 'joined') {
      if (event.you.token) this.options.keepToken?.(event.you.token);
      this.seq = event.seq;
      this.epoch = event.epoch ?? '';
    } else if ('seq' in event && typeof event.seq === 'number') {
      if (event.seq <= this.seq) return; // already seen before the reconnect
      this.seq = event.seq;
    }
    this.onEvent(event);
  }

  /** @param {Reply} reply */
  #answer(reply) {
    const pending = this.#pending.get(reply.re);
    if (pending) this.#settle(pending)?.resolve(reply);
  }

  /** @param {Pending} pending @returns {Pending | null} null when it was settled before */
  #settle(pending) {
    if (!this.#pending.delete(pending.id)) return null;
    clearTimeout(pending.overdue);
    clearTimeout(pending.deadline);
    return pending;
  }

  /** @param {Pending} pending */
  #transmit(pending) {
    const socket = this.#socket;
    if (!socket || !this.#joined) return;
    pending.sends++;
    if (pending.sends > SENDS_PER_SOCKET) {
      this.#lost(socket, 'silent');
      return;
    }
    socket.send(JSON.stringify({ ...pending.op, id: pending.id }));
    clearTimeout(pending.overdue);
    pending.overdue = setTimeout(() => this.#transmit(pending), REPLY_OVERDUE_MS);
  }

  /**
   * @param {WebSocket} socket
   * @param {string} reason
   * @param {number} [code]
   */
  #lost(socket, reason, code) {
    if (this.#socket !== socket) return;
    if (reason === 'policy') {
      // 1008: we were told to go (or broke the rules). Coming back by itself would be rude.
      this.#drop('refused', reason);
      return;
    }
    this.#drop('waiting', code === 1013 ? 'behind' : reason);
    const spread = code === 1012 ? Math.round((this.options.random ?? Math.random)() * RESTART_SPREAD_MS) : 0;
    if (!this.#stopped) this.#timer = setTimeout(() => this.#connect(), spread + this.#backoff.next());
  }

  /**
   * @param {ChannelState} state
   * @param {string} reason
   */
  #drop(state, reason) {
    const socket = this.#socket;
    this.#socket = null;
    this.#joined = false;
    clearTimeout(this.#timer);
    clearInterval(this.#heart);
    for (const pending of this.#pending.values()) {
      clearTimeout(pending.overdue);
      pending.sends = 0;
    }
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    this.#setState(state, reason);
  }

  /**
   * @param {ChannelState} state
   * @param {string} reason
   */
  #setState(state, reason) {
    this.state = state;
    this.onState(state, reason);
  }
}

/**
 * A fresh idempotency key: 1-64 characters of [A-Za-z0-9_-]. The time in front lets the server's index
 * grow at its end; the 128 random bits behind it are what makes it fresh.
 */
export function newId() {
  // getRandomValues is there without a secure context, too: on the shop's plain-HTTP test host.
  const random = Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('');
  return `${Date.now().toString(36).padStart(9, '0')}-${random}`;
}
