/** @file What a viewer does on top of watching: chat, reactions, buying, cart, orders. */
import { getJson } from '../../lib/http.js';
import { campaign, identity } from '../../lib/identity.js';
import { PendingStore, answered, newPurchase } from '../../lib/purchase.js';
import { t } from '../../lib/i18n.js';
import { withPlace, withoutPlace } from '../../lib/selling.js';
import { findSku } from '../../lib/show-model.js';
import { ShowStore, refusalWords } from '../show-store.js';
import { socketUrl } from '../start.js';

/** @typedef {import('../../lib/purchase.js').Purchase} Purchase */
/** @typedef {import('../../lib/wire.js').ReactionKind} ReactionKind */
/** @typedef {import('../../lib/wire.js').Order} Order */

/** Taps on the heart are sent together at this pace. */
const REACT_MS = 250;

export class WatchStore extends ShowStore {
  /** @type {Purchase | null} the one on screen */
  purchase = null;
  chatProblem = '';
  chatSending = false;
  cartProblem = '';
  waitProblem = '';
  /** The cart with codes and as this show sells it, asked for when it is looked at; null = the channel's. @type {import('../../lib/wire.js').Cart | null} */
  quote = null;
  /** The codes that the quote is with. */
  code = '';
  /** Why the codes that were tried do not hold: a refusal's code, or "no-answer". */
  codeProblem = '';
  /** Which question about the cart is the newest. */
  #asked = 0;
  /** The server does not know this show. */
  missing = false;
  /** @type {Map<ReactionKind, number>} */
  #taps = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #tapTimer;

  /** @param {string} show */
  constructor(show) {
    super({
      url: socketUrl(`/ws/${encodeURIComponent(show)}`),
      token: identity.resumeToken,
      keepToken: identity.keepResumeToken,
      forgetToken: identity.forgetResumeToken,
      name: identity.name,
      source: campaign(location.search),
    });
    this.showId = show;
    this.pending = new PendingStore(storage(), show);
    this.addEventListener('event', (event) => this.#follow(/** @type {CustomEvent} */ (event).detail));
  }

  open() {
    super.open();
    for (const purchase of this.pending.list()) this.#send(purchase);
    this.#checkShow();
  }

  /** The socket of an unknown show only fails; this says why. */
  #checkShow() {
    getJson(`/api/v1/shows/${encodeURIComponent(this.showId)}`).catch((error) => {
      if (error?.status !== 404 || this.ready) return; // the channel keeps trying and its banner says so
      this.missing = true;
      this.close();
      this.changed();
    });
  }

