import { html, nothing } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { hasText, region, t } from '../lib/i18n.js';
import { formatMoney } from '../lib/money.js';
import { findSku, optionWords, picture } from '../lib/show-model.js';
import { icon } from './icons.js';
import { TorgElement, styles } from './torg-element.js';
import sheet from './torg-cart.shadow.css';

/** @typedef {import('../lib/wire.js').CartLine} CartLine */

/**
 * The cart, priced now by the server; what cannot be bought as it stands says so, and what to do.
 * @fires torg-cart-set-request detail {sku, qty}
 * @fires torg-code-request detail {code} discount codes as typed, to be tried; "" = none any more
 * @fires torg-checkout-request detail {code} discount codes as typed
 */
export class TorgCart extends TorgElement {
  static styles = styles(sheet);
  static properties = { cart: { attribute: false }, products: { attribute: false }, busy: { type: Boolean }, problem: {}, code: {}, codeProblem: {} };

  constructor() {
    super();
    /** @type {import('../lib/wire.js').Cart} */
    this.cart = { lines: [] };
    /** @type {import('../lib/wire.js').Product[]} */
    this.products = [];
    this.busy = false;
    this.problem = '';
    /** the codes that the prices are with */
    this.code = '';
    /** why the codes that were tried do not hold: the server's word for it */
    this.codeProblem = '';
  }

  render() {
    const { lines, total, tax, discount } = this.cart;
    if (lines.length === 0) return html`<p class="empty muted">${icon('bag')} ${t('cart.empty')}</p>`;
    return html`
      <ul>${repeat(lines, (line) => line.sku, (line) => this.#line(line))}</ul>
      <p class="problem" role="alert">${this.problem}</p>
      ${this.#codes()}
      <div class="foot"><div class="sums">
        ${discount?.amount ? html`<p class="numbers"><span>${t('order.discount')}</span> <span>−${formatMoney(discount, region())}</span></p>` : nothing}
        ${total ? html`<p class="total"><span>${t('cart.total')}</span> <strong class="numbers" aria-live="polite">${formatMoney(total, region())}</strong></p>` : nothing}
        ${tax?.amount ? html`<p class="muted numbers">${t('cart.tax', { tax: formatMoney(tax, region()) })}</p>` : nothing}
      </div>
      <button class="button buy wide" type="button" aria-disabled=${this.busy ? 'true' : nothing} @click=${this.#checkout}>${t(this.busy ? 'buy.sending' : 'cart.checkout')}</button></div>`;
  }

  /** A code is tried before anything is ordered: the sum with it stands above the button. */
  #codes() {
    if (this.code) {
      return html`<p class="used" role="status">${icon('check')} <span>${t('cart.code.used', { code: this.code })}</span>
        <button class="icon-button" type="button" aria-label=${t('cart.code.remove', { code: this.code })} @click=${() => this.ask('code', { code: '' })}>${icon('close')}</button></p>`;
    }
    const key = `cart.code.${this.codeProblem}`;
    return html`<form @submit=${this.#use}>
      <label for="code">${t('cart.code')}</label>
      <div class="code"><input class="field" id="code" name="code" maxlength="104" autocomplete="off" spellcheck="false" autocapitalize="characters"
          aria-invalid=${this.codeProblem ? 'true' : nothing} aria-describedby="code-problem">
        <button class="button" type="submit">${t('cart.code.use')}</button></div>
      <p class="problem" id="code-problem" role="alert">${this.codeProblem ? t(hasText(key) ? key : 'error.no-answer') : ''}</p></form>`;
  }

  get #typed() {
    return /** @type {HTMLInputElement | null} */ (this.renderRoot.querySelector('[name=code]'))?.value.trim() ?? '';
  }

  /** @param {SubmitEvent} event */
  #use(event) {
    event.preventDefault();
    if (this.#typed) this.ask('code', { code: this.#typed });
  }

  #checkout() {
    if (!this.busy) this.ask('checkout', { code: this.#typed });
  }

  /** @param {CartLine} line */
  #line(line) {
    const found = findSku(this.products, line.sku);
    const title = line.title ?? found?.product.title ?? line.sku;
    const options = optionWords(line.options ?? found?.variant.options);
    const price = line.price ?? found?.variant.price;
    const set = (/** @type {number} */ qty) => this.ask('cart-set', { sku: line.sku, qty });
    const image = line.image || (found ? picture(found.product).url : '');
    const off = isOff(line);
    const left = off ? leftOf(line) : line.qty;
    return html`<li data-sku=${line.sku} class=${off ? 'off' : ''}>
      ${image ? html`<img src=${image} alt="" width="64" height="64">` : nothing}
      <span class="words"><strong>${title}</strong>${options ? html`<span class="muted">${options}</span>` : nothing}
        ${price ? html`<span class="numbers">${formatMoney(price, region())}</span>` : nothing}
        ${line.price_was ? html`<span class="was numbers">${t('cart.was', { price: formatMoney(line.price_was, region()) })}</span>` : nothing}</span>
      ${left > 0 ? html`<span class="steps" role="group" aria-label=${t('cart.quantity', { title })}>
        <button class="icon-button" type="button" aria-label=${t('cart.less')} @click=${() => set(line.qty - 1)}>${icon('minus')}</button>
        <span class="numbers" aria-live="polite">${line.qty}</span>
        <button class="icon-button" type="button" aria-label=${t('cart.more')} @click=${() => set(line.qty + 1)}>${icon('plus')}</button>
      </span>` : html`<span class="numbers muted">${line.qty} ×</span>`}
      ${off ? this.#off(line, title, left) : line.changes?.includes('back_order') ? html`<p class="note warn">${t('cart.back-order')}</p>` : nothing}
    </li>`;
  }

  /**
   * Why a line cannot be bought as it stands, and the one tap that mends it.
   * @param {CartLine} line
   * @param {string} title
   * @param {number} left units that can be had all the same
   */
  #off(line, title, left) {
    const { sku, available = 0, limit = 100 } = line;
    const words = !isSold(line) ? t('window.late') : available <= limit ? (left > 0 ? t('stock.few', { count: left }) : t('stock.none'))
      : t('cart.limit', { count: left });
    return html`<p class="note warn"><span>${words}</span>
      <button class="button" type="button" aria-label=${left > 0 ? t('cart.take.name', { count: left, title }) : t('cart.remove.name', { title })}
        @click=${() => this.ask('cart-set', { sku, qty: left })}>${left > 0 ? t('cart.take', { count: left }) : t('cart.remove')}</button></p>`;
  }
}
customElements.define('torg-cart', TorgCart);

/** @param {CartLine} line */
function isSold({ changes = [] }) {
  return !changes.includes('gone') && !changes.includes('closed');
}

/** Units of it that can be had as things are. @param {CartLine} line */
function leftOf(line) {
  return isSold(line) ? Math.min(line.available ?? 0, line.limit ?? 100) : 0;
}

/** Is there something in the way of buying this line? @param {CartLine} line */
function isOff({ changes = [] }) {
  return changes.some((change) => change === 'gone' || change === 'closed' || change === 'sold_out' || change === 'limit');
}
