import { html, nothing } from 'lit';
import { region, t } from '../lib/i18n.js';
import { formatMoney } from '../lib/money.js';
import { TorgElement, styles } from './torg-element.js';
import sheet from './torg-price.shadow.css';

/**
 * A price, and the price before when there is one; with it the lowest price of the 30 days before the
 * reduction, which the law wants to stand beside it (Directive 98/6/EC art. 6a).
 */
export class TorgPrice extends TorgElement {
  static styles = styles(sheet);
  static properties = { price: { attribute: false }, was: { attribute: false }, lowest: { attribute: false }, sale: { type: Boolean, reflect: true } };

  constructor() {
    super();
    /** @type {import('../lib/wire.js').Money | null} */
    this.price = null;
    /** @type {import('../lib/wire.js').Money | undefined} */
    this.was = undefined;
    /** @type {import('../lib/wire.js').Money | undefined} */
    this.lowest = undefined;
    this.sale = false;
  }

  willUpdate() {
    this.sale = Boolean(this.was && this.price && this.was.amount > this.price.amount);
  }

  render() {
    if (!this.price) return nothing;
    const before = this.sale && this.was
      ? html` <span class="visually-hidden">${t('price.before')}</span> <s>${formatMoney(this.was, region())}</s>`
      : nothing;
    const lowest = this.sale && this.lowest
      ? html`<small class="numbers">${t('price.lowest', { price: formatMoney(this.lowest, region()) })}</small>`
      : nothing;
    return html`<strong class="numbers">${formatMoney(this.price, region())}</strong>${before}${lowest}`;
  }
}
customElements.define('torg-price', TorgPrice);
