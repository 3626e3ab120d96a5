/** @file What staff do at a show: the desk's requests, sales as they happen, who is muted. */
import { HttpError, getJson, postJson, putJson } from '../../lib/http.js';
import { t } from '../../lib/i18n.js';
import { findSku, optionWords, picture } from '../../lib/show-model.js';
import { UplinkHealth } from '../../lib/uplink-health.js';
import { ShowStore, refusalWords } from '../show-store.js';
import { socketUrl } from '../start.js';

/** @typedef {import('../../lib/wire.js').RequestOp} RequestOp */
/** @typedef {import('../../elements/torg-sales.js').Sale} Sale */
/** @typedef {{ orders: number, units: number, paid: import('../../lib/wire.js').Money | null }} Report sums of the server's books */

const SALES_KEPT = 60;
const REPORT_MS = 2000;
/** Payments are not told on the channel: the sums are asked for again this often. */
const REPORT_EVERY_MS = 10000;
const MUTE_S = 600;

/** Answers of requests are shown as `message` for a while. */
export class DeskStore extends ShowStore {
  /** @type {Sale[]} */
  sales = [];
  /** @type {Report | null} */
  report = null;
  /** @type {{ text: string, bad: boolean } | null} */
  message = null;
  chatProblem = '';
  /** The newest way in for a phone. @type {import('../../lib/wire.js').PhoneCode | null} */
  phoneCode = null;
  phoneProblem = '';
  /** How the show sells, while it is being changed. @type {import('../../lib/wire.js').ShowRules | null} */
  rules = null;
  rulesProblem = '';
  /** The last sale for somebody. @type {{ order: import('../../lib/wire.js').Order, name: string } | null} */
  sold = null;
  /** What the server sees wrong with the line of whoever is on air. @type {import('../../lib/uplink-health.js').Warning[]} */
  lineWarnings = [];
  #lineHealth = new UplinkHealth();
  #keys = 0;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #everySo;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #reporting;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #messageTimer;