  /** @param {import('../../lib/wire.js').ServerEvent} event */
  #follow(event) {
    if (event.ev === 'joined') {
      identity.keepLastShow(this.showId);
      this.#loadOrders();
    }
    if (event.ev === 'cart') this.#cartChanged();
    if (event.ev === 'comment') this.#commented(event);
    if (event.ev === 'order' && this.purchase?.order?.id === event.order.id) {
      this.purchase = { ...this.purchase, order: event.order };
    }
  }

  /** A line in the chat bought, or would have. @param {import('../../lib/wire.js').CommentEvent} event */
  #commented({ id, order, code, message, choices }) {
    if (order) {
      const sku = order.lines[0]?.sku ?? '';
      this.purchase = { id, op: { op: 'buy', sku, qty: order.lines[0]?.qty ?? 1 }, state: 'ordered', order };
      this.model = { ...this.model, orders: { ...this.model.orders, [order.id]: order } };
    } else if (choices) {
      this.chatProblem = t('comment.which', { choices: choices.map(({ options }) => options).join(' | ') });
    } else {
      this.chatProblem = code === 'not_found' || code === 'bad_request' ? (message ?? '') : refusalWords({ re: id, ok: false, code, message });
    }
  }

  /**
   * A place in line for what is sold out, or out of it.
   * @param {string} sku
   * @param {number} qty
   * @param {boolean} [leave]
   */
  async wait(sku, qty, leave = false) {
    const reply = await this.request(leave ? { op: 'wait', sku, leave } : { op: 'wait', sku, qty, at: this.mediaNow() });
    if (reply.waiting) this.model = { ...this.model, waiting: withPlace(this.model.waiting, reply.waiting) };
    this.waitProblem = reply.ok || leave ? '' : refusalWords(reply);
    this.changed();
    return reply.ok;
  }

  /** The person has read that a turn went by. @param {string} sku */
  forgetTurn(sku) {
    this.model = { ...this.model, waiting: withoutPlace(this.model.waiting, sku) };
    this.changed();
  }

  #loadOrders() {
    const token = identity.resumeToken();
    if (!token) return;
    getJson('/api/v1/orders', { headers: { Authorization: `Bearer ${token}` } }).then((body) => {
      /** @type {Record<string, Order>} */
      const orders = {};
      for (const order of body?.orders ?? []) orders[order.id] = order;
      this.model = { ...this.model, orders: { ...orders, ...this.model.orders } };
      this.changed();
    }).catch(() => {
      // The drawer shows what this page has seen itself; the next join tries again.
    });
  }

  /** Newest first. */
  get orders() {
    return Object.values(this.model.orders).sort((a, b) => compare(b, a));
  }

  /**
   * @param {string} text
   * @param {string} [replyTo]
   * @returns {Promise<boolean>} taken
   */
  async chat(text, replyTo) {
    this.chatSending = true;
    this.chatProblem = '';
    this.changed();
    /** @type {import('../../lib/wire.js').ChatOp} */
    const op = { op: 'chat', text, at: this.mediaNow() };
    if (replyTo) op.reply_to = replyTo;
    const reply = await this.request(op);
    this.chatSending = false;
    if (!reply.ok) this.chatProblem = refusalWords(reply);
    this.changed();
    return reply.ok;
  }

  /** @param {ReactionKind} kind */
  react(kind) {
    this.#taps.set(kind, Math.min(50, (this.#taps.get(kind) ?? 0) + 1));
    this.#tapTimer ??= setTimeout(() => {
      this.#tapTimer = undefined;
      for (const [tapped, n] of this.#taps) this.channel.send({ op: 'react', kind: tapped, n });
      this.#taps.clear();
    }, REACT_MS);
  }

  /**
   * @param {string} sku
   * @param {number} qty
   */
  buy(sku, qty) {
    const found = findSku(this.model.products, sku);
    if (!found || this.purchase?.state === 'sending') return;
    this.#begin(newPurchase({ op: 'buy', sku, qty, price: found.variant.price.amount, at: this.mediaNow() }));
  }

  /**
   * After "the price has changed", "busy" or a question: a new purchase, at the price now.
   * @param {Purchase} purchase
   * @param {boolean} [backOrder] agreed to wait for what is promised
   */
  buyAgain({ op, price, prices, total }, backOrder = false) {
    const agreed = backOrder || op.back_order ? { back_order: true } : {};
    if (op.op === 'checkout') this.checkout(prices, op.code, { ...agreed, ...(total ? { total: total.amount } : {}) });
    else this.#begin(newPurchase({ ...op, ...agreed, price: price?.amount ?? findSku(this.model.products, op.sku)?.variant.price.amount, at: this.mediaNow() }));
  }

  get cart() {
    return this.quote ?? this.model.cart;
  }

  /**
   * Asks what the cart costs now, with these codes, and what of it can be had.
   * @param {string} [code] "" = without
   * @returns {Promise<boolean>} the codes hold
   */
  async priceCart(code = this.code) {
    const token = identity.resumeToken();
    const asked = ++this.#asked;
    if (!token || this.model.cart.lines.length === 0) return false;
    const query = new URLSearchParams({ show: this.showId, ...(code ? { code } : {}) });
    /** @type {{ cart: import('../../lib/wire.js').Cart } | null} */
    const body = await getJson(`/api/v1/carts/mine?${query}`, { headers: { Authorization: `Bearer ${token}` } }).catch(() => null);
    if (asked !== this.#asked) return false;
    const error = body ? body.cart.code_error?.code ?? '' : 'no-answer';
    if (code) this.codeProblem = error;
    if (body) {
      this.quote = body.cart;
      this.code = error ? '' : code;
    }
    this.changed();
    return error === '';
  }

  /** What was asked about the cart is no longer so; codes are priced again. */
  #cartChanged() {
    this.#asked++;
    this.quote = null;
    this.codeProblem = '';
    if (this.model.cart.lines.length === 0) this.code = '';
    if (this.code) void this.priceCart();
  }

  /**
   * Nobody orders for more than they think: codes that were typed and not tried yet are tried first.
   * @param {string} typed
   */
  async orderCart(typed) {
    if (typed && typed !== this.code && !(await this.priceCart(typed))) return;
    const total = this.code ? this.quote?.total?.amount : undefined;
    this.checkout([], this.code, total === undefined ? {} : { total });
  }

  /**
   * @param {{ sku: string, price: import('../../lib/wire.js').Money }[]} [agreed] prices that the buyer was just told
   * @param {string} [code] discount codes, separated by commas
   * @param {{ back_order?: boolean, total?: number }} [more] what else was agreed to; the total that the code made
   */
  checkout(agreed = [], code = '', more = {}) {
    const prices = [];
    for (const { sku, price } of this.cart.lines) {
      const amount = (agreed.find((line) => line.sku === sku)?.price ?? price ?? findSku(this.model.products, sku)?.variant.price)?.amount;
      if (amount !== undefined) prices.push({ sku, amount });
    }
    this.#begin(newPurchase({ op: 'checkout', prices, at: this.mediaNow(), ...(code ? { code } : {}), ...more }));
  }

  /**
   * @param {string} sku
   * @param {number} qty
   */
  async cartSet(sku, qty) {
    const reply = await this.request({ op: 'cart.set', sku, qty: Math.max(0, qty) });
    this.cartProblem = reply.ok ? '' : refusalWords(reply);
    if (reply.cart) {
      this.model = { ...this.model, cart: reply.cart };
      this.#cartChanged();
    }
    this.changed();
  }

  /** @param {string} sku */
  addToCart(sku) {
    return this.cartSet(sku, (this.model.cart.lines.find((line) => line.sku === sku)?.qty ?? 0) + 1);
  }

  /** @param {Purchase} purchase */
  #begin(purchase) {
    this.pending.add(purchase);
    this.purchase = purchase;
    this.changed();
    this.#send(purchase);
  }

  /** Asks until it is answered, under one key, however long the network takes. @param {Purchase} purchase */
  #send(purchase) {
    this.channel.request(purchase.op, { id: purchase.id, giveUpMs: 0 }).then((reply) => {
      this.pending.remove(purchase.id);
      const done = answered(purchase, reply);
      if (done.order) this.model = { ...this.model, orders: { ...this.model.orders, [done.order.id]: latest(this.model.orders[done.order.id], done.order) } };
      // A purchase from before a reload comes to the front only when it became an order.
      if (this.purchase?.id === purchase.id || (!this.purchase && done.order)) this.purchase = done;
      if (purchase.op.op === 'checkout' && !done.order) void this.priceCart();
      this.changed();
    }).catch(() => {
      // The page is closing; the key stays in storage and the next page asks again.
    });
  }

  dismissPurchase() {
    this.purchase = null;
    this.changed();
  }
}

/** An `order` event may have overtaken the reply: never go back to awaiting payment.
 * @param {Order | undefined} known
 * @param {Order} order
 */
function latest(known, order) {
  return known && known.state !== 'awaiting_payment' ? known : order;
}

/** Ids are UUIDv7: their order is the order of making. @param {Order} a @param {Order} b */
function compare(a, b) {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

function storage() {
  try {
    return sessionStorage;
  } catch {
    return null;
  }
}
