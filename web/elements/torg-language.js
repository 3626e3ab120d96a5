import { html } from 'lit';
import { locale, localeNames, setLocale, t } from '../lib/i18n.js';
import { identity } from '../lib/identity.js';
import { icon } from './icons.js';
import { TorgElement, styles } from './torg-element.js';
import sheet from './torg-language.shadow.css';

/** The language of the page: a native select, so that every phone shows its own picker. */
export class TorgLanguage extends TorgElement {
  static styles = styles(sheet);

  render() {
    return html`${icon('globe')}<select aria-label=${t('language')} @change=${this.#pick}>
      ${Object.entries(localeNames).map(([value, name]) => html`<option value=${value} lang=${value} ?selected=${value === locale()}>${name}</option>`)}
    </select>`;
  }

  /** @param {Event} event */
  #pick(event) {
    const value = /** @type {import('../lib/i18n.js').Locale} */ (/** @type {HTMLSelectElement} */ (event.target).value);
    identity.keepLanguage(value);
    setLocale(value);
    document.documentElement.lang = value;
  }
}
customElements.define('torg-language', TorgLanguage);
