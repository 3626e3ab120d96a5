import { html, nothing } from 'lit';
import { t } from '../lib/i18n.js';
import { isSoldOut, optionWords } from '../lib/show-model.js';
import { TorgElement, styles } from './torg-element.js';
import sheet from './torg-variants.shadow.css';

/**
 * The choice between a product's variants as one row of radio buttons.
 * @fires torg-variant-request detail {sku}
 */
export class TorgVariants extends TorgElement {
  static styles = styles(sheet);
  static properties = { product: { attribute: false }, sku: {} };

  constructor() {
    super();
    /** @type {import('../lib/wire.js').Product | null} */
    this.product = null;
    this.sku = '';
  }

  render() {
    const variants = this.product?.variants ?? [];
    if (variants.length < 2) return nothing;
    return html`<fieldset>
      <legend class="visually-hidden">${t('product.variant')}</legend>
      ${variants.map((v) => html`<label class=${isSoldOut(v.stock) ? 'gone' : ''}>
        <input type="radio" name="sku" value=${v.sku} .checked=${v.sku === this.sku} @change=${() => this.ask('variant', { sku: v.sku })}>
        <span>${optionWords(v.options) || v.sku}${isSoldOut(v.stock) ? html`<span class="visually-hidden">, ${t('stock.none')}</span>` : nothing}</span>
      </label>`)}
    </fieldset>`;
  }
}
customElements.define('torg-variants', TorgVariants);
