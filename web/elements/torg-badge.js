import { html } from 'lit';
import { t } from '../lib/i18n.js';
import { TorgElement, styles } from './torg-element.js';
import sheet from './torg-badge.shadow.css';

/** The state of a show in one word: LIVE, rehearsal, scheduled, ended. */
export class TorgBadge extends TorgElement {
  static styles = styles(sheet);
  static properties = { state: { reflect: true } };

  constructor() {
    super();
    /** @type {import('../lib/wire.js').ShowState} */
    this.state = 'scheduled';
  }

  render() {
    return html`<span>${t(`state.${this.state}`)}</span>`;
  }
}
customElements.define('torg-badge', TorgBadge);
