import { html, nothing } from 'lit';
import { t } from '../lib/i18n.js';
import { isSoldOut, picture } from '../lib/show-model.js';
import { TorgElement, styles } from './torg-element.js';
import './torg-price.js';
import './torg-stock.js';
import './torg-variants.js';
import sheet from './torg-pinned-product.shadow.css';

/**
 * The product on air: what it is, what it costs, how much is left, one tap to buy.
 * @fires torg-buy-request detail {sku, qty}
 * @fires torg-open-product-request detail {id}
 * @fires torg-variant-request detail {sku}
 */
export class TorgPinnedProduct extends TorgElement {
  static styles = styles(sheet);
  static properties = { product: { attribute: false }, sku: { reflect: true }, busy: { type: Boolean }, closed: { type: Boolean }, now: { type: Number } };

  constructor() {
    super();
    /** @type {import('../lib/wire.js').Product | null} */
    this.product = null;
    /** the chosen variant */
    this.sku = '';
    /** a purchase is on its way; the button stays enabled, so that the focus can come back to it */
    this.busy = false;
    /** the show sells nothing now */
    this.closed = false;
    this.now = Date.now();
  }

  render() {
    const product = this.product;
    const variant = product?.variants.find((v) => v.sku === this.sku) ?? product?.variants[0];
    if (!product || !variant) return nothing;
    const gone = isSoldOut(variant.stock);
    return html`<article aria-labelledby="title">
      <button class="picture" type="button" aria-label=${t('product.details', { title: product.title })} data-number=${product.number} @click=${() => this.ask('open-product', { id: product.id })}>
        <img src=${picture(product).url} alt="" width="96" height="96">
      </button>
      <div class="words">
        <h2 id="title">${product.title}</h2>
        <p class="facts" aria-live="polite">
          <torg-price .price=${variant.price} .was=${variant.compare_at} .lowest=${variant.lowest_30d}></torg-price>
          <torg-stock .stock=${variant.stock}></torg-stock>
          ${this.#countdown(variant.until)}
        </p>
      </div>
      <torg-variants .product=${product} .sku=${variant.sku}></torg-variants>
      <button class="button buy" type="button" ?disabled=${gone || this.closed} aria-disabled=${this.busy ? 'true' : nothing}
          @click=${() => this.busy || this.ask('buy', { sku: variant.sku, qty: 1 })}>
        ${this.busy ? t('buy.sending') : gone ? t('stock.none') : t('buy.now')}</button>
    </article>`;
  }

  /** Minutes and seconds to the end of the flash price; not announced each second. */
  #countdown(until = '') {
    const left = Math.round((Date.parse(until) - this.now) / 1000);
    if (!(left > 0)) return nothing;
    return html`<span class="until numbers" aria-hidden="true">${t('price.ends', { time: clockTime(left) })}</span>`;
  }
}
customElements.define('torg-pinned-product', TorgPinnedProduct);

/** "4:05" @param {number} seconds */
export function clockTime(seconds) {
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  const rest = String(Math.floor(seconds) % 60).padStart(2, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`;
}
