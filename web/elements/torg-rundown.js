import { html, nothing } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { t } from '../lib/i18n.js';
import { parseAmount, plainAmount } from '../lib/money.js';
import { PLAIN, itemOf, windowAt } from '../lib/selling.js';
import { isSoldOut, optionWords, picture, scarce } from '../lib/show-model.js';
import { icon } from './icons.js';
import { clockTime } from './torg-pinned-product.js';
import { TorgElement, styles } from './torg-element.js';
import './torg-price.js';
import sheet from './torg-rundown.shadow.css';

/** @typedef {import('../lib/wire.js').Product} Product */
/** @typedef {import('../lib/wire.js').Variant} Variant */

/**
 * The merchandiser's rundown: every product with its variants; pin, price, stock, sold.
 * @fires torg-pin-request detail {sku, pin}
 * @fires torg-price-request detail {sku, amount?, minutes?} no amount ends the flash price
 * @fires torg-stock-request detail {sku, delta} or {sku, set}
 * @fires torg-number-request detail {sku, number} what people type in this show; 0 = the product's own
 * @fires torg-window-request detail {sku, open, seconds?} the purchase window, from this frame on
 * @fires torg-sell-request detail {sku, qty, name} for somebody else
 */
export class TorgRundown extends TorgElement {
  static styles = styles(sheet);
  static properties = {
    products: { attribute: false }, pinned: { attribute: false }, sold: { attribute: false },
    now: { type: Number }, mayPrice: { type: Boolean, attribute: 'may-price' }, selling: { attribute: false }, mediaMs: { type: Number }, editing: { state: true }, problem: { state: true },
  };

  constructor() {
    super();
    /** @type {Product[]} */
    this.products = [];
    /** @type {string[]} */
    this.pinned = [];
    /** @type {Record<string, number>} */
    this.sold = {};
    this.now = Date.now();
    this.mayPrice = false;
    /** @type {import('../lib/selling.js').Selling} */
    this.selling = PLAIN;
    /** the show's clock; null = not known @type {number | null} */
    this.mediaMs = null;
    /** the SKU whose price and stock are open */
    this.editing = '';
    this.problem = '';
  }

  render() {
    if (this.products.length === 0) return html`<p class="muted empty">${t('products.empty')}</p>`;
    return html`<ol>${repeat(this.products, (p) => p.id, (p) => this.#product(p))}</ol>`;
  }

