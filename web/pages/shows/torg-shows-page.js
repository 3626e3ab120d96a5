import { html, nothing } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { Backoff } from '../../lib/backoff.js';
import { getJson } from '../../lib/http.js';
import { region, t } from '../../lib/i18n.js';
import { icon } from '../../elements/icons.js';
import { TorgElement, styles } from '../../elements/torg-element.js';
import '../../elements/torg-badge.js';
import '../../elements/torg-header.js';
import sheet from './torg-shows-page.shadow.css';

/** @typedef {import('../../lib/wire.js').ShowListEntry} Show */

const REFRESH_MS = 15000;
const rank = { live: 0, rehearsal: 1, scheduled: 1, ended: 2 };

/** What is on. */
export class TorgShowsPage extends TorgElement {
  static styles = styles(sheet);
  static properties = { shows: { state: true }, failed: { state: true } };

  #backoff = new Backoff({ firstMs: 1000, maxMs: 30000 });
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  constructor() {
    super();
    /** @type {Show[] | null} null = not loaded yet */
    this.shows = null;
    this.failed = false;
  }

  /** @param {AbortSignal} signal */
  attached(signal) {
    signal.addEventListener('abort', () => clearTimeout(this.#timer));
    document.addEventListener('visibilitychange', () => !document.hidden && this.#load(), { signal });
    this.#load();
  }

  #load() {
    clearTimeout(this.#timer);
    getJson('/api/v1/shows').then((body) => {
      this.shows = Array.isArray(body?.shows) ? body.shows : [];
      this.failed = false;
      this.#backoff.reset();
      this.#timer = setTimeout(() => !document.hidden && this.#load(), REFRESH_MS);
    }).catch(() => {
      this.failed = true;
      this.#timer = setTimeout(() => this.#load(), this.#backoff.next());
    });
  }

  render() {
    document.title = `${t('shows.title')} · torg`;
    return html`<torg-header></torg-header>
      <main>
        <div class="intro"><h1>${t('shows.title')}</h1><p class="muted">${t('shows.lead')}</p></div>
        ${this.failed ? html`<p class="note bad" role="alert">${t('shows.error')} <button class="button small" type="button" @click=${() => this.#load()}>${t('try-again')}</button></p>` : nothing}
        ${this.#list()}
      </main>`;
  }

  #list() {
    if (this.shows === null) return this.failed ? nothing : html`<p class="loading" role="status"><span class="spinner"></span> ${t('loading')}</p>`;
    if (this.shows.length === 0) {
      return html`<div class="empty"><img src="/favicon.svg" alt="" width="64" height="64"><h2>${t('shows.empty')}</h2><p class="muted">${t('shows.empty.hint')}</p></div>`;
    }
    const sorted = [...this.shows].sort((a, b) => rank[a.state] - rank[b.state]);
    return html`<ul>${repeat(sorted, (s) => s.id, (s) => this.#card(s))}</ul>`;
  }

  /** @param {Show} show */
  #card(show) {
    const starts = show.state === 'scheduled' && show.starts_at
      ? t('shows.starts', { when: new Intl.DateTimeFormat(region(), { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(show.starts_at)) }) : '';
    return html`<li class=${show.state}><article>
      <div class="poster"><img src="/images/poster.svg" alt="" width="640" height="360">
        <span class="marks"><torg-badge .state=${show.state}></torg-badge>
          ${show.state === 'live' ? html`<span class="viewers numbers">${icon('eye')} ${t('viewers', { count: show.viewers ?? 0 })}</span>` : nothing}</span></div>
      <div class="words"><h2><a href=${`/s/${encodeURIComponent(show.id)}`}>${show.title}</a></h2>
        ${starts ? html`<p class="muted">${starts}</p>` : nothing}
        ${show.state === 'live' ? html`<span class="button buy" aria-hidden="true">${icon('play')} ${t('shows.watch')}</span>` : nothing}</div>
    </article></li>`;
  }
}
customElements.define('torg-shows-page', TorgShowsPage);
