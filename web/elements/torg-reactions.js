import { html, nothing } from 'lit';
import { t } from '../lib/i18n.js';
import { icon } from './icons.js';
import { TorgElement, styles } from './torg-element.js';
import layerSheet from './torg-reaction-layer.shadow.css';
import sheet from './torg-reactions.shadow.css';

/** @typedef {import('../lib/wire.js').ReactionKind} ReactionKind */

/** @type {Record<ReactionKind, string>} */
/** The heart is drawn: it is the one everybody uses, and the same everywhere. */
const glyphs = { heart: '', fire: '🔥', clap: '👏', laugh: '😂', wow: '😮' };
const kinds = /** @type {ReactionKind[]} */ (Object.keys(glyphs));
/** More than this in the air at once is noise, and costs phones their frames. */
const AIRBORNE_MAX = 28;

/**
 * The heart, and the other four behind it.
 * @fires torg-react-request detail {kind}
 */
export class TorgReactions extends TorgElement {
  static styles = styles(sheet);
  static properties = { total: { type: Number } };

  constructor() {
    super();
    this.total = 0;
  }

  render() {
    return html`
      <button class="icon-button heart" type="button" aria-label=${t('react.heart')} data-total=${this.total > 0 ? compact(this.total) : nothing} @click=${() => this.#react('heart')}>${icon('heart')}</button>
      <button class="icon-button more" type="button" aria-label=${t('react.more')} popovertarget="kinds">${icon('plus')}</button>
      <div id="kinds" popover role="group" aria-label=${t('react.more')}>
        ${kinds.map((kind) => html`<button class="icon-button" type="button" aria-label=${t(`react.${kind}`)} @click=${() => this.#react(kind)}>
          ${kind === 'heart' ? html`<span class="heart">${icon('heart')}</span>` : html`<span aria-hidden="true">${glyphs[kind]}</span>`}</button>`)}
      </div>`;
  }

  /** @param {ReactionKind} kind */
  #react(kind) {
    this.ask('react', { kind });
  }
}
customElements.define('torg-reactions', TorgReactions);

/** @param {number} n */
function compact(n) {
  return n < 1000 ? String(n) : new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 }).format(n);
}

/** Where reactions rise over the picture. Decoration: hidden from screen readers. */
export class TorgReactionLayer extends TorgElement {
  static styles = styles(layerSheet);

  constructor() {
    super();
    this.ariaHidden = 'true';
  }

  /**
   * @param {ReactionKind} kind
   * @param {number} count
   */
  burst(kind, count) {
    if (document.hidden) return;
    const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
    const room = AIRBORNE_MAX - this.renderRoot.childElementCount;
    for (let i = 0; i < Math.min(count, room, calm ? 1 : 8); i++) this.#rise(kind, i, calm);
  }

  /**
   * @param {ReactionKind} kind
   * @param {number} index
   * @param {boolean} calm
   */
  #rise(kind, index, calm) {
    const glyph = document.createElement('span');
    if (kind === 'heart') glyph.className = 'heart';
    else glyph.textContent = glyphs[kind] ?? '';
    this.renderRoot.append(glyph);
    const sway = (Math.random() - 0.5) * 90;
    const frames = calm ? [{ opacity: 0 }, { opacity: 1 }, { opacity: 0 }] : [
      { transform: 'translate(0, 0) scale(0.5)', opacity: 0 },
      { transform: `translate(${sway * 0.4}px, -60px) scale(1.15)`, opacity: 1, offset: 0.18 },
      { transform: `translate(${sway}px, -${220 + Math.random() * 120}px) scale(0.95)`, opacity: 0 },
    ];
    const flight = glyph.animate(frames, { duration: 2200 + Math.random() * 900, delay: index * 110, easing: 'ease-out', fill: 'both' });
    flight.onfinish = flight.oncancel = () => glyph.remove();
  }
}
customElements.define('torg-reaction-layer', TorgReactionLayer);