  /** @param {string} show */
  constructor(show) {
    super({ url: socketUrl(`/ws/${encodeURIComponent(show)}`) });
    this.showId = show;
    this.addEventListener('event', (event) => this.#follow(/** @type {CustomEvent} */ (event).detail));
  }

  /** @type {Record<string, number>} units sold by SKU as last heard */
  #heard = {};

  /** @param {import('../../lib/wire.js').ServerEvent} event */
  #follow(event) {
    if (event.ev === 'joined' || event.ev === 'sold') this.#loadReport();
    if (event.ev === 'uplink') this.lineWarnings = this.#lineHealth.input({ sending: false, server: event });
    if (event.ev === 'source' && event.state !== 'on') this.#lineGone();
    if (event.ev !== 'sold') return;
    const found = findSku(this.model.products, event.sku);
    const count = event.count - (this.#heard[event.sku] ?? event.count - 1);
    this.#heard[event.sku] = event.count;
    if (count <= 0 || !found) return;
    const options = optionWords(found.variant.options);
    const sale = { key: ++this.#keys, when: Date.now(), title: options ? `${found.product.title}, ${options}` : found.product.title, image: picture(found.product).url, count };
    this.sales = [sale, ...this.sales].slice(0, SALES_KEPT);
  }

  #lineGone() {
    this.#lineHealth.reset();
    this.lineWarnings = [];
  }

  /** A one-time code that makes a phone the host of this show. */
  async makePhoneCode() {
    this.phoneCode = null;
    this.phoneProblem = '';
    this.changed();
    try {
      this.phoneCode = await postJson('/api/v1/session/code', { show: this.showId });
    } catch (error) {
      this.phoneProblem = t(error instanceof HttpError && error.status === 403 ? 'phone.forbidden' : 'phone.failed');
    }
    this.changed();
  }

  /** Sums come from the server's books, at most once in a while. */
  #loadReport() {
    this.#reporting ??= setTimeout(() => {
      this.#reporting = undefined;
      getJson(`/api/v1/reports/${encodeURIComponent(this.showId)}`).then((body) => {
        this.report = sums(body);
        this.changed();
      }).catch(() => {
        // The next sale asks again; the columns of the rundown are live anyway.
      });
    }, this.report ? REPORT_MS : 0);
  }

  open() {
    super.open();
    this.#everySo = setInterval(() => !document.hidden && this.#loadReport(), REPORT_EVERY_MS);
  }

  close() {
    super.close();
    clearInterval(this.#everySo);
    clearTimeout(this.#reporting);
    clearTimeout(this.#messageTimer);
  }

  /**
   * Asks, and says how it went.
   * @param {RequestOp} op
   */
  async act(op) {
    const reply = await this.request(op);
    this.say(reply.ok ? t('desk.done') : refusalWords(reply), !reply.ok);
    return reply.ok;
  }

  /**
   * @param {string} text
   * @param {boolean} bad
   */
  say(text, bad) {
    clearTimeout(this.#messageTimer);
    this.message = { text, bad };
    this.#messageTimer = setTimeout(() => {
      this.message = null;
      this.changed();
    }, bad ? 8000 : 2500);
    this.changed();
  }

  /**
   * @param {string} text
   * @param {string} [replyTo]
   */
  async chat(text, replyTo) {
    const reply = await this.request(replyTo ? { op: 'chat', text, reply_to: replyTo } : { op: 'chat', text });
    this.chatProblem = reply.ok ? '' : refusalWords(reply);
    this.changed();
    return reply.ok;
  }

  /**
   * @param {string} sku
   * @param {number} [amount] none ends the flash price
   * @param {number} [minutes]
   */
  price(sku, amount, minutes) {
    /** @type {import('../../lib/wire.js').PriceOp} */
    const op = { op: 'price', sku };
    if (amount !== undefined) op.amount = amount;
    if (amount !== undefined && minutes) op.until = new Date(Date.now() + minutes * 60000).toISOString();
    return this.act(op);
  }

  /**
   * The number that people type for a SKU in this show; its window and limits stay.
   * @param {string} sku
   * @param {number} number 0 = the product's own
   */
  async number(sku, number) {
    const url = `/api/v1/shows/${encodeURIComponent(this.showId)}/items/${encodeURIComponent(sku)}`;
    try {
      const item = await getJson(url);
      await putJson(url, { ...item, number: number || null });
      this.say(t('desk.done'), false);
    } catch (error) {
      this.say(error instanceof HttpError && error.status ? error.message : t('desk.rules.failed'), true);
    }
  }

  /**
   * @param {string} sku
   * @param {boolean} open
   * @param {number} [seconds]
   */
  window(sku, open, seconds) {
    return this.act(seconds ? { op: 'window', sku, open, for_s: seconds } : { op: 'window', sku, open });
  }

  /**
   * A sale for somebody else; the order is kept for its link.
   * @param {string} sku
   * @param {number} qty
   * @param {string} name
   */
  async sell(sku, qty, name) {
    const reply = await this.request({ op: 'sell', sku, qty, name });
    if (reply.ok && reply.order) this.sold = { order: reply.order, name };
    else this.say(refusalWords(reply), true);
    this.changed();
  }

  async loadRules() {
    this.rules = null;
    this.rulesProblem = '';
    this.changed();
    try {
      this.rules = await getJson(`/api/v1/shows/${encodeURIComponent(this.showId)}/rules`);
    } catch {
      this.rulesProblem = t('error.internal');
    }
    this.changed();
  }

  /** @param {import('../../lib/wire.js').ShowRules} rules */
  async saveRules(rules) {
    this.rulesProblem = '';
    try {
      this.rules = await putJson(`/api/v1/shows/${encodeURIComponent(this.showId)}/rules`, rules);
      this.say(t('desk.done'), false);
    } catch (error) {
      this.rulesProblem = error instanceof HttpError && error.status ? error.message : t('desk.rules.failed');
    }
    this.changed();
    return this.rulesProblem === '';
  }

  /**
   * @param {string} person
   * @param {boolean} undo
   */
  mute(person, undo) {
    return this.act(undo ? { op: 'mute', person, undo } : { op: 'mute', person, seconds: MUTE_S });
  }

  /** People who may not write now. */
  get muted() {
    const now = this.clock.estimate(performance.now()) ?? 0;
    return new Set(Object.entries(this.model.mutedUntil).filter(([, until]) => until > now).map(([person]) => person));
  }
}

/**
 * Purchases and units that count (awaiting payment, paid, sent), and the money that came in.
 * @param {Record<string, { orders: number, units: number, amount: import('../../lib/wire.js').Money } | undefined>} body
 * @returns {Report}
 */
function sums(body) {
  /** @type {Report} */
  const report = { orders: 0, units: 0, paid: null };
  for (const state of ['awaiting_payment', 'paid', 'partly_fulfilled', 'fulfilled']) {
    const part = body[state];
    if (!part) continue;
    report.orders += part.orders;
    report.units += part.units;
    if (state !== 'awaiting_payment') report.paid = { ...part.amount, amount: (report.paid?.amount ?? 0) + part.amount.amount };
  }
  return report;
}
