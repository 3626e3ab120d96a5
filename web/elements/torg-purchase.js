import { html, nothing } from 'lit';
import { hasText, locale, region, t } from '../lib/i18n.js';
import { formatMoney } from '../lib/money.js';
import { findSku, optionWords } from '../lib/show-model.js';
import { icon } from './icons.js';
import { TorgElement, styles } from './torg-element.js';
import { payAction } from './torg-orders.js';
import sheet from './torg-purchase.shadow.css';

/** @typedef {import('../lib/purchase.js').Purchase} Purchase */

/**
 * What became of a purchase, and what can be done next.
 * @fires torg-buy-again-request detail {purchase, backOrder} at the price now, or agreeing to wait
 * @fires torg-close-request
 * @fires torg-show-products-request
 * @fires torg-wait-request detail {sku, qty} a place in line for what is sold out
 */
export class TorgPurchase extends TorgElement {
  static styles = styles(sheet);
  static properties = { purchase: { attribute: false }, products: { attribute: false }, cart: { attribute: false }, offline: { type: Boolean }, now: { type: Number }, mayWait: { type: Boolean }, waiting: { attribute: false }, waitProblem: {} };

  constructor() {
    super();
    /** @type {Purchase | null} */
    this.purchase = null;
    /** @type {import('../lib/wire.js').Product[]} */
    this.products = [];
    /** knows what products of other shows are called @type {import('../lib/wire.js').Cart} */
    this.cart = { lines: [] };
    this.offline = false;
    this.now = Date.now();
    this.mayWait = false;
    /** places in line by SKU @type {Record<string, import('../lib/wire.js').Waiting>} */
    this.waiting = {};
    this.waitProblem = '';
  }

  render() {
    const purchase = this.purchase;
    if (!purchase) return nothing;
    return html`<div class=${`result ${purchase.state}`} role="status" data-state=${purchase.state}>${this.#result(purchase)}</div>`;
  }

