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
 * @fires torg-wait-request detail {sku, qty}
 */
export class TorgPinnedProduct extends TorgElement {
  static styles = styles(sheet);
  static properties = { product: { attribute: false }, sku: { reflect: true }, busy: { type: Boolean }, closed: { type: Boolean }, now: { type: Number }, window: { attribute: false }, number: { type: Number }, mayWait: { type: Boolean }, place: { attribute: false } };

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
    /** where its purchase window stands @type {import('../lib/selling.js').Window} */
    this.window = { state: 'open', left: null };
    /** the show's short number; 0 = the product's own */
    this.number = 0;
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
    return html`<article aria-labelledby="title">
      <button class="picture" type="button" aria-label=${t('product.details', { title: product.title })} data-number=${this.number || product.number} @click=${() => this.ask('open-product', { id: product.id })}>
        <img src=${picture(product).url} alt="" width="96" height="96">
      </button>
      <div class="words">
        <h2 id="title">${product.title}</h2>
        <p class="facts" aria-live="polite">
          <torg-price .price=${variant.price} .was=${variant.compare_at} .lowest=${variant.lowest_30d}></torg-price>
          ${this.place?.state === 'turn' ? nothing : html`<torg-stock .stock=${variant.stock}></torg-stock>`}
          ${this.#countdown(variant.until)}
          ${this.#windowWords()}
        </p>
      </div>
      <torg-variants .product=${product} .sku=${variant.sku}></torg-variants>
      ${buyOrWait(this, variant.sku, gone)}
    </article>`;
  }

  /** When it can be bought; not announced each second. */
  #windowWords() {
    const { state, left } = this.window;
    if (state === 'late') return html`<span class="until">${t('window.late')}</span>`;
    if (left === null) return nothing;
    return html`<span class="until numbers" aria-hidden="true">${t(state === 'early' ? 'window.opens' : 'window.closes', { time: clockTime(left) })}</span>`;
  }

  /** Minutes and seconds to the end of the flash price; not announced each second. */
  #countdown(until = '') {
    const left = Math.round((Date.parse(until) - this.now) / 1000);
    if (!(left > 0)) return nothing;
    return html`<span class="until numbers" aria-hidden="true">${t('price.ends', { time: clockTime(left) })}</span>`;
  }
}
customElements.define('torg-pinned-product', TorgPinnedProduct);

/**
 * One tap to buy; while it is sold out, to wait for it. A turn of the waiting list buys what is held.
 * @param {TorgElement & { busy: boolean, closed: boolean, mayWait: boolean, window: import('../lib/selling.js').Window, place: import('../lib/wire.js').Waiting | undefined }} element
 * @param {string} sku
 * @param {boolean} gone
 */
export function buyOrWait(element, sku, gone) {
  const { busy, closed, mayWait, window, place } = element;
  const turn = place?.state === 'turn';
  const shut = closed || (window.state !== 'open' && !turn);
  if (gone && place?.state === 'waiting') return html`<button class="button wide" type="button" disabled>${t('wait.place', { place: place.place })}</button>`;
  if (gone && !turn && mayWait && !shut) {
    return html`<button class="button primary wide" type="button" @click=${() => element.ask('wait', { sku, qty: 1 })}>${t('wait.do')}</button>`;
  }
  const words = busy ? t('buy.sending') : turn ? t('wait.buy') : gone ? t('stock.none') : window.state === 'early' ? t('window.early') : window.state === 'late' ? t('window.late') : t('buy.now');
  return html`<button class="button buy wide" type="button" ?disabled=${(gone && !turn) || shut} aria-disabled=${busy ? 'true' : nothing}
    @click=${() => busy || element.ask('buy', { sku, qty: turn ? place.qty : 1 })}>${words}</button>`;
}

/** "4:05" @param {number} seconds */
export function clockTime(seconds) {
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  const rest = String(Math.floor(seconds) % 60).padStart(2, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`;
}
