import { html, nothing } from 'lit';
import { t } from '../lib/i18n.js';
import { TorgElement, styles } from './torg-element.js';
import sheet from './torg-copy.shadow.css';

/** How long the button says what became of the last press. */
const SAID_MS = 4000;

/**
 * Copies a text at the press of a button and says so; with `field` the text stands in a field beside
 * it, ready to be selected where a page has no clipboard (plain http).
 */
export class TorgCopy extends TorgElement {
  static styles = styles(sheet);
  static properties = { value: {}, label: {}, field: { type: Boolean, reflect: true }, said: { state: true } };

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  constructor() {
    super();
    this.value = '';
    /** what it is: the field's label, and part of the button's name */
    this.label = '';
    this.field = false;
    /** @type {'' | 'done' | 'failed'} */
    this.said = '';
  }

  /** @param {AbortSignal} signal */
  attached(signal) {
    signal.addEventListener('abort', () => clearTimeout(this.#timer));
  }

  /** @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    if (changed.has('value')) this.said = '';
  }

  render() {
    const words = t(this.said ? `copy.${this.said}` : 'copy.do');
    const button = navigator.clipboard ? html`<button class=${`button ${this.field ? '' : 'small'}`} type="button" aria-label=${`${words}: ${this.label}`}
        @click=${this.#copy}>${words}</button>` : nothing;
    return html`${this.field ? html`<label>${this.label}<input class="field" readonly .value=${this.value} @focus=${selectAll}></label>` : nothing}${button}
      <p class="visually-hidden" role="status">${this.said ? `${words}: ${this.label}` : ''}</p>`;
  }

  async #copy() {
    this.said = await navigator.clipboard.writeText(this.value).then(() => /** @type {const} */ ('done'), () => /** @type {const} */ ('failed'));
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => { this.said = ''; }, SAID_MS);
  }
}
customElements.define('torg-copy', TorgCopy);

/** @param {FocusEvent} event */
function selectAll(event) {
  /** @type {HTMLInputElement} */ (event.target).select();
}
