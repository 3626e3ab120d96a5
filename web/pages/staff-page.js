import { html } from 'lit';
import { HttpError } from '../lib/http.js';
import { t } from '../lib/i18n.js';
import { TorgElement } from '../elements/torg-element.js';
import '../elements/torg-header.js';
import '../elements/torg-login.js';
import { DeskStore } from './desk/store.js';
import { codeFromFragment, isStaff, logIn, logInByCode, logOut, tokenFromFragment, whoAmI } from './session.js';
import { lastPathPart } from './start.js';

/** What desk and studio share: the login in front of them, and the store behind. */
export class StaffPage extends TorgElement {
  static properties = { you: { state: true }, known: { state: true }, problem: { state: true }, busy: { state: true }, now: { state: true } };

  constructor() {
    super();
    this.showId = lastPathPart();
    /** @type {import('./session.js').You | null} */
    this.you = null;
    /** whether the server has said who we are */
    this.known = false;
    this.problem = '';
    this.busy = false;
    this.now = Date.now();
    /** @type {DeskStore | null} */
    this.store = null;
  }

  /** @param {AbortSignal} signal */
  attached(signal) {
    const timer = setInterval(() => { this.now = Date.now(); }, 1000);
    signal.addEventListener('abort', () => {
      clearInterval(timer);
      this.#leave();
    });
    this.#arrive(signal).catch(() => this.#trouble(null));
  }

  /** @param {AbortSignal} signal */
  async #arrive(signal) {
    const code = codeFromFragment();
    if (code) await this.#logInByCode(code);
    const token = tokenFromFragment();
    if (token) await this.logIn(token);
    // A demo server may not be up in the very moment the page is opened: keep asking.
    for (let wait = 500; !this.known && !signal.aborted; wait = Math.min(wait * 2, 8000)) {
      try {
        this.#enter(await whoAmI());
      } catch {
        this.problem = t('login.error');
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
    }
  }

  /** @param {import('./session.js').You} you */
  #enter(you) {
    this.known = true;
    this.problem = '';
    this.you = isStaff(you, this.showId) ? you : null;
    if (!this.you || this.store) return;
    const store = this.makeStore();
    this.store = store;
    store.addEventListener('change', () => this.requestUpdate());
    store.open();
  }

  /** @returns {DeskStore} */
  makeStore() {
    return new DeskStore(this.showId);
  }

  #leave() {
    this.store?.close();
    this.store = null;
  }

  /** @param {string} token */
  async logIn(token) {
    this.busy = true;
    try {
      this.#enter(await logIn(token));
      if (!this.you) this.problem = t('login.not-staff');
    } catch (error) {
      this.#trouble(error);
    }
    this.busy = false;
  }

  /** Scanned from the desk's screen; a code that has done its work still finds its phone logged in. @param {string} code */
  async #logInByCode(code) {
    this.busy = true;
    try {
      this.#enter(await logInByCode(code));
      if (!this.you) this.problem = t('login.not-staff');
    } catch (error) {
      const status = error instanceof HttpError ? error.status : 0;
      const known = await whoAmI().catch(() => null);
      if (known && isStaff(known, this.showId)) this.#enter(known);
      else {
        this.known = true;
        this.problem = t(status >= 400 && status < 500 && status !== 429 ? 'login.code-wrong' : 'login.error');
      }
    }
    this.busy = false;
  }

  /** @param {unknown} error */
  #trouble(error) {
    const status = error instanceof HttpError ? error.status : 0;
    this.known = true;
    this.problem = t(status === 401 || status === 403 ? 'login.wrong' : 'login.error');
  }

  async logOut() {
    this.#leave();
    this.you = null;
    await logOut().catch(() => {
      this.problem = t('login.error');
    });
  }

  /** In front of the page: nothing until we know, then the login. */
  gate() {
    if (!this.known && !this.problem) return html`<torg-header></torg-header><main><p role="status" class="visually-hidden">${t('loading')}</p></main>`;
    return html`<torg-header></torg-header><main><torg-login .problem=${this.problem} .busy=${this.busy}
      @torg-login-request=${(/** @type {CustomEvent} */ event) => this.logIn(event.detail.token)}></torg-login></main>`;
  }
}
