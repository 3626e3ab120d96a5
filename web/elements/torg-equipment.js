import { html } from 'lit';
import { t } from '../lib/i18n.js';
import { TorgElement, styles } from './torg-element.js';
import './torg-copy.js';
import sheet from './torg-equipment.shadow.css';

const RTMP_PORT = 1935;

/** What to enter in OBS or a hardware encoder. */
export class TorgEquipment extends TorgElement {
  static styles = styles(sheet);
  static properties = { show: {} };

  constructor() {
    super();
    /** show id */
    this.show = '';
  }

  render() {
    return html`<dl>${this.#setting('studio.server', `rtmp://${location.hostname}:${RTMP_PORT}/live`)}
        ${this.#setting('studio.key', `${this.show}?key=${t('studio.key.placeholder')}`)}</dl>
      <p class="muted">${t('studio.key.hint')}</p>
      <ul><li>${t('studio.video')}</li><li>${t('studio.audio')}</li></ul>`;
  }

  /**
   * @param {string} key
   * @param {string} value
   */
  #setting(key, value) {
    return html`<div><dt>${t(key)}</dt><dd><code>${value}</code>
      <torg-copy .value=${value} .label=${t(key)}></torg-copy></dd></div>`;
  }
}
customElements.define('torg-equipment', TorgEquipment);
