import { html, nothing } from 'lit';
import { t } from '../lib/i18n.js';
import { layerLabel } from '../lib/layers.js';
import { icon } from './icons.js';
import { TorgElement, styles } from './torg-element.js';
import sheet from './torg-quality.shadow.css';

/**
 * The size of the picture: automatic, or one of the show's. Native radio buttons behind a button, so
 * arrow keys and screen readers know them; nothing is drawn while there is no choice.
 * @fires torg-quality-request detail {rid: string, lines: number} 'auto', 0: the server chooses
 * @fires torg-quality-open detail {open: boolean}
 */
export class TorgQuality extends TorgElement {
  static styles = styles(sheet);
  static properties = { layers: { attribute: false }, lines: { type: Number }, chosen: {}, open: { type: Boolean, reflect: true } };

  constructor() {
    super();
    /** @type {import('../lib/layers.js').Layer[]} */
    this.layers = [];
    /** Lines of the picture on screen; 0 = none. */
    this.lines = 0;
    /** rid of the layer asked for, or 'auto'. */
    this.chosen = 'auto';
    this.open = false;
  }

  render() {
    if (this.layers.length < 2) return nothing;
    const picked = this.layers.find(({ rid }) => rid === this.chosen);
    const now = this.lines > 0 ? `${this.lines}p` : '';
    return html`<div @keydown=${this.#key} @focusout=${this.#left}>
      <button type="button" aria-expanded=${this.open} aria-controls="menu" @click=${this.#toggle}>
        ${icon('quality')} <span class="visually-hidden">${t('player.quality')}:</span> <span>${picked ? layerLabel(picked, this.layers) : t('player.quality.auto')}</span></button>
      <fieldset id="menu" ?hidden=${!this.open}>
        <legend class="visually-hidden">${t('player.quality')}</legend>
        ${this.#choice('auto', 0, now ? t('player.quality.auto-now', { label: now }) : t('player.quality.auto'))}
        ${this.layers.map((layer) => this.#choice(layer.rid, layer.lines, layerLabel(layer, this.layers)))}
      </fieldset>
    </div>`;
  }

  /**
   * @param {string} rid
   * @param {number} lines
   * @param {string} label
   */
  #choice(rid, lines, label) {
    return html`<label><input type="radio" name="layer" value=${rid} .checked=${rid === this.chosen}
      @change=${() => this.ask('quality', { rid, lines })}> <span>${label}</span></label>`;
  }

  #toggle() {
    void this.#show(!this.open);
  }

  /** @param {boolean} open */
  async #show(open) {
    if (open === this.open) return;
    this.open = open;
    this.dispatchEvent(new CustomEvent('torg-quality-open', { detail: { open } }));
    await this.updateComplete;
    const target = open ? 'input:checked' : 'button';
    if (open || this.renderRoot.querySelector(':focus')) /** @type {HTMLElement | null} */ (this.renderRoot.querySelector(target))?.focus();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key !== 'Escape' || !this.open) return;
    event.stopPropagation();
    /** @type {HTMLElement | null} */ (this.renderRoot.querySelector('button'))?.focus();
    void this.#show(false);
  }

  /** @param {FocusEvent} event */
  #left(event) {
    // A tap on a label takes the focus away for a moment; only what is outside closes the menu.
    const to = /** @type {Node | null} */ (event.relatedTarget);
    if (to && !this.renderRoot.contains(to)) void this.#show(false);
  }

  /** @param {AbortSignal} signal */
  attached(signal) {
    addEventListener('pointerdown', (event) => {
      if (this.open && !event.composedPath().includes(this)) void this.#show(false);
    }, { signal });
  }
}
customElements.define('torg-quality', TorgQuality);