  /** @param {Purchase} purchase */
  #result(purchase) {
    switch (purchase.state) {
      case 'sending':
        return html`<span class="spinner"></span><p class="lead">${t(this.offline ? 'buy.offline' : 'buy.sending')}</p>
          <p class="muted">${t('buy.sending.hint')}</p>`;
      case 'ordered': return this.#ordered(purchase);
      case 'price_changed': return this.#changed(purchase);
      case 'sold_out':
        return html`${this.#mark('warning')}<p class="lead">${t('buy.sold-out')}</p><p class="muted">${this.#what(purchase)}</p>
          ${this.#backOrder(purchase)}${this.#wait(purchase)}
          ${purchase.op.op === 'checkout' ? this.#leave() : html`<button class=${`button wide ${this.mayWait ? '' : 'primary'}`} type="button" @click=${() => this.ask('show-products')}>${t('products.see')}</button>`}`;
      case 'busy':
        return html`${this.#mark('clock')}<p class="lead">${t('buy.busy')}</p>${this.#again(purchase, t('try-again'))}`;
      default:
        return html`${this.#mark('warning')}<p class="lead">${t(purchase.state === 'limit' ? 'buy.limit' : 'buy.refused')}</p>
          ${this.#why(purchase)}${this.#leave()}`;
    }
  }

  /** The server's own words are exact and English; other readers get the general ones. @param {Purchase} purchase */
  #why({ code, message }) {
    const words = locale() !== 'en' && hasText(`error.${code}`) ? t(`error.${code}`) : '';
    if (words) return html`<p class="muted">${words}</p>`;
    return message ? html`<p class="muted" lang="en">${message}</p>` : nothing;
  }

  /** Goods that are only promised are never taken without being asked for. @param {Purchase} purchase */
  #backOrder(purchase) {
    if (!purchase.backOrder) return nothing;
    const date = purchase.shipsFrom ? new Intl.DateTimeFormat(region(), { dateStyle: 'medium' }).format(new Date(purchase.shipsFrom)) : '';
    return html`<p class="muted">${date ? t('buy.back-order.from', { n: purchase.backOrder, date }) : t('buy.back-order', { n: purchase.backOrder })}</p>
      <button class="button buy wide" type="button" @click=${() => this.ask('buy-again', { purchase, backOrder: true })}>${t('buy.back-order.do')}</button>`;
  }

  /** Sold out is not the end where the show has a waiting list. @param {Purchase} purchase */
  #wait({ op }) {
    if (op.op !== 'buy' || !this.mayWait) return nothing;
    const { sku, qty } = op;
    const place = this.waiting[sku];
    if (place?.state === 'waiting') return html`<p class="lead numbers" role="status">${t('wait.place', { place: place.place })}</p><p class="muted">${t('wait.hint')}</p>`;
    if (place?.state === 'turn') return html`<button class="button buy wide" type="button" @click=${() => this.ask('buy', { sku, qty: place.qty })}>${t('wait.buy')}</button>`;
    return html`<button class="button primary wide" type="button" @click=${() => this.ask('wait', { sku, qty })}>${t('wait.do')}</button>
      <p class="muted">${this.waitProblem || t('wait.hint')}</p>`;
  }

  /** @param {Purchase} purchase */
  #ordered(purchase) {
    const order = purchase.order;
    if (!order) return nothing;
    const paid = order.state === 'paid' || order.state === 'fulfilled' || order.state === 'partly_fulfilled';
    const over = order.state === 'expired' || order.state === 'cancelled';
    return html`${this.#mark(over ? 'warning' : 'check')}
      <p class="lead">${t(paid ? 'buy.paid' : over ? `order.${order.state}` : 'buy.yours')}</p>
      <p>${this.#what(purchase)}</p>
      <p class="muted numbers">${t('orders.number', { number: String(order.number) })} · ${formatMoney(order.total, region())}${order.discount
        ? html` <span class="line">${t('order.discount')} −${formatMoney(order.discount, region())}</span>` : nothing}</p>
      ${payAction(order, this.now)}${this.#leave()}`;
  }

  /** @param {Purchase} purchase */
  #changed(purchase) {
    if (purchase.op.op === 'checkout' && purchase.prices) return this.#changedLines(purchase, purchase.prices);
    const price = purchase.total ?? purchase.price;
    const was = purchase.total ? purchase.op.total : purchase.op.op === 'buy' ? purchase.op.price : undefined;
    return html`${this.#mark('warning')}<p class="lead">${t('buy.price-changed')}</p><p>${this.#what(purchase)}</p>
      ${price ? html`<p class="price numbers">${this.#was(was, price)}${formatMoney(price, region())}</p>` : nothing}
      ${this.#again(purchase, price ? t('buy.at-price', { price: formatMoney(price, region()) }) : t('try-again'))}${this.#leave()}`;
  }

  /**
   * Of a cart every line that is dearer now is named before it can be agreed to.
   * @param {Purchase} purchase
   * @param {{ sku: string, price: import('../lib/wire.js').Money }[]} prices
   */
  #changedLines(purchase, prices) {
    return html`${this.#mark('warning')}<p class="lead">${t('buy.price-changed')}</p>
      <ul class="prices">${prices.map(({ sku, price }) => html`<li><span>${this.#title(sku)}</span>
        <strong class="numbers">${this.#was(seen(purchase, sku), price)}${formatMoney(price, region())}</strong></li>`)}</ul>
      ${this.#again(purchase, t('buy.at-new-prices'))}${this.#leave()}`;
  }

  /**
   * The price that the buyer agreed to, where it is known and another.
   * @param {number | undefined} amount
   * @param {import('../lib/wire.js').Money} now
   */
  #was(amount, now) {
    if (amount === undefined || amount === now.amount) return nothing;
    return html`<span class="visually-hidden">${t('price.before')}</span> <s>${formatMoney({ ...now, amount }, region())}</s> `;
  }

  /** @param {string} sku */
  #title(sku) {
    return this.cart.lines.find((line) => line.sku === sku)?.title ?? findSku(this.products, sku)?.product.title ?? sku;
  }

  /**
   * @param {Purchase} purchase
   * @param {string} words
   */
  #again(purchase, words) {
    return html`<button class="button buy wide" type="button" @click=${() => this.ask('buy-again', { purchase })}>${words}</button>`;
  }

  #leave() {
    const toCart = this.purchase?.op.op === 'checkout' && !this.purchase.order;
    return html`<button class="button wide" type="button" @click=${() => this.ask('close')}>${t(toCart ? 'cart.back' : 'buy.back')}</button>`;
  }

  /** @param {string} name */
  #mark(name) {
    return html`<span class="mark">${icon(name)}</span>`;
  }

  /** @param {Purchase} purchase */
  #what({ op, order, sku }) {
    /** @type {Partial<import('../lib/wire.js').OrderLine>[]} */
    const lines = order?.lines ?? (op.op === 'buy' ? [{ sku: op.sku, qty: op.qty }] : sku ? [{ sku }] : []);
    return lines.map((line) => {
      const found = findSku(this.products, line.sku ?? '');
      const options = optionWords(line.options ?? found?.variant.options);
      return html`<span class="line">${line.qty ? `${line.qty} × ` : ''}${line.title ?? this.#title(line.sku ?? '')}${options ? `, ${options}` : ''}</span>`;
    });
  }
}
customElements.define('torg-purchase', TorgPurchase);

/**
 * The price of a cart's line when it was ordered.
 * @param {Purchase} purchase
 * @param {string} sku
 */
function seen({ op }, sku) {
  return op.op === 'checkout' ? op.prices?.find((line) => line.sku === sku)?.amount : undefined;
}
