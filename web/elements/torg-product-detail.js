import { html, nothing } from 'lit';
import { t } from '../lib/i18n.js';
import { isSoldOut, picture } from '../lib/show-model.js';
import { TorgElement, styles } from './torg-element.js';
import { buyOrWait } from './torg-pinned-product.js';
import './torg-price.js';
import './torg-stock.js';
import './torg-variants.js';
import sheet from './torg-product-detail.shadow.css';

/**
 * One product in full.
 * @fires torg-buy-request detail {sku, qty}
 * @fires torg-cart-request detail {sku, qty} add one to the cart
 * @fires torg-variant-request detail {sku}
 * @fires torg-wait-request detail {sku, qty}
 */
export class TorgProductDetail extends TorgElement {
  static styles = styles(sheet);
  static properties = { product: { attribute: false }, sku: {}, busy: { type: Boolean }, closed: { type: Boolean }, window: { attribute: false }, mayWait: { type: Boolean }, place: { attribute: false } };

  constructor() {
    super();
    /** @type {import('../lib/wire.js').Product | null} */
    this.product = null;
    this.sku = '';
    /** a purchase is on its way; the button stays enabled, so that the focus can come back to it */
    this.busy = false;
    this.closed = false;
    /** where its purchase window stands @type {import('../lib/selling.js').Window} */
    this.window = { state: 'open', left: null };
    /** what is sold out can be waited for */
    this.mayWait = false;
    /** a place in line for the chosen variant @type {import('../lib/wire.js').Waiting | undefined} */
    this.place = undefined;
  }

  render() {
    const product = this.product;
    const variant = product?.variants.find((v) => v.sku === this.sku) ?? product?.variants[0];
    if (!product || !variant) return nothing;
    const gone = isSoldOut(variant.stock);
    return html`
      <img src=${picture(product).url} alt=${picture(product).alt} width="400" height="400">
      <p class="facts" aria-live="polite"><torg-price .price=${variant.price} .was=${variant.compare_at} .lowest=${variant.lowest_30d}></torg-price>
        ${this.place?.state === 'turn' ? nothing : html`<torg-stock .stock=${variant.stock}></torg-stock>`}</p>
      ${product.description ? html`<p class="description">${product.description}</p>` : nothing}
      <torg-variants wrap .product=${product} .sku=${variant.sku}></torg-variants>
      <div class="acts">
        ${buyOrWait(this, variant.sku, gone)}
        <button class="button wide" type="button" ?disabled=${gone || this.closed} @click=${() => this.ask('cart', { sku: variant.sku, qty: 1 })}>${t('cart.add')}</button>
      </div>`;
  }
}
customElements.define('torg-product-detail', TorgProductDetail);
