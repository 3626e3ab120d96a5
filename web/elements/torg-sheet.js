import { html } from 'lit';
import { t } from '../lib/i18n.js';
import { icon } from './icons.js';
import { TorgElement, styles } from './torg-element.js';
import sheet from './torg-sheet.shadow.css';

/**
 * A modal sheet: from below on a phone, from the side on a desk. The browser's own dialog keeps the
 * focus inside, gives it back, and closes on Escape.
 * @fires torg-close-request
 */
export class TorgSheet extends TorgElement {
  static styles = styles(sheet);
  static properties = { heading: {}, open: { type: Boolean, reflect: true } };

  constructor() {
    super();
    this.heading = '';
    this.open = false;
  }

  render() {
    return html`<dialog aria-labelledby="heading" @cancel=${this.#cancel} @click=${this.#outside}>
      <div class="panel">
        <div class="top">
          <h2 id="heading" tabindex="-1" autofocus>${this.heading}</h2>
          <button class="icon-button" type="button" aria-label=${t('close')} @click=${() => this.ask('close')}>${icon('close')}</button>
        </div>
        <div class="body"><slot></slot></div>
        <slot name="foot"></slot>
      </div>
    </dialog>`;
  }

  updated() {
    const dialog = this.renderRoot.querySelector('dialog');
    if (!dialog) return;
    if (this.open && !dialog.open) dialog.showModal();
    else if (!this.open && dialog.open) dialog.close();
  }

  /** @param {Event} event */
  #cancel(event) {
    event.preventDefault();
    this.ask('close');
  }

  /** @param {Event} event */
  #outside(event) {
    if (event.target === event.currentTarget) this.ask('close');
  }
}
customElements.define('torg-sheet', TorgSheet);
