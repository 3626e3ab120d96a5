import { html, nothing } from 'lit';
import { t } from '../lib/i18n.js';
import { TorgElement, styles } from './torg-element.js';
import sheet from './torg-studio-settings.shadow.css';

/**
 * Camera, microphone, size and shape of the picture.
 * @fires torg-choose-request detail: the part of the choice that changes
 */
export class TorgStudioSettings extends TorgElement {
  static styles = styles(sheet);
  static properties = { choice: { attribute: false }, devices: { attribute: false } };

  constructor() {
    super();
    /** @type {{ camera: string, microphone: string, facing: string, lines: number, upright: string, simulcast: boolean, stereo: boolean } | null} */
    this.choice = null;
    /** @type {{ cameras: MediaDeviceInfo[], microphones: MediaDeviceInfo[] }} */
    this.devices = { cameras: [], microphones: [] };
  }

  render() {
    const { choice, devices } = this;
    if (!choice) return nothing;
    const named = (/** @type {MediaDeviceInfo[]} */ list) => list.map(({ deviceId, label }, i) => ({ value: deviceId, words: label || String(i + 1) }));
    return html`
      ${this.#select('studio.device.camera', choice.camera || `@${choice.facing}`, [
        { value: '@user', words: t('studio.device.front') }, { value: '@environment', words: t('studio.device.back') }, ...named(devices.cameras),
      ], (value) => value.startsWith('@') ? { camera: '', facing: value.slice(1) } : { camera: value })}
      ${this.#select('studio.device.mic', choice.microphone, [{ value: '', words: t('studio.device.default') }, ...named(devices.microphones)], (microphone) => ({ microphone }))}
      ${this.#select('studio.lines', String(choice.lines), ['480', '720', '1080'].map((value) => ({ value, words: t(`studio.lines.${value}`) })), (value) => ({ lines: Number(value) }))}
      ${this.#select('studio.upright', choice.upright, ['auto', 'portrait', 'landscape'].map((value) => ({ value, words: t(`studio.upright.${value}`) })), (upright) => ({ upright }))}
      ${this.#switch('studio.stereo', choice.stereo, (stereo) => ({ stereo }))}
      ${this.#switch('studio.simulcast', choice.simulcast, (simulcast) => ({ simulcast }))}`;
  }

  /**
   * @param {string} key
   * @param {string} now
   * @param {{ value: string, words: string }[]} options
   * @param {(value: string) => object} change
   */
  #select(key, now, options, change) {
    return html`<label>${t(key)}<select class="field" @change=${(/** @type {Event} */ e) => this.ask('choose', change(/** @type {HTMLSelectElement} */ (e.target).value))}>
      ${options.map(({ value, words }) => html`<option value=${value} ?selected=${value === now}>${words}</option>`)}</select></label>`;
  }

  /**
   * @param {string} key
   * @param {boolean} on
   * @param {(on: boolean) => object} change
   */
  #switch(key, on, change) {
    return html`<div class="switch"><label><input type="checkbox" .checked=${on} aria-describedby=${`${key}.hint`} @change=${(/** @type {Event} */ e) => this.ask('choose', change(/** @type {HTMLInputElement} */ (e.target).checked))}> ${t(key)}</label>
      <p class="muted" id=${`${key}.hint`}>${t(`${key}.hint`)}</p></div>`;
  }
}
customElements.define('torg-studio-settings', TorgStudioSettings);
