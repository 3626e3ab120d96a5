import { html, nothing } from 'lit';
import { t } from '../lib/i18n.js';
import { isSoldOut, picture, productStock } from '../lib/show-model.js';
import { icon } from './icons.js';
import { TorgElement, styles } from './torg-element.js';
import './torg-price.js';
import './torg-stock.js';
import sheet from './torg-host-pins.shadow.css';

/** @typedef {import('../lib/wire.js').Product} Product */

/**
 * The rundown under the thumb: one product at a time, back, on, and onto the air.
 * @fires torg-show-product-request detail {sku, on}
 * @fires torg-open-rundown-request
 */
export class TorgHostPins extends TorgElement {
  static styles = styles(sheet);
  static properties = { products: { attribute: false }, pinned: { attribute: false }, sold: { attribute: false }, chosen: { state: true } };

  constructor() {
    super();
    /** @type {Product[]} */
    this.products = [];
    /** @type {string[]} the latest last */
    this.pinned = [];
    /** @type {Record<string, number>} */
    this.sold = {};
    /** Product id in hand; "" = the one on air. */
    this.chosen = '';
  }

  get #index() {
    const { products } = this;
    const chosen = products.findIndex(({ id }) => id === this.chosen);
    if (chosen >= 0) return chosen;
    const onAir = this.pinned.at(-1);
    return Math.max(0, products.findIndex(({ variants }) => variants.some(({ sku }) => sku === onAir)));
  }

  render() {
    const { products } = this;
    const index = this.#index;
    const product = products[index];
    if (!product) return html`<p class="muted empty">${t('products.empty')}</p>`;
    const pinned = product.variants.find(({ sku }) => this.pinned.includes(sku));
    const variant = pinned ?? product.variants.find(({ stock }) => !isSoldOut(stock)) ?? product.variants[0];
    const sold = product.variants.reduce((sum, { sku }) => sum + (this.sold[sku] ?? 0), 0);
    return html`
      <button class="round" type="button" aria-label=${t('studio.prev')} ?disabled=${index === 0} @click=${() => this.#step(index - 1)}>${icon('back')}</button>
      <button class="card" type="button" @click=${() => this.ask('open-rundown')}>
        <img src=${picture(product).url} alt="" width="44" height="44">
        <span class="words"><span class="title">${product.number} ${product.title}</span>
          <span class="facts numbers">${variant ? html`<torg-price .price=${variant.price} .was=${variant.compare_at} .lowest=${variant.lowest_30d}></torg-price>` : nothing}
            <torg-stock .stock=${productStock(product)}></torg-stock>${sold > 0 ? html`<span>${t('desk.sold.column')} ${sold}</span>` : nothing}</span></span>
        <span class="visually-hidden">${t('studio.rundown')}</span>
      </button>
      ${variant ? html`<button class=${pinned ? 'button pin live' : 'button pin buy'} type="button" aria-pressed=${Boolean(pinned)}
        aria-label=${t(pinned ? 'studio.unpin.name' : 'studio.pin.name', { name: product.title })}
        @click=${() => this.ask('show-product', { sku: variant.sku, on: !pinned })}>${t(pinned ? 'studio.unpin' : 'studio.pin')}</button>` : nothing}
      <button class="round" type="button" aria-label=${t('studio.next')} ?disabled=${index >= products.length - 1} @click=${() => this.#step(index + 1)}>${icon('forward')}</button>`;
  }

  /** @param {number} index */
  #step(index) {
    this.chosen = this.products[index]?.id ?? '';
  }
}
customElements.define('torg-host-pins', TorgHostPins);
