import { html, nothing } from 'lit';
import { t } from '../lib/i18n.js';
import { icon } from './icons.js';
import { TorgElement, styles } from './torg-element.js';
import './torg-mic-meter.js';
import sheet from './torg-host-controls.shadow.css';

/**
 * One row under the thumb: microphone, camera, the other camera, light, screen, settings.
 * @fires torg-mic-request @fires torg-camera-off-request @fires torg-flip-request
 * @fires torg-torch-request @fires torg-share-request @fires torg-settings-request
 */
export class TorgHostControls extends TorgElement {
  static styles = styles(sheet);
  static properties = {
    micMuted: { type: Boolean }, cameraOff: { type: Boolean }, sharing: { type: Boolean }, torch: { type: Boolean },
    torchable: { type: Boolean }, shareable: { type: Boolean }, microphone: { type: Boolean },
  };

  constructor() {
    super();
    this.micMuted = false;
    this.cameraOff = false;
    this.sharing = false;
    this.torch = false;
    this.torchable = false;
    this.shareable = false;
    /** There is a microphone at all. */
    this.microphone = true;
  }

  render() {
    return html`
      <torg-mic-meter .muted=${this.micMuted}></torg-mic-meter>
      <div class="row" role="group" aria-label=${t('studio.picture')}>
        ${this.#button('mic', this.micMuted ? 'studio.mic.on' : 'studio.mic.off', this.micMuted ? 'micOff' : 'mic', this.micMuted ? 'off' : '', !this.microphone)}
        ${this.#button('camera-off', this.cameraOff ? 'studio.camera.on' : 'studio.camera.off', this.cameraOff ? 'cameraOff' : 'camera', this.cameraOff ? 'off' : '')}
        ${this.#button('flip', 'studio.flip', 'flip', '', this.sharing)}
        ${this.torchable ? this.#button('torch', this.torch ? 'studio.torch.off' : 'studio.torch.on', 'torch', this.torch ? 'on' : '') : nothing}
        ${this.shareable ? this.#button('share', this.sharing ? 'studio.share.end' : 'studio.share', 'screen', this.sharing ? 'on' : '') : nothing}
        ${this.#button('settings', 'studio.more', 'settings')}
      </div>`;
  }

  /**
   * @param {string} name of the request
   * @param {string} key of its words
   * @param {string} sign
   * @param {'' | 'on' | 'off'} [look]
   * @param {boolean} [disabled]
   */
  #button(name, key, sign, look = '', disabled = false) {
    return html`<button class=${`round ${look}`} type="button" data-do=${name} aria-label=${t(key)} title=${t(key)} ?disabled=${disabled} @click=${() => this.ask(name)}>${icon(sign)}</button>`;
  }

  /** @param {{ rms: number, peak: number, clipped: boolean }} level */
  showLevel(level) {
    /** @type {import('./torg-mic-meter.js').TorgMicMeter | null} */ (this.renderRoot.querySelector('torg-mic-meter'))?.show(level);
  }
}
customElements.define('torg-host-controls', TorgHostControls);
