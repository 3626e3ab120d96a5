import { html, nothing } from 'lit';
import { t } from '../lib/i18n.js';
import { TorgElement, styles } from './torg-element.js';
import sheet from './torg-mic-meter.shadow.css';

/** Quieter than this is the foot of the bar. */
const FLOOR_DB = -60;
/** The clip mark stays long enough to be seen. */
const CLIP_MS = 1500;

/** How loud the microphone is, with a mark when it is too loud. */
export class TorgMicMeter extends TorgElement {
  static styles = styles(sheet);
  static properties = { muted: { type: Boolean, reflect: true }, clipped: { state: true } };

  constructor() {
    super();
    this.muted = false;
    this.clipped = false;
    this.clippedAt = 0;
  }

  render() {
    return html`<div role="meter" aria-label=${t('studio.mic.level')} aria-valuemin=${FLOOR_DB} aria-valuemax="0" aria-valuenow=${FLOOR_DB}><span class="bar"></span></div>
      ${this.clipped ? html`<span class="clip">${t('studio.mic.clip')}</span>` : nothing}`;
  }

  /**
   * Ten times a second: past the template, straight onto the bar.
   * @param {{ peak: number, clipped: boolean }} level
   */
  show({ peak, clipped }) {
    const db = this.muted || peak <= 0 ? FLOOR_DB : Math.max(FLOOR_DB, Math.min(0, 20 * Math.log10(peak)));
    const now = Date.now();
    if (clipped && !this.muted) this.clippedAt = now;
    this.clipped = now - this.clippedAt < CLIP_MS;
    this.renderRoot.querySelector('[role=meter]')?.setAttribute('aria-valuenow', String(Math.round(db)));
    const bar = /** @type {HTMLElement | null} */ (this.renderRoot.querySelector('.bar'));
    bar?.style.setProperty('clip-path', `inset(0 ${(100 * db / FLOOR_DB).toFixed(1)}% 0 0)`);
  }
}
customElements.define('torg-mic-meter', TorgMicMeter);
