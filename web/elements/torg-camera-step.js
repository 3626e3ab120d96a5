import { html, nothing } from 'lit';
import { t } from '../lib/i18n.js';
import { icon } from './icons.js';
import { TorgElement, styles } from './torg-element.js';
import sheet from './torg-camera-step.shadow.css';

/**
 * Before there is a picture: what the browser will ask, or why there is no camera and what to do.
 * @fires torg-camera-request
 */
export class TorgCameraStep extends TorgElement {
  static styles = styles(sheet);
  static properties = { problem: { reflect: true }, asking: { type: Boolean } };

  constructor() {
    super();
    /** a CameraProblem, or "" */
    this.problem = '';
    this.asking = false;
  }

  render() {
    const { problem } = this;
    return html`<span class="sign">${icon(problem ? 'cameraOff' : 'camera')}</span>
      <h2>${t(problem ? `camera.${problem}` : 'camera.title')}</h2>
      <div role="status">${this.asking ? html`<p>${t('camera.asking')}</p>` : html`<p>${t(problem ? `camera.${problem}.do` : 'camera.lead')}</p>`}</div>
      ${problem === 'insecure' ? this.#insecure() : nothing}
      ${problem === 'insecure' || problem === 'unsupported' ? nothing : html`<button class="button buy wide" type="button" aria-disabled=${this.asking ? 'true' : nothing}
        @click=${() => this.asking || this.ask('camera')}>${t(problem ? 'try-again' : 'camera.allow')}</button>`}`;
  }

  #insecure() {
    const { host, pathname } = location;
    return html`<ol><li>${t('phone.lan.1')}</li><li>${t('phone.lan.2')}</li><li>${t('phone.lan.3')}</li></ol>
      <a class="button wide" href=${`https://${host}${pathname}`}>${t('camera.insecure.open', { address: `https://${host}` })}</a>`;
  }
}
customElements.define('torg-camera-step', TorgCameraStep);