  /** @param {Product} product */
  #product(product) {
    const onAir = product.variants.some((v) => this.pinned.includes(v.sku));
    return html`<li class=${onAir ? 'on-air' : ''} data-product=${product.id}>
      <img src=${picture(product).url} alt="" width="64" height="64" loading="lazy">
      <div class="body">
        <h3><span class="number numbers">${this.#number(product)}</span> ${product.title}${onAir ? html` <span class="air">${t('products.on-air')}</span>` : nothing}</h3>
        <ul class="variants">${product.variants.map((v) => this.#variant(product, v))}</ul>
      </div>
    </li>`;
  }

  /**
   * @param {Product} product
   * @param {Variant} variant
   */
  #variant(product, variant) {
    const { sku } = variant;
    const pinned = this.pinned.includes(sku);
    const options = optionWords(variant.options);
    const name = options ? `${product.title}, ${options}` : product.title;
    const few = scarce(variant.stock);
    const sold = this.sold[sku] ?? 0;
    return html`<li data-sku=${sku} class=${pinned ? 'pinned' : ''}>
      <span class="options">${options}</span>
      <span class="price"><torg-price .price=${variant.price} .was=${variant.compare_at} .lowest=${variant.lowest_30d}></torg-price>${this.#countdown(variant.until)}</span>
      <span class=${`stock numbers ${isSoldOut(variant.stock) ? 'none' : few === null ? '' : 'few'}`}><span class="label">${t('desk.stock')}</span> <span class="value">${variant.stock === 'many' ? t('desk.stock.many') : variant.stock}</span></span>
      <span class="sold numbers"><span class="label">${t('desk.sold.column')}</span> <span class="value">${sold}</span></span>
      <span class="acts">
        ${this.mayPrice ? html`<button class="button small" type="button" aria-expanded=${this.editing === sku} aria-label=${t('desk.edit', { name })} @click=${() => this.#edit(sku)}>${t('desk.edit.short')}</button>` : nothing}
        <button class=${`button small ${pinned ? '' : 'primary'}`} type="button" aria-pressed=${pinned} aria-label=${t(pinned ? 'desk.unpin.name' : 'desk.pin.name', { name })}
          @click=${() => this.ask('pin', { sku, pin: !pinned })}>${pinned ? nothing : icon('pin')} ${t(pinned ? 'desk.unpin' : 'desk.pin')}</button>
      </span>
      ${this.#window(sku)}
      ${this.editing === sku ? this.#editor(variant) : nothing}
    </li>`;
  }

  /** The number that people type here. @param {Product} product */
  #number(product) {
    return product.variants.map((v) => itemOf(this.selling, v.sku)?.number).find((n) => n) ?? product.number;
  }

  /** Only where there is a window. @param {string} sku */
  #window(sku) {
    const item = itemOf(this.selling, sku);
    if (!item || (item.from === null && item.until === null)) return nothing;
    const { state, left } = windowAt(item, this.mediaMs);
    return html`<span class="window" data-window=${state}>${t('desk.window')}: ${t(`desk.window.state.${state}`)}
      ${left === null ? nothing : html`<span class="left numbers">${icon('clock')}${clockTime(left)}</span>`}</span>`;
  }

  #countdown(until = '') {
    const left = Math.round((Date.parse(until) - this.now) / 1000);
    return left > 0 ? html` <span class="left numbers">${icon('clock')}${clockTime(left)}</span>` : nothing;
  }

  /** @param {Variant} variant */
  #editor({ sku, price }) {
    return html`<div class="editor">
      <form @submit=${(/** @type {SubmitEvent} */ e) => this.#setPrice(e, sku, price.currency)}>
        <label>${t('desk.price.new', { currency: price.currency })}<input class="field" name="amount" inputmode="decimal" required value=${plainAmount(price)}></label>
        <label>${t('desk.price.minutes')}<input class="field" name="minutes" type="number" min="1" max="1440" inputmode="numeric"></label>
        <span class="row"><button class="button small primary" type="submit">${t('desk.price.set')}</button>
          <button class="button small" type="button" @click=${() => this.ask('price', { sku })}>${t('desk.price.end')}</button></span>
      </form>
      <form @submit=${(/** @type {SubmitEvent} */ e) => this.#setStock(e, sku)}>
        <label>${t('desk.stock')}<select class="field" name="how"><option value="delta">${t('desk.stock.change')}</option><option value="set">${t('desk.stock.set')}</option></select></label>
        <label>${t('desk.stock.number')}<input class="field" name="value" inputmode="numeric" required></label>
        <span class="row"><button class="button small primary" type="submit">${t('desk.stock.apply')}</button></span>
      </form>
      <form @submit=${(/** @type {SubmitEvent} */ e) => this.#setNumber(e, sku)}>
        <label>${t('desk.number')}<input class="field" name="number" type="number" min="1" max="999999999" inputmode="numeric" value=${itemOf(this.selling, sku)?.number ?? ''}></label>
        <span class="row"><button class="button small primary" type="submit">${t('desk.number.set')}</button></span>
      </form>
      <form @submit=${(/** @type {SubmitEvent} */ e) => this.#openWindow(e, sku)}>
        <label>${t('desk.window')}<input class="field" name="seconds" type="number" min="1" max="86400" inputmode="numeric" placeholder=${t('desk.window.seconds')} aria-label=${`${t('desk.window')}: ${t('desk.window.seconds')}`}></label>
        <span class="row"><button class="button small primary" type="submit">${t('desk.window.open')}</button>
          <button class="button small" type="button" @click=${() => this.ask('window', { sku, open: false })}>${t('desk.window.close')}</button></span>
      </form>
      <form @submit=${(/** @type {SubmitEvent} */ e) => this.#sell(e, sku)}>
        <label>${t('desk.sell')}<input class="field" name="name" maxlength="40" autocomplete="off" required placeholder=${t('desk.sell.name')} aria-label=${`${t('desk.sell')}: ${t('desk.sell.name')}`}></label>
        <label>${t('desk.sell.qty')}<input class="field" name="qty" type="number" min="1" max="100" value="1" inputmode="numeric" required></label>
        <span class="row"><button class="button small primary" type="submit">${t('desk.sell.do')}</button></span>
      </form>
      <p class="problem" role="alert">${this.problem}</p>
    </div>`;
  }

  /**
   * @param {SubmitEvent} event
   * @param {string} sku
   */
  #setNumber(event, sku) {
    event.preventDefault();
    const data = new FormData(/** @type {HTMLFormElement} */ (event.target));
    this.ask('number', { sku, number: Number(data.get('number')) || 0 });
  }

  /**
   * @param {SubmitEvent} event
   * @param {string} sku
   */
  #openWindow(event, sku) {
    event.preventDefault();
    const data = new FormData(/** @type {HTMLFormElement} */ (event.target));
    this.ask('window', { sku, open: true, seconds: Number(data.get('seconds')) || undefined });
  }

  /**
   * @param {SubmitEvent} event
   * @param {string} sku
   */
  #sell(event, sku) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    const data = new FormData(form);
    this.ask('sell', { sku, qty: Number(data.get('qty')) || 1, name: String(data.get('name')).trim() });
    form.reset();
  }

  /** @param {string} sku */
  #edit(sku) {
    this.problem = '';
    this.editing = this.editing === sku ? '' : sku;
  }

  /**
   * @param {SubmitEvent} event
   * @param {string} sku
   * @param {string} currency
   */
  #setPrice(event, sku, currency) {
    event.preventDefault();
    const data = new FormData(/** @type {HTMLFormElement} */ (event.target));
    const amount = parseAmount(String(data.get('amount')), currency);
    this.problem = amount === null ? t('desk.price.wrong') : '';
    if (amount !== null) this.ask('price', { sku, amount, minutes: Number(data.get('minutes')) || undefined });
  }

  /**
   * @param {SubmitEvent} event
   * @param {string} sku
   */
  #setStock(event, sku) {
    event.preventDefault();
    const data = new FormData(/** @type {HTMLFormElement} */ (event.target));
    const text = String(data.get('value')).trim().replace('−', '-');
    const set = data.get('how') === 'set';
    const valid = (set ? /^\d{1,9}$/ : /^[+-]?\d{1,9}$/).test(text);
    this.problem = valid ? '' : t('desk.stock.wrong');
    if (valid) this.ask('stock', set ? { sku, set: Number(text) } : { sku, delta: Number(text) });
  }
}
customElements.define('torg-rundown', TorgRundown);
