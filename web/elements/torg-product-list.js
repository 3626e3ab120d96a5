import { html } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { t } from '../lib/i18n.js';
import { isSoldOut, picture, productStock } from '../lib/show-model.js';
import { TorgElement, styles } from './torg-element.js';
import './torg-price.js';
import './torg-stock.js';
import sheet from './torg-product-list.shadow.css';

/** @typedef {import('../lib/wire.js').Product} Product */

/**
 * All products of the show, those on air first.
 * @fires torg-open-product-request detail {id}
 */
export class TorgProductList extends TorgElement {
  static styles = styles(sheet);
  static properties = { products: { attribute: false }, pinned: { attribute: false } };

  constructor() {
    super();
    /** @type {Product[]} */
    this.products = [];
    /** @type {string[]} */
    this.pinned = [];
  }

  render() {
    if (this.products.length === 0) return html`<p class="muted">${t('products.empty')}</p>`;
    const onAir = (/** @type {Product} */ p) => p.variants.some((v) => this.pinned.includes(v.sku));
    const sorted = [...this.products].sort((a, b) => Number(onAir(b)) - Number(onAir(a)));
    return html`<ul>${repeat(sorted, (p) => p.id, (p) => this.#entry(p, onAir(p)))}</ul>`;
  }

  /**
   * @param {Product} product
   * @param {boolean} onAir
   */
  #entry(product, onAir) {
    const cheapest = product.variants.reduce((low, v) => v.price.amount < low.price.amount ? v : low, product.variants[0] ?? emptyVariant);
    const stock = productStock(product);
    return html`<li class=${isSoldOut(stock) ? 'gone' : ''}>
      <button type="button" data-product=${product.id} @click=${() => this.ask('open-product', { id: product.id })}>
        <img src=${picture(product).url} alt="" width="96" height="96" loading="lazy">
        <span class="words">
          <span class="top"><span class="number numbers">${product.number}</span>${onAir ? html`<span class="air">${t('products.on-air')}</span>` : ''}</span>
          <span class="title">${product.title}</span>
          <torg-price .price=${cheapest.price} .was=${cheapest.compare_at} .lowest=${cheapest.lowest_30d}></torg-price>
          <torg-stock .stock=${stock}></torg-stock>
        </span>
      </button>
    </li>`;
  }
}
customElements.define('torg-product-list', TorgProductList);

/** @type {import('../lib/wire.js').Variant} */
const emptyVariant = { sku: '', options: {}, price: { amount: 0, currency: 'NOK' }, stock: 0 };
