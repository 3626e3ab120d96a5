import { LitElement, unsafeCSS } from 'lit';
import { onLocaleChange } from '../lib/i18n.js';
import shared from './shared.shadow.css';

const sharedSheet = unsafeCSS(shared);

/**
 * The styles of an element: what all share, then its own. The text is ours, compiled in.
 * @param {string} [own]
 */
export function styles(own = '') {
  return [sharedSheet, unsafeCSS(own)];
}

/** What every element of torg has: the shared look, the language, and a signal for its listeners. */
export class TorgElement extends LitElement {
  static styles = styles();
  /** @type {AbortController | null} */
  #life = null;

  connectedCallback() {
    super.connectedCallback();
    this.#life = new AbortController();
    onLocaleChange(() => this.requestUpdate(), this.#life.signal);
    this.attached(this.#life.signal);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#life?.abort();
    this.#life = null;
  }

  /**
   * Override to add listeners outside; the signal aborts when the element leaves the page.
   * @param {AbortSignal} _signal
   */
  attached(_signal) {}

  /**
   * Asks whoever owns the state: a bubbling, composed `torg-{name}-request`.
   * @param {string} name
   * @param {unknown} [detail]
   */
  ask(name, detail = null) {
    this.dispatchEvent(new CustomEvent(`torg-${name}-request`, { bubbles: true, composed: true, detail }));
  }
}
