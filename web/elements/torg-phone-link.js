import { html, nothing } from 'lit';
import { t } from '../lib/i18n.js';
import { clockTime } from './torg-pinned-product.js';
import { TorgElement, styles } from './torg-element.js';
import './torg-copy.js';
import './torg-qr.js';
import sheet from './torg-phone-link.shadow.css';

/** A desk that is open under such a name gives links that no phone can follow. */
const LOCAL = /^(localhost|127\.[\d.]+|\[::1\])$/;

/**
 * The way onto the air for a phone: a QR code, the same as a link, how long it holds, a new one.
 * @fires torg-code-request
 */
export class TorgPhoneLink extends TorgElement {
  static styles = styles(sheet);
  static properties = { code: { attribute: false }, problem: {}, now: { type: Number } };

  constructor() {
    super();
    /** @type {import('../lib/wire.js').PhoneCode | null} */
    this.code = null;
    this.problem = '';
    this.now = Date.now();
  }

  render() {
    const url = this.code ? new URL(this.code.url, location.href) : null;
    const left = this.code ? Math.ceil((Date.parse(this.code.expires) - this.now) / 1000) : 0;
    return html`<p>${t('phone.lead')}</p>
      ${url && LOCAL.test(url.hostname) ? html`<p class="note warn">${t('phone.local')}</p>` : nothing}
      ${this.problem ? html`<p class="note bad" role="alert">${this.problem}</p>` : nothing}
      ${url && left > 0 ? this.#valid(url.href, left) : this.#none()}
      <button class="button wide" type="button" @click=${() => this.ask('code')}>${t('phone.new')}</button>
      <details><summary>${t('phone.lan')}</summary>
        <ol><li>${t('phone.lan.1')}</li><li>${t('phone.lan.2')}</li><li>${t('phone.lan.3')}</li><li>${t('phone.lan.4')}</li></ol></details>`;
  }

  /**
   * @param {string} url
   * @param {number} left seconds
   */
  #valid(url, left) {
    return html`<torg-qr .text=${url} .label=${t('phone.code')}></torg-qr>
      <p class="left numbers muted">${t('phone.left', { time: clockTime(left) })}</p>
      <torg-copy field .value=${url} .label=${t('phone.link')}></torg-copy>`;
  }

  #none() {
    if (this.problem) return nothing;
    return html`<p class="note" role="status">${t(this.code ? 'phone.expired' : 'phone.making')}</p>`;
  }
}
customElements.define('torg-phone-link', TorgPhoneLink);
