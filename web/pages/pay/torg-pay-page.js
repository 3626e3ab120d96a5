import { html, nothing } from 'lit';
import { newId } from '../../lib/channel.js';
import { getJson, postJson } from '../../lib/http.js';
import { region, t } from '../../lib/i18n.js';
import { identity } from '../../lib/identity.js';
import { formatMoney } from '../../lib/money.js';
import { optionWords } from '../../lib/show-model.js';
import { icon } from '../../elements/icons.js';
import { clockTime } from '../../elements/torg-pinned-product.js';
import { TorgElement, styles } from '../../elements/torg-element.js';
import { lastPathPart } from '../start.js';
import sheet from './torg-pay-page.shadow.css';

/** @typedef {import('../../lib/wire.js').Payment} Payment */
/** @typedef {'loading' | 'open' | 'working' | 'paid' | 'declined' | 'over' | 'missing' | 'failed'} Step */

/** The sandbox payment provider: says in every corner that no money moves. */
export class TorgPayPage extends TorgElement {
  static styles = styles(sheet);
  static properties = { step: { state: true }, payment: { state: true }, now: { state: true }, problem: { state: true } };

  /** One key for each verdict: a second tap, or a retry after a lost answer, is the same request. */
  #keys = { paid: newId(), declined: newId() };

  constructor() {
    super();
    this.paymentId = lastPathPart();
    /** @type {Step} */
    this.step = 'loading';
    /** @type {Payment | null} */
    this.payment = null;
    this.now = Date.now();
    this.problem = '';
  }

  /** @param {AbortSignal} signal */
  attached(signal) {
    const timer = setInterval(() => { this.now = Date.now(); }, 1000);
    signal.addEventListener('abort', () => clearInterval(timer));
    this.#load();
  }

  get #url() {
    return `/api/v1/payments/${encodeURIComponent(this.paymentId)}`;
  }

  #load() {
    this.step = 'loading';
    getJson(this.#url).then((payment) => this.#show(payment)).catch((error) => {
      this.step = error?.status === 404 ? 'missing' : 'failed';
    });
  }

  /** @param {Payment} payment */
  #show(payment) {
    this.payment = payment;
    const { state } = payment.order;
    if (state === 'paid' || state === 'partly_fulfilled' || state === 'fulfilled') this.step = 'paid';
    else this.step = state === 'awaiting_payment' ? 'open' : 'over';
  }

  /** @param {'paid' | 'declined'} outcome */
  async #decide(outcome) {
    this.step = 'working';
    this.problem = '';
    try {
      await postJson(`${this.#url}/sandbox`, { paid: outcome === 'paid' }, { 'Idempotency-Key': this.#keys[outcome] });
      const payment = /** @type {Payment} */ (await getJson(this.#url));
      this.#show(payment);
      if (outcome === 'declined' && payment.order.state === 'awaiting_payment') {
        this.step = 'declined';
        this.#keys = { paid: newId(), declined: newId() };
      }
    } catch (error) {
      this.problem = error instanceof Error && error.message ? error.message : t('pay.error');
      this.step = 'open';
    }
  }

  render() {
    document.title = `${t('pay.title')} · torg`;
    return html`<header class="ribbon"><strong>${t('pay.sandbox')}</strong> <span>${t('pay.sandbox.hint')}</span></header>
      <main><section class="card" aria-live="polite" data-step=${this.step}>${this.#content()}</section></main>`;
  }

  #content() {
    switch (this.step) {
      case 'loading': return html`<h1 class="visually-hidden">${t('pay.title')}</h1><p role="status"><span class="spinner"></span> ${t('loading')}</p>`;
      case 'missing': return html`<h1>${t('pay.missing')}</h1>${this.#back()}`;
      case 'failed': return html`<h1>${t('pay.title')}</h1><p class="note bad" role="alert">${t('pay.error')}</p>
        <button class="button primary wide" type="button" @click=${() => this.#load()}>${t('try-again')}</button>`;
      case 'paid': return this.#result('check', 'good', 'pay.paid', 'pay.paid.hint');
      case 'over': return this.#result('clock', 'late', 'pay.expired', 'pay.expired.hint');
      case 'declined': return html`${this.#result('warning', 'late', 'pay.declined', 'pay.declined.hint')}
        <button class="button primary wide" type="button" @click=${() => this.#load()}>${t('try-again')}</button>`;
      default: return this.#form();
    }
  }

  #form() {
    const order = this.payment?.order;
    if (!order) return nothing;
    const amount = formatMoney(order.total, region());
    const left = order.pay_by ? Math.round((Date.parse(order.pay_by) - this.now) / 1000) : NaN;
    const working = this.step === 'working';
    return html`<h1>${t('orders.number', { number: String(order.number) })}</h1>
      <ul>${order.lines.map((line) => html`<li><span>${line.qty} × ${line.title ?? line.sku}${optionWords(line.options) ? html` <span class="muted">${optionWords(line.options)}</span>` : nothing}</span>
        ${line.total ? html`<span class="numbers">${formatMoney(line.total, region())}</span>` : nothing}</li>`)}</ul>
      <p class="total"><span>${t('pay.amount')}</span><strong class="numbers">${amount}</strong></p>
      ${left > 0 ? html`<p class="muted numbers left" aria-live="off">${icon('clock')} ${t('order.pay-within', { time: clockTime(left) })}</p>` : nothing}
      ${this.problem ? html`<p class="note bad" role="alert">${this.problem}</p>` : nothing}
      <button class="button buy wide" type="button" ?disabled=${working} @click=${() => this.#decide('paid')}>${working ? t('pay.working') : t('pay.yes', { amount })}</button>
      <button class="button wide" type="button" ?disabled=${working} @click=${() => this.#decide('declined')}>${t('pay.no')}</button>`;
  }

  /**
   * @param {string} mark
   * @param {string} tone
   * @param {string} title
   * @param {string} hint
   */
  #result(mark, tone, title, hint) {
    return html`<span class=${`mark ${tone}`}>${icon(mark)}</span><h1>${t(title)}</h1><p class="muted">${t(hint)}</p>${this.#back()}`;
  }

  /** The page was opened beside the show; going back is closing it where the browser lets us. */
  #back() {
    const show = identity.lastShow();
    return html`<a class="button wide" href=${show ? `/s/${encodeURIComponent(show)}` : '/'} @click=${this.#leave}>${t(show ? 'pay.back' : 'shows.all')}</a>`;
  }

  /** @param {Event} event */
  #leave(event) {
    // A page that was opened beside the show has no history of its own: the show is one tab away.
    if (history.length > 1) return;
    event.preventDefault();
    window.close();
  }
}
customElements.define('torg-pay-page', TorgPayPage);
