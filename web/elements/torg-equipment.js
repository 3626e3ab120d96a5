import { html } from 'lit';
import { t } from '../lib/i18n.js';
import { TorgElement, styles } from './torg-element.js';
import sheet from './torg-equipment.shadow.css';

const RTMP_PORT = 1935;

/** What to enter in OBS or a hardware encoder. */
export class TorgEquipment extends TorgElement {
  static styles = styles(sheet);
  static properties = { show: {}, copied: { state: true } };

  constructor() {
    super();
    /** show id */
    this.show = '';
    this.copied = '';
  }

  render() {
    return html`<dl>${this.#setting('studio.server', `rtmp://${location.hostname}:${RTMP_PORT}/live`)}
        ${this.#setting('studio.key', `${this.show}?key=${t('studio.key.placeholder')}`)}</dl>
      <p class="muted">${t('studio.key.hint')}</p>
      <ul><li>${t('studio.video')}</li><li>${t('studio.audio')}</li></ul>
      <p class="visually-hidden" role="status">${this.copied ? t('studio.copied') : ''}</p>`;
  }

  /**
   * @param {string} key
   * @param {string} value
   */
  #setting(key, value) {
    return html`<div><dt>${t(key)}</dt><dd><code>${value}</code>
      <button class="button small" type="button" @click=${() => this.#copy(value)} aria-label=${`${t('studio.copy')}: ${t(key)}`}>${t(this.copied === value ? 'studio.copied' : 'studio.copy')}</button></dd></div>`;
  }

  /** @param {string} value */
  async #copy(value) {
    await navigator.clipboard?.writeText(value).then(() => { this.copied = value; }, () => { this.copied = ''; });
  }
}
customElements.define('torg-equipment', TorgEquipment);
