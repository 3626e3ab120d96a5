import { html, nothing } from 'lit';
import { hasText, region, t } from '../lib/i18n.js';
import { formatMoney } from '../lib/money.js';
import { openUnits } from '../lib/order.js';
import { optionWords } from '../lib/show-model.js';
import { icon } from './icons.js';
import { TorgElement, styles } from './torg-element.js';
import { payAction } from './torg-orders.js';
import './torg-sheet.js';
import sheet from './torg-order.shadow.css';

/** @typedef {import('../lib/wire.js').Order} Order */
/** @typedef {import('../lib/wire.js').OrderStep} OrderStep */

/**
 * One order as its buyer reads it, on the screen and on paper.
 * @fires torg-cancel-request detail { lines: { line: number, qty: number }[] }
 */
export class TorgOrder extends TorgElement {
  static styles = styles(sheet);
  static properties = {
    order: { attribute: false }, events: { attribute: false }, now: { type: Number }, working: { type: Boolean }, asking: { state: true },
  };

  constructor() {
    super();
    /** @type {Order | null} */
    this.order = null;
    /** @type {OrderStep[]} oldest first */
    this.events = [];
    this.now = Date.now();
    this.working = false;
    this.asking = false;
  }

  /** The question was answered, one way or the other. */
  closeQuestion() {
    this.asking = false;
  }

  render() {
    const order = this.order;
    if (!order) return nothing;
    return html`<article data-order=${order.id} data-state=${order.state}>
      <header>
        <h1 tabindex="-1">${t('orders.number', { number: String(order.number) })}</h1>
        <span class=${`state ${order.state}`}>${t(`order.${order.state}`)}</span>
      </header>
      <p class="say" role="status">${this.#say(order)}</p>
      ${payAction(order, this.now)}
      ${this.#lines(order)}
      ${this.#sums(order)}
      <h2>${t('order.history')}</h2>
      <ol class="history">${this.events.map((event) => this.#event(order, event))}</ol>
      <p class="actions">
        <button class="button" type="button" @click=${() => window.print()}>${t('order.print')}</button>
        ${openUnits(order).length > 0 ? html`<button class="button" type="button" ?disabled=${this.working} @click=${() => { this.asking = true; }}>${t('order.cancel')}</button>` : nothing}
      </p>
      ${this.#question(order)}
    </article>`;
  }

  /** @param {Order} order */
  #say(order) {
    if (order.state === 'awaiting_payment' && order.reserved === false) return t('order.say.unreserved');
    return t(`order.say.${order.state}`);
  }

  /** @param {Order} order */
  #lines(order) {
    return html`<table>
      <caption class="visually-hidden">${t('order.lines')}</caption>
      <thead><tr><th scope="col">${t('order.product')}</th><th scope="col" class="n">${t('order.qty')}</th><th scope="col" class="n">${t('order.price')}</th><th scope="col" class="n">${t('order.sum')}</th></tr></thead>
      <tbody>${order.lines.map((line) => html`<tr>
        <th scope="row">${line.title ?? line.sku}${optionWords(line.options) ? html` <span class="muted">${optionWords(line.options)}</span>` : nothing}
          ${this.#counts(line)}</th>
        <td class="n">${line.qty}</td>
        <td class="n">${line.price ? formatMoney(line.price, region()) : nothing}</td>
        <td class="n">${line.total ? formatMoney(line.total, region()) : nothing}</td></tr>`)}</tbody></table>`;
  }

  /** @param {import('../lib/wire.js').OrderLine} line */
  #counts(line) {
    const words = /** @type {const} */ (['cancelled', 'fulfilled', 'returned']).flatMap((what) => line[what] ? [t(`order.units.${what}`, { count: String(line[what]) })] : []);
    return words.length > 0 ? html`<span class="counts">${words.join(', ')}</span>` : nothing;
  }

  /** @param {Order} order */
  #sums(order) {
    /** @type {[string, import('../lib/wire.js').Money | undefined][]} */
    const rows = [['order.discount', order.discount], ['order.total', order.total], ['order.tax', order.tax], ['order.was-paid', order.paid],
      ['order.refunded', order.refunded], ['order.refund-due', order.refund_due]];
    return html`<dl class="sums">${rows.map(([key, money]) => money
      ? html`<div class=${key === 'order.total' ? 'total' : ''}><dt>${t(key)}</dt><dd class="numbers">${key === 'order.discount' ? '−' : ''}${formatMoney(money, region())}</dd></div>` : nothing)}</dl>`;
  }

  /**
   * @param {Order} order
   * @param {OrderStep} event
   */
  #event(order, event) {
    const key = `event.${event.kind}`;
    const when = new Intl.DateTimeFormat(region(), { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(event.at));
    const lines = (event.data?.lines ?? []).map(({ line, qty }) => `${qty} × ${order.lines[line - 1]?.title ?? ''}`).join(', ');
    const parcel = [event.data?.carrier, event.data?.tracking].filter(Boolean).join(' ');
    return html`<li data-kind=${event.kind}><time class="muted" datetime=${event.at}>${when}</time>
      <span>${hasText(key) ? t(key) : event.kind}${event.amount && event.kind !== 'cancelled' ? html` <strong class="numbers">${formatMoney(event.amount, region())}</strong>` : nothing}
        ${lines ? html`<span class="more">${lines}</span>` : nothing}${parcel ? html`<span class="more">${t('order.parcel', { parcel })}</span>` : nothing}</span></li>`;
  }

  /** @param {Order} order */
  #question(order) {
    const paid = order.state !== 'awaiting_payment';
    return html`<torg-sheet heading=${t('order.cancel.sure')} .open=${this.asking} @torg-close-request=${() => this.closeQuestion()}>
      <form class="question" @submit=${this.#cancel}>
        <p>${t(paid ? 'order.cancel.paid' : 'order.cancel.unpaid')}</p>
        ${openUnits(order).map(({ line, qty, title }) => html`<label><span>${title}</span>
          <select name=${String(line)}>${Array.from({ length: qty + 1 }, (_, i) => qty - i).map((n) => html`<option value=${String(n)}>${n === 0 ? t('order.cancel.none') : String(n)}</option>`)}</select></label>`)}
        <button class="button primary wide" type="submit" ?disabled=${this.working}>${icon('close')} ${t('order.cancel.yes')}</button>
        <button class="button wide" type="button" @click=${() => this.closeQuestion()}>${t('order.cancel.no')}</button>
      </form></torg-sheet>`;
  }

  /** @param {SubmitEvent} event */
  #cancel(event) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    const lines = [...new FormData(form)].map(([line, qty]) => ({ line: Number(line), qty: Number(qty) })).filter(({ qty }) => qty > 0);
    if (lines.length === 0) this.closeQuestion();
    else this.dispatchEvent(new CustomEvent('torg-cancel-request', { detail: { lines }, bubbles: true, composed: true }));
  }
}
customElements.define('torg-order', TorgOrder);
