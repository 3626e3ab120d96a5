import { html, nothing } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { hasText, region, t } from '../lib/i18n.js';
import { formatMoney } from '../lib/money.js';
import { findSku, optionWords, picture } from '../lib/show-model.js';
import { icon } from './icons.js';
import { TorgElement, styles } from './torg-element.js';
import { clockTime } from './torg-pinned-product.js';
import sheet from './torg-orders.shadow.css';

/** @typedef {import('../lib/wire.js').Order} Order */

/** A person's orders with their states; what waits for payment can be paid from here. */
export class TorgOrders extends TorgElement {
  static styles = styles(sheet);
  static properties = { orders: { attribute: false }, products: { attribute: false }, now: { type: Number } };

  constructor() {
    super();
    /** @type {Order[]} newest first */
    this.orders = [];
    /** @type {import('../lib/wire.js').Product[]} for the titles of lines */
    this.products = [];
    this.now = Date.now();
  }

  render() {
    if (this.orders.length === 0) return html`<p class="empty muted">${icon('receipt')} ${t('orders.empty')}</p>`;
    return html`<ul>${repeat(this.orders, (o) => o.id, (o) => this.#order(o))}</ul>`;
  }

  /** @param {Order} order */
  #order(order) {
    return html`<li data-order=${order.id} data-state=${order.state}>
      <p class="top"><strong>${t('orders.number', { number: String(order.number) })}</strong>
        <span class=${`state ${order.state}`}>${hasText(`order.${order.state}`) ? t(`order.${order.state}`) : order.state}</span></p>
      <ul class="lines">${order.lines.map((line) => {
        const found = findSku(this.products, line.sku);
        const options = optionWords(line.options ?? found?.variant.options);
        return html`<li>${found ? html`<img src=${picture(found.product).url} alt="" width="48" height="48" loading="lazy">` : nothing}<span>${line.qty} × ${line.title ?? found?.product.title ?? line.sku}${options ? html` <span class="muted">${options}</span>` : nothing}</span></li>`;
      })}</ul>
      <p class="foot"><strong class="numbers">${formatMoney(order.total, region())}</strong>
        <a class="details" href=${`/account#${order.id}`}>${t('order.details')}<span class="visually-hidden"> ${t('orders.number', { number: String(order.number) })}</span></a></p>
      ${payAction(order, this.now)}
    </li>`;
  }
}
customElements.define('torg-orders', TorgOrders);

/**
 * Pay button with the time left, while there is something to pay.
 * @param {Order} order
 * @param {number} now
 */
export function payAction(order, now) {
  if (order.state !== 'awaiting_payment' || !order.pay_url) return nothing;
  const left = order.pay_by ? Math.round((Date.parse(order.pay_by) - now) / 1000) : NaN;
  return html`<span class="pay">
    ${left > 0 ? html`<span class="left muted numbers">${icon('clock')} ${t('order.pay-within', { time: clockTime(left) })}</span>` : nothing}
    <a class="button buy" href=${order.pay_url} target="_blank" rel="noopener">${t('order.pay')}<span class="visually-hidden"> ${t('new-tab')}</span></a></span>`;
}
