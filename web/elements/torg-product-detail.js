import { html, nothing } from 'lit';
import { t } from '../lib/i18n.js';
import { isSoldOut, picture } from '../lib/show-model.js';
import { TorgElement, styles } from './torg-element.js';
import './torg-price.js';
import './torg-stock.js';
import './torg-variants.js';
import sheet from './torg-product-detail.shadow.css';

/**
 * One product in full.
 * @fires torg-buy-request detail {sku, qty}
 * @fires torg-cart-request detail {sku, qty} add one to the cart
 * @fires torg-variant-request detail {sku}
 */
export class TorgProductDetail extends TorgElement {
  static styles = styles(sheet);
  static properties = { product: { attribute: false }, sku: {}, busy: { type: Boolean }, closed: { type: Boolean } };

  constructor() {
    super();
    /** @type {import('../lib/wire.js').Product | null} */
    this.product = null;
    this.sku = '';
    /** a purchase is on its way; the button stays enabled, so that the focus can come back to it */
    this.busy = false;
    this.closed = false;
  }

  render() {
    const product = this.product;
    const variant = product?.variants.find((v) => v.sku === this.sku) ?? product?.variants[0];
    if (!product || !variant) return nothing;
    const gone = isSoldOut(variant.stock);
    return html`
      <img src=${picture(product).url} alt=${picture(product).alt} width="400" height="400">
      <p class="facts" aria-live="polite"><torg-price .price=${variant.price} .was=${variant.compare_at} .lowest=${variant.lowest_30d}></torg-price>
        <torg-stock .stock=${variant.stock}></torg-stock></p>
      ${product.description ? html`<p class="description">${product.description}</p>` : nothing}
      <torg-variants wrap .product=${product} .sku=${variant.sku}></torg-variants>
      <div class="acts">
        <button class="button buy wide" type="button" ?disabled=${gone || this.closed} aria-disabled=${this.busy ? 'true' : nothing}
          @click=${() => this.busy || this.ask('buy', { sku: variant.sku, qty: 1 })}>
          ${this.busy ? t('buy.sending') : gone ? t('stock.none') : t('buy.now')}</button>
        <button class="button wide" type="button" ?disabled=${gone || this.closed} @click=${() => this.ask('cart', { sku: variant.sku, qty: 1 })}>${t('cart.add')}</button>
      </div>`;
  }
}
customElements.define('torg-product-detail', TorgProductDetail);
