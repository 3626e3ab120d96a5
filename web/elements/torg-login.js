import { html, nothing } from 'lit';
import { t } from '../lib/i18n.js';
import { TorgElement, styles } from './torg-element.js';
import sheet from './torg-login.shadow.css';

/**
 * A token for a session.
 * @fires torg-login-request detail {token}
 */
export class TorgLogin extends TorgElement {
  static styles = styles(sheet);
  static properties = { problem: {}, busy: { type: Boolean } };

  constructor() {
    super();
    this.problem = '';
    this.busy = false;
  }

  render() {
    return html`<form @submit=${this.#submit}>
      <img src="/favicon.svg" alt="" width="56" height="56">
      <h1>${t('login.title')}</h1>
      <p class="muted">${t('login.lead')}</p>
      <label>${t('login.token')}
        <input class="field" name="token" type="password" required autocomplete="current-password" spellcheck="false" autocapitalize="none" aria-describedby="problem"></label>
      <p id="problem" class=${this.problem ? 'note bad' : ''} role="alert">${this.problem || nothing}</p>
      <button class="button primary wide" type="submit" ?disabled=${this.busy}>${t('login.submit')}</button>
    </form>`;
  }

  /** @param {SubmitEvent} event */
  #submit(event) {
    event.preventDefault();
    const token = String(new FormData(/** @type {HTMLFormElement} */ (event.target)).get('token')).trim();
    if (token) this.ask('login', { token });
  }
}
customElements.define('torg-login', TorgLogin);
