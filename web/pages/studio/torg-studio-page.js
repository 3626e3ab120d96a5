import { html, nothing } from 'lit';
import { t } from '../../lib/i18n.js';
import { styles } from '../../elements/torg-element.js';
import '../../elements/torg-badge.js';
import '../../elements/torg-chat.js';
import '../../elements/torg-player.js';
import { StaffPage } from '../staff-page.js';
import sheet from './torg-studio-page.shadow.css';

const RTMP_PORT = 1935;

/** The host's place. Sending from the browser is not built yet, and the page says so. */
export class TorgStudioPage extends StaffPage {
  static styles = styles(sheet);
  static properties = { ...StaffPage.properties, copied: { state: true } };

  constructor() {
    super();
    this.copied = '';
  }

  render() {
    const { store } = this;
    document.title = `${t('studio.title')} · ${store?.model.show?.title ?? 'torg'}`;
    if (!this.you || !store) return this.gate();
    const { model } = store;
    return html`<torg-header><a class="button small" href=${`/desk/${encodeURIComponent(this.showId)}`}>${t('desk.title')}</a></torg-header>
      <main @torg-hide-request=${this.#hide} @torg-mute-request=${this.#mute} @torg-chat-request=${this.#say}>
        <div class="title"><h1>${model.show?.title ?? t('studio.title')}</h1>${model.show ? html`<torg-badge .state=${model.show.state}></torg-badge>
          <span class="muted numbers">${t('viewers', { count: model.viewers })}</span>` : nothing}</div>
        <section class="card picture" aria-label=${t('studio.preview')}><torg-player preview .src=${`/whep/${encodeURIComponent(this.showId)}`} .label=${t('studio.preview')}
          .wanted=${store.ready} .onFrame=${this.#frame}></torg-player></section>
        <div class="side">
          <section class="card pad">
            <p class="note"><strong>${t('studio.browser')}</strong><br>${t('studio.browser.hint')}</p>
            ${model.notice ? html`<p class="note warn" role="alert">${model.notice}</p>` : nothing}
            <h2>${t('studio.encoder')}</h2>
            <dl>${this.#setting('studio.server', `rtmp://${location.hostname}:${RTMP_PORT}/live`)}
              ${this.#setting('studio.key', `${this.showId}?key=${t('studio.key.placeholder')}`)}</dl>
            <p class="muted">${t('studio.key.hint')}</p>
            <ul><li>${t('studio.video')}</li><li>${t('studio.audio')}</li></ul>
            <p class="visually-hidden" role="status">${this.copied ? t('studio.copied') : ''}</p>
          </section>
          <div class="card chat"><torg-chat .staff=${true} .messages=${model.chat} .you=${model.you} .muted=${store.muted} .problem=${store.chatProblem}></torg-chat></div>
        </div>
      </main>`;
  }

  #frame = (/** @type {number} */ rtp, /** @type {number} */ now) => this.store?.frame(rtp, now);

  /**
   * @param {string} key
   * @param {string} value
   */
  #setting(key, value) {
    return html`<div><dt>${t(key)}</dt><dd><code>${value}</code>
      <button class="button small" type="button" @click=${() => this.#copy(value)} aria-label=${`${t('studio.copy')}: ${t(key)}`}>${t(this.copied === value ? 'studio.copied' : 'studio.copy')}</button></dd></div>`;
  }

  /** @param {string} value */
  async #copy(value) {
    await navigator.clipboard?.writeText(value).then(() => { this.copied = value; }, () => { this.copied = ''; });
  }

  /** @param {CustomEvent} event */
  async #hide({ detail }) {
    await this.store?.act(detail.undo ? { op: 'hide', message: detail.message, undo: true } : { op: 'hide', message: detail.message });
  }

  /** @param {CustomEvent} event */
  async #mute({ detail }) {
    await this.store?.mute(detail.person, detail.undo);
  }

  /** @param {CustomEvent} event */
  async #say({ detail }) {
    const chat = /** @type {import('../../elements/torg-chat.js').TorgChat} */ (this.renderRoot.querySelector('torg-chat'));
    if (await this.store?.chat(detail.text, detail.replyTo)) chat.sent();
  }
}
customElements.define('torg-studio-page', TorgStudioPage);
