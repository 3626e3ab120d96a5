import { html, nothing, render, svg } from 'lit';
import { t } from '../lib/i18n.js';
import { icon } from './icons.js';
import { TorgElement, styles } from './torg-element.js';
import layerSheet from './torg-reaction-layer.shadow.css';
import sheet from './torg-reactions.shadow.css';

/** @typedef {import('../lib/wire.js').ReactionKind} ReactionKind */

/** @type {ReactionKind[]} */
const kinds = ['heart', 'fire', 'clap', 'laugh', 'wow'];

const face = svg`<circle cx="16" cy="16" r="13.500" fill="#ffcf4a"/><circle cx="16" cy="16" r="13.500" fill="none" stroke="#e0a11c" stroke-width="1.500"/>`;
/** Drawn, not typed: the same on every phone, and there where a system has no emoji. */
const drawings = {
  heart: svg`<path d="M16 28.500S2 20.500 2 10.700A7.700 7.700 0 0 1 16 6.200a7.700 7.700 0 0 1 14 4.500c0 9.800-14 17.800-14 17.800z" fill="#e5402c"/><path d="M6 10.500a4.200 4.200 0 0 1 4.200-4.200" stroke="#fff" stroke-opacity=".6" stroke-width="2" stroke-linecap="round" fill="none"/>`,
  fire: svg`<path d="M17 1.500c1 5.500 8.500 9 8.500 17a9.500 9.500 0 0 1-19 0c0-4 2-6.500 3.800-8.500.2 2.500 1.200 4 2.700 4.500C12.500 9.500 14 5 17 1.500z" fill="#f06a1d"/><path d="M16.500 14c.5 3 4.500 4.500 4.500 8.500a5 5 0 0 1-10 0c0-2.300 1.200-3.700 2.200-4.800.2 1.300.8 2 1.600 2.300-.3-2.300.4-4.200 1.700-6z" fill="#ffd04f"/>`,
  clap: svg`<g transform="rotate(-18 16 18)"><rect x="8" y="11" width="13" height="17" rx="6" fill="#f2b98a"/><rect x="8.500" y="4" width="3.600" height="13" rx="1.800" fill="#f2b98a"/><rect x="12.300" y="2.500" width="3.600" height="14" rx="1.800" fill="#f2b98a"/><rect x="16.100" y="4" width="3.600" height="13" rx="1.800" fill="#f2b98a"/><rect x="20" y="12" width="3.600" height="9" rx="1.800" transform="rotate(-28 21 16)" fill="#e5a473"/></g><path d="M25 5l1.500-2.500M27.500 9l3-.8M4 7L2 5M3.500 12l-2.500.2" stroke="#ffcf4a" stroke-width="2" stroke-linecap="round"/>`,
  laugh: svg`${face}<path d="M8.500 17h15a7.500 7.500 0 0 1-15 0z" fill="#6b2d12"/><path d="M9.500 17.500h13v2h-13z" fill="#fff"/><path d="M8 12.500q2-3 4.500 0M19.500 12.500q2.500-3 4.500 0" stroke="#6b2d12" stroke-width="2" stroke-linecap="round" fill="none"/>`,
  wow: svg`${face}<ellipse cx="16" cy="21.500" rx="3.800" ry="4.600" fill="#6b2d12"/><circle cx="11" cy="12.500" r="2" fill="#6b2d12"/><circle cx="21" cy="12.500" r="2" fill="#6b2d12"/>`,
};

/** @param {ReactionKind} kind */
function drawing(kind) {
  return html`<svg viewBox="0 0 32 32" width="32" height="32" aria-hidden="true">${drawings[kind] ?? drawings.heart}</svg>`;
}
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
          ${drawing(kind)}</button>`)}
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
    render(drawing(kind), glyph);
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
