import { html, nothing } from 'lit';
import { newId } from '../../lib/channel.js';
import { getJson, postJson } from '../../lib/http.js';
import { t } from '../../lib/i18n.js';
import { identity } from '../../lib/identity.js';
import { TorgElement, styles } from '../../elements/torg-element.js';
import '../../elements/torg-header.js';
import '../../elements/torg-order.js';
import '../../elements/torg-orders.js';
import sheet from './torg-account-page.shadow.css';

const REFRESH_MS = 10000;

/** The orders of the person that this browser is; one of them by itself when the address names it (#id). */
export class TorgAccountPage extends TorgElement {
  static styles = styles(sheet);
  static properties = {
    orders: { state: true }, one: { state: true }, failed: { state: true }, now: { state: true }, working: { state: true }, problem: { state: true },
  };

  /** One key for each intent to cancel: a retry after a lost answer is the same request. */
  #key = newId();

  constructor() {
    super();
    /** @type {import('../../lib/wire.js').Order[] | null} null = not loaded yet */
    this.orders = null;
    /** @type {{ order: import('../../lib/wire.js').Order, events: import('../../lib/wire.js').OrderStep[] } | 'missing' | null} */
    this.one = null;
    this.failed = false;
    this.working = false;
    this.problem = '';
    this.now = Date.now();
    this.loadedAt = 0;
  }

  /** The order that the address names, "" = none. */
  get orderId() {
    return /^#[\w-]{1,40}$/.test(location.hash) ? location.hash.slice(1) : '';
  }

  /** @param {AbortSignal} signal */
  attached(signal) {
    const timer = setInterval(() => this.#tick(), 1000);
    signal.addEventListener('abort', () => clearInterval(timer));
    document.addEventListener('visibilitychange', () => !document.hidden && this.#load(), { signal });
    window.addEventListener('hashchange', () => this.#turn(), { signal });
    this.#load();
  }

  #turn() {
    this.one = null;
    this.problem = '';
    this.#key = newId();
    this.#load();
  }

  #tick() {
    this.now = Date.now();
    const one = this.one === 'missing' ? null : this.one;
    const waiting = this.orderId ? one?.order.state === 'awaiting_payment' : this.orders?.some((o) => o.state === 'awaiting_payment');
    if (!document.hidden && (waiting || this.failed) && this.now - this.loadedAt > REFRESH_MS) this.#load();
  }

  #load() {
    const token = identity.resumeToken();
    this.loadedAt = Date.now();
    if (!token) {
      this.orders = [];
      this.one = 'missing';
      return;
    }
    if (this.orderId) this.#loadOne(this.orderId, token);
    else this.#loadAll(token);
  }

  /** @param {string} token */
  #loadAll(token) {
    getJson('/api/v1/orders', { headers: { Authorization: `Bearer ${token}` } }).then((body) => {
      this.orders = body?.orders ?? [];
      this.failed = false;
    }).catch((error) => {
      // A secret of another server's data: nobody here knows this person.
      if (error?.status === 401) this.orders = [];
      else this.failed = true;
    });
  }

  /**
   * @param {string} id
   * @param {string} token
   */
  #loadOne(id, token) {
    getJson(`/api/v1/orders/${id}`, { headers: { Authorization: `Bearer ${token}` } }).then((body) => {
      if (id !== this.orderId) return;
      this.one = body;
      this.failed = false;
    }).catch((error) => {
      if (id !== this.orderId) return;
      if (error?.status === 404 || error?.status === 401) this.one = 'missing';
      else this.failed = true;
    });
  }

  /** @param {CustomEvent<{ lines: { line: number, qty: number }[] }>} event */
  async #cancel(event) {
    const token = identity.resumeToken();
    const id = this.orderId;
    if (!token || !id) return;
    this.working = true;
    this.problem = '';
    try {
      await postJson(`/api/v1/orders/${id}/cancel`, { lines: event.detail.lines }, { Authorization: `Bearer ${token}`, 'Idempotency-Key': this.#key });
      this.#key = newId();
    } catch (error) {
      this.problem = error instanceof Error && error.message ? error.message : t('error.no-answer');
      // A refusal is an answer: the next attempt is a new intent. Without one it is the same.
      if (/** @type {{ status?: number }} */ (error).status) this.#key = newId();
    }
    this.working = false;
    /** @type {import('../../elements/torg-order.js').TorgOrder | null} */ (this.renderRoot.querySelector('torg-order'))?.closeQuestion();
    this.#load();
  }

  #order() {
    const { one } = this;
    const back = html`<p><a class="button small" href="#">${t('order.all')}</a></p>`;
    if (one === 'missing') return html`${back}<h1>${t('order.missing')}</h1>`;
    if (one === null) return html`${back}${this.failed ? nothing : html`<p role="status"><span class="spinner"></span> ${t('loading')}</p>`}`;
    return html`${back}${this.problem ? html`<p class="note bad" role="alert">${this.problem}</p>` : nothing}
      <torg-order .order=${one.order} .events=${one.events} .now=${this.now} ?working=${this.working} @torg-cancel-request=${this.#cancel}></torg-order>`;
  }

  render() {
    document.title = `${t('account.title')} · torg`;
    return html`<torg-header></torg-header>
      <main>${this.orderId ? html`${this.failed ? this.#failure() : nothing}${this.#order()}` : this.#list()}</main>`;
  }

  #failure() {
    return html`<p class="note bad" role="alert">${t('orders.error')} <button class="button small" type="button" @click=${() => this.#load()}>${t('try-again')}</button></p>`;
  }

  #list() {
    return html`<h1>${t('orders.title')}</h1>
        <p class="muted">${t(identity.resumeToken() ? 'account.lead' : 'account.nobody')}</p>
        ${this.failed ? this.#failure() : nothing}
        ${this.orders === null
          ? (this.failed ? nothing : html`<p role="status"><span class="spinner"></span> ${t('loading')}</p>`)
          : html`<torg-orders .orders=${this.orders} .now=${this.now}></torg-orders>`}
        ${this.orders?.length === 0 ? html`<a class="button primary go" href="/">${t('shows.all')}</a>` : nothing}`;
  }
}
customElements.define('torg-account-page', TorgAccountPage);
