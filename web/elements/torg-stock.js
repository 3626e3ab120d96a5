import { html } from 'lit';
import { t } from '../lib/i18n.js';
import { isSoldOut, scarce } from '../lib/show-model.js';
import { TorgElement, styles } from './torg-element.js';
import sheet from './torg-stock.shadow.css';

/** How much is left, in words; a number only when it is true and small. */
export class TorgStock extends TorgElement {
  static styles = styles(sheet);
  static properties = { stock: { attribute: false }, level: { reflect: true } };

  constructor() {
    super();
    /** @type {import('../lib/wire.js').Stock} */
    this.stock = 'many';
    this.level = '';
  }

  willUpdate() {
    this.level = isSoldOut(this.stock) ? 'none' : scarce(this.stock) === null ? 'plenty' : 'few';
  }

  render() {
    const few = scarce(this.stock);
    if (this.level === 'none') return html`<span>${t('stock.none')}</span>`;
    return html`<span>${few === null ? t('stock.plenty') : t('stock.few', { count: few })}</span>`;
  }
}
customElements.define('torg-stock', TorgStock);
