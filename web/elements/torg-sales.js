import { html } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { region, t } from '../lib/i18n.js';
import { TorgElement, styles } from './torg-element.js';
import sheet from './torg-sales.shadow.css';

/** @typedef {{ key: number, when: number, title: string, image: string, count: number }} Sale */

/** Sales as they happen, newest first. */
export class TorgSales extends TorgElement {
  static styles = styles(sheet);
  static properties = { sales: { attribute: false } };

  constructor() {
    super();
    /** @type {Sale[]} */
    this.sales = [];
  }

  render() {
    if (this.sales.length === 0) return html`<p class="muted">${t('desk.sales.empty')}</p>`;
    const time = new Intl.DateTimeFormat(region(), { timeStyle: 'medium' });
    return html`<ol aria-live="polite" aria-relevant="additions">${repeat(this.sales, (s) => s.key, (s) => html`<li>
      <img src=${s.image} alt="" width="36" height="36"><span class="what">${t('desk.sale', { count: s.count, title: s.title })}</span>
      <time class="muted numbers" datetime=${new Date(s.when).toISOString()}>${time.format(s.when)}</time></li>`)}</ol>`;
  }
}
customElements.define('torg-sales', TorgSales);
