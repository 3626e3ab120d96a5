import { html, nothing } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { region, t } from '../lib/i18n.js';
import { formatMoney } from '../lib/money.js';
import { findSku, optionWords, picture } from '../lib/show-model.js';
import { icon } from './icons.js';
import { TorgElement, styles } from './torg-element.js';
import sheet from './torg-cart.shadow.css';

/** @typedef {import('../lib/wire.js').CartLine} CartLine */

/**
 * The cart, priced now by the server.
 * @fires torg-cart-set-request detail {sku, qty}
 * @fires torg-checkout-request detail {code?} discount codes as typed
 */
export class TorgCart extends TorgElement {
  static styles = styles(sheet);
  static properties = { cart: { attribute: false }, products: { attribute: false }, busy: { type: Boolean }, problem: {} };

  constructor() {
    super();
    /** @type {import('../lib/wire.js').Cart} */
    this.cart = { lines: [] };
    /** @type {import('../lib/wire.js').Product[]} */
    this.products = [];
    this.busy = false;
    this.problem = '';
  }

  render() {
    const { lines, total, tax } = this.cart;
    if (lines.length === 0) return html`<p class="empty muted">${icon('bag')} ${t('cart.empty')}</p>`;
    return html`
      <ul>${repeat(lines, (line) => line.sku, (line) => this.#line(line))}</ul>
      <p class="problem" role="alert">${this.problem}</p>
      ${total ? html`<p class="total"><span>${t('cart.total')}</span> <strong class="numbers" aria-live="polite">${formatMoney(total, region())}</strong></p>` : nothing}
      ${tax?.amount ? html`<p class="muted numbers">${t('cart.tax', { tax: formatMoney(tax, region()) })}</p>` : nothing}
      <form @submit=${this.#checkout}>
        <label>${t('cart.code')}<input class="field" name="code" maxlength="104" autocomplete="off" spellcheck="false" autocapitalize="characters"></label>
        <button class="button buy wide" ?disabled=${this.busy}>${t(this.busy ? 'buy.sending' : 'cart.checkout')}</button>
      </form>`;
  }

  /** @param {SubmitEvent} event */
  #checkout(event) {
    event.preventDefault();
    const code = String(new FormData(/** @type {HTMLFormElement} */ (event.currentTarget)).get('code') ?? '').trim();
    if (!this.busy) this.ask('checkout', code ? { code } : {});
  }

  /** @param {CartLine} line */
  #line(line) {
    const found = findSku(this.products, line.sku);
    const title = line.title ?? found?.product.title ?? line.sku;
    const options = optionWords(line.options ?? found?.variant.options);
    const price = line.price ?? found?.variant.price;
    const set = (/** @type {number} */ qty) => this.ask('cart-set', { sku: line.sku, qty });
    return html`<li>
      ${found ? html`<img src=${picture(found.product).url} alt="" width="64" height="64">` : nothing}
      <span class="words"><strong>${title}</strong>${options ? html`<span class="muted">${options}</span>` : nothing}
        ${price ? html`<span class="numbers">${formatMoney(price, region())}</span>` : nothing}</span>
      <span class="steps" role="group" aria-label=${t('cart.quantity', { title })}>
        <button class="icon-button" type="button" aria-label=${t('cart.less')} @click=${() => set(line.qty - 1)}>${icon('minus')}</button>
        <span class="numbers" aria-live="polite">${line.qty}</span>
        <button class="icon-button" type="button" aria-label=${t('cart.more')} @click=${() => set(line.qty + 1)}>${icon('plus')}</button>
      </span>
    </li>`;
  }
}
customElements.define('torg-cart', TorgCart);
