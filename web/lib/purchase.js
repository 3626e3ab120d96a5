/**
 * @file One purchase from the tap to its answer. The key is made at the tap, kept in storage until the
 * answer is there, and never changed: a retry after a lost connection or a reload is the same purchase.
 */
import { newId } from './channel.js';

/** @typedef {import('./wire.js').Money} Money */
/** @typedef {import('./wire.js').Order} Order */
/** @typedef {import('./wire.js').Reply} Reply */
/** @typedef {import('./wire.js').BuyOp | import('./wire.js').CheckoutOp} PurchaseOp */
/**
 * @typedef {object} Purchase
 * @property {string} id idempotency key
 * @property {PurchaseOp} op
 * @property {'sending' | 'ordered' | 'sold_out' | 'price_changed' | 'limit' | 'busy' | 'refused'} state
 * @property {Order} [order]
 * @property {Money} [price] with price_changed: the price now
 * @property {{ sku: string, price: Money }[]} [prices] with price_changed: every line that is dearer now
 * @property {Money} [total] with price_changed: what all costs now, when no line is dearer
 * @property {number} [backOrder] with sold_out: units that can be had by who agrees to wait
 * @property {string | null} [shipsFrom] ... and from when they ship; null = no date yet
 * @property {string} [sku] with sold_out: which it is
 * @property {string} [code]
 * @property {string} [message] the server's words
 */

/**
 * @param {PurchaseOp} op
 * @returns {Purchase}
 */
export function newPurchase(op) {
  return { id: newId(), op, state: 'sending' };
}

/**
 * @param {Purchase} purchase
 * @param {Reply} reply
 * @returns {Purchase}
 */
export function answered(purchase, reply) {
  if (reply.ok && reply.order) return { ...purchase, state: 'ordered', order: reply.order };
  const base = { ...purchase, code: reply.code ?? 'internal', message: reply.message };
  switch (reply.code) {
    case 'sold_out': return { ...base, state: 'sold_out', sku: reply.sku, backOrder: reply.back_order, shipsFrom: reply.ships_from };
    case 'price_changed': return { ...base, state: 'price_changed', price: reply.price, prices: reply.prices, total: reply.total };
    case 'limit': return { ...base, state: 'limit' };
    case 'busy': case 'rate': return { ...base, state: 'busy' };
    default: return { ...base, state: 'refused' };
  }
}

/** Purchases whose answer is not known yet, over a reload of the page. */
export class PendingStore {
  /**
   * @param {Pick<Storage, 'getItem' | 'setItem'> | null} storage
   * @param {string} show
   */
  constructor(storage, show) {
    this.storage = storage;
    this.key = `torg.pending.${show}`;
  }

  /** @returns {Purchase[]} */
  list() {
    try {
      const list = JSON.parse(this.storage?.getItem(this.key) ?? '[]');
      return Array.isArray(list) ? list : [];
    } catch {
      return [];
    }
  }

  /** @param {Purchase} purchase */
  add(purchase) {
    this.#save([...this.list().filter((p) => p.id !== purchase.id), purchase].slice(-20));
  }

  /** @param {string} id */
  remove(id) {
    this.#save(this.list().filter((p) => p.id !== id));
  }

  /** @param {Purchase[]} list */
  #save(list) {
    try {
      this.storage?.setItem(this.key, JSON.stringify(list));
    } catch {
      // Storage full or forbidden: the purchase still lives as long as the page does.
    }
  }
}
