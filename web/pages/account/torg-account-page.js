import { html, nothing } from 'lit';
import { getJson } from '../../lib/http.js';
import { t } from '../../lib/i18n.js';
import { identity } from '../../lib/identity.js';
import { TorgElement, styles } from '../../elements/torg-element.js';
import '../../elements/torg-header.js';
import '../../elements/torg-orders.js';
import sheet from './torg-account-page.shadow.css';

const REFRESH_MS = 10000;

/** The orders of the person that this browser is. */
export class TorgAccountPage extends TorgElement {
  static styles = styles(sheet);
  static properties = { orders: { state: true }, failed: { state: true }, now: { state: true } };

  constructor() {
    super();
    /** @type {import('../../lib/wire.js').Order[] | null} null = not loaded yet */
    this.orders = null;
    this.failed = false;
    this.now = Date.now();
    this.loadedAt = 0;
  }

  /** @param {AbortSignal} signal */
  attached(signal) {
    const timer = setInterval(() => this.#tick(), 1000);
    signal.addEventListener('abort', () => clearInterval(timer));
    document.addEventListener('visibilitychange', () => !document.hidden && this.#load(), { signal });
    this.#load();
  }

  #tick() {
    this.now = Date.now();
    const waiting = this.orders?.some((o) => o.state === 'awaiting_payment');
    if (!document.hidden && (waiting || this.failed) && this.now - this.loadedAt > REFRESH_MS) this.#load();
  }

  #load() {
    const token = identity.resumeToken();
    this.loadedAt = Date.now();
    if (!token) {
      this.orders = [];
      return;
    }
    getJson('/api/v1/orders', { headers: { Authorization: `Bearer ${token}` } }).then((body) => {
      this.orders = body?.orders ?? [];
      this.failed = false;
    }).catch((error) => {
      // A secret of another server's data: nobody here knows this person.
      if (error?.status === 401) this.orders = [];
      else this.failed = true;
    });
  }

  render() {
    document.title = `${t('account.title')} · torg`;
    return html`<torg-header></torg-header>
      <main>
        <h1>${t('orders.title')}</h1>
        <p class="muted">${t(identity.resumeToken() ? 'account.lead' : 'account.nobody')}</p>
        ${this.failed ? html`<p class="note bad" role="alert">${t('orders.error')} <button class="button small" type="button" @click=${() => this.#load()}>${t('try-again')}</button></p>` : nothing}
        ${this.orders === null
          ? (this.failed ? nothing : html`<p role="status"><span class="spinner"></span> ${t('loading')}</p>`)
          : html`<torg-orders .orders=${this.orders} .now=${this.now}></torg-orders>`}
      </main>`;
  }
}
customElements.define('torg-account-page', TorgAccountPage);
