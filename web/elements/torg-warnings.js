import { html, nothing } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { hasText, t } from '../lib/i18n.js';
import { icon } from './icons.js';
import { TorgElement, styles } from './torg-element.js';
import sheet from './torg-warnings.shadow.css';

/** @typedef {import('../lib/uplink-health.js').Warning} Warning */

/**
 * What is wrong with the host's line, camera or sound, and what to do. A live region: a line is read
 * once, when it comes.
 */
export class TorgWarnings extends TorgElement {
  static styles = styles(sheet);
  static properties = { warnings: { attribute: false }, rig: { type: Boolean }, most: { type: Number } };

  constructor() {
    super();
    /** @type {Warning[]} the gravest first */
    this.warnings = [];
    /** The host sends with studio equipment: other advice. */
    this.rig = false;
    /** How many are shown at once. */
    this.most = 3;
  }

  render() {
    const shown = this.warnings.slice(0, this.most);
    const more = this.warnings.length - shown.length;
    return html`<div role="status" aria-label=${t('health.title')}>${shown.length === 0 ? nothing : html`<ul>${repeat(shown, ({ code }) => code, (warning) => this.#line(warning))}
      ${more > 0 ? html`<li class="more">${t('health.more', { count: more })}</li>` : nothing}</ul>`}</div>`;
  }

  /** @param {Warning} warning */
  #line({ code, level }) {
    const advice = this.rig && hasText(`health.${code}.rig`) ? `health.${code}.rig` : `health.${code}.do`;
    return html`<li class=${level} data-code=${code}>${icon(level === 'info' ? 'info' : 'warning')}
      <span><strong>${t(`health.${code}`)}</strong> <span class="do">${t(advice)}</span></span></li>`;
  }
}
customElements.define('torg-warnings', TorgWarnings);
