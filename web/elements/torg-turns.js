import { html, nothing } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { t } from '../lib/i18n.js';
import { findSku, optionWords } from '../lib/show-model.js';
import { icon } from './icons.js';
import { clockTime } from './torg-pinned-product.js';
import { TorgElement, styles } from './torg-element.js';
import sheet from './torg-turns.shadow.css';

/** @typedef {import('../lib/wire.js').Waiting} Waiting */

/**
 * A person's places in waiting lists: where they stand, and their turn with its clock.
 * @fires torg-buy-request detail {sku, qty} at the turn
 * @fires torg-wait-request detail {sku, qty, leave?}
 * @fires torg-turn-seen-request detail {sku}
 */
export class TorgTurns extends TorgElement {
  static styles = styles(sheet);
  static properties = { waiting: { attribute: false }, products: { attribute: false }, now: { type: Number }, busy: { type: Boolean } };

  constructor() {
    super();
    /** @type {Record<string, Waiting>} */
    this.waiting = {};
    /** @type {import('../lib/wire.js').Product[]} */
    this.products = [];
    this.now = Date.now();
    this.busy = false;
  }

  render() {
    const places = Object.values(this.waiting).sort((a, b) => Number(b.state === 'turn') - Number(a.state === 'turn') || (a.sku < b.sku ? -1 : 1));
    return html`<ul aria-label=${t('wait.title')}>${repeat(places, (p) => p.sku, (p) => html`<li class=${p.state} data-sku=${p.sku} data-state=${p.state}>${this.#place(p)}</li>`)}</ul>
      <p class="visually-hidden" role="alert">${places.filter((p) => p.state === 'turn').map((p) => t('wait.turn.announce', { title: this.#title(p), qty: p.qty }))}</p>`;
  }

  /** @param {Waiting} place */
  #title({ sku }) {
    const found = findSku(this.products, sku);
    const options = optionWords(found?.variant.options);
    return found ? (options ? `${found.product.title}, ${options}` : found.product.title) : sku;
  }

  /** @param {Waiting} place */
  #place(place) {
    const { sku, qty } = place;
    const title = this.#title(place);
    if (place.state === 'lapsed') {
      return html`<span class="words">${t('wait.lapsed', { title })}</span>
        <button class="button small" type="button" @click=${() => this.ask('wait', { sku, qty: Math.max(1, qty) })}>${t('wait.again')}</button>
        <button class="button small" type="button" aria-label=${t('wait.seen', { title })} @click=${() => this.ask('turn-seen', { sku })}>${t('close')}</button>`;
    }
    if (place.state !== 'turn') {
      return html`<span class="words">${icon('clock')} <span>${title}: <strong class="numbers">${t('wait.place', { place: place.place })}</strong></span></span>
        <button class="button small" type="button" aria-label=${t('wait.leave.name', { title })} @click=${() => this.ask('wait', { sku, qty, leave: true })}>${t('wait.leave')}</button>`;
    }
    const left = Math.max(0, Math.round((Date.parse(place.until ?? '') - this.now) / 1000));
    return html`<span class="words"><strong>${t('wait.turn')}</strong> <span>${title}${qty > 1 ? ` × ${qty}` : ''}</span>
        <span class="left numbers" aria-hidden="true">${icon('clock')} ${clockTime(left)}</span></span>
      <button class="button buy" type="button" aria-disabled=${this.busy ? 'true' : nothing} @click=${() => this.busy || this.ask('buy', { sku, qty })}>${t('buy.now')}</button>
      <button class="button small" type="button" aria-label=${t('wait.pass.name', { title })} @click=${() => this.ask('wait', { sku, qty, leave: true })}>${t('wait.pass')}</button>`;
  }
}
customElements.define('torg-turns', TorgTurns);
