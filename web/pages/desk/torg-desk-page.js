import { html, nothing } from 'lit';
import { region, t } from '../../lib/i18n.js';
import { formatMoney } from '../../lib/money.js';
import { icon } from '../../elements/icons.js';
import { styles } from '../../elements/torg-element.js';
import '../../elements/torg-badge.js';
import '../../elements/torg-chat.js';
import '../../elements/torg-copy.js';
import '../../elements/torg-language.js';
import '../../elements/torg-phone-link.js';
import '../../elements/torg-player.js';
import '../../elements/torg-rundown.js';
import '../../elements/torg-sales.js';
import '../../elements/torg-sheet.js';
import '../../elements/torg-show-rules.js';
import '../../elements/torg-warnings.js';
import { StaffPage } from '../staff-page.js';
import sheet from './torg-desk-page.shadow.css';

/** The merchandiser's desk. */
export class TorgDeskPage extends StaffPage {
  static styles = styles(sheet);
  static properties = { ...StaffPage.properties, ending: { state: true }, phoning: { state: true }, ruling: { state: true } };

  constructor() {
    super();
    this.ending = false;
    /** The way in for a phone is open. */
    this.phoning = false;
    /** How it sells is open. */
    this.ruling = false;
  }

  render() {
    const { store } = this;
    document.title = `${t('desk.title')} · ${store?.model.show?.title ?? 'torg'}`;
    if (!this.you || !store) return this.gate();
    const { model } = store;
    return html`<div class="page" @torg-pin-request=${this.#pin} @torg-price-request=${this.#price} @torg-stock-request=${this.#stock}
        @torg-number-request=${this.#number} @torg-window-request=${this.#window} @torg-sell-request=${this.#sell}
        @torg-hide-request=${this.#hide} @torg-mute-request=${this.#mute} @torg-chat-request=${this.#say}>
      ${this.#header()}
      ${this.#banner()}
      <main>
        <div class="left">
          <section class="card" aria-labelledby="preview"><h2 id="preview">${t('desk.preview')}</h2>
            <div class="picture"><torg-player preview .src=${`/whep/${encodeURIComponent(this.showId)}`} .label=${model.show?.title ?? ''}
              .wanted=${store.ready && model.show?.state !== 'ended'} .onFrame=${this.#frame}></torg-player></div>
            ${this.#source()}
            ${model.notice ? html`<p class="note warn" role="alert">${model.notice}</p>` : nothing}
            ${store.lineWarnings.length > 0 ? html`<p class="line">${t('desk.line.tell')}</p>` : nothing}
            <torg-warnings .warnings=${store.lineWarnings} .rig=${model.source?.kind !== 'whip'}></torg-warnings></section>
          <section class="card sales" aria-labelledby="sales"><h2 id="sales">${t('desk.sales')}</h2><torg-sales tabindex="0" role="group" aria-label=${t('desk.sales')} .sales=${store.sales}></torg-sales></section>
        </div>
        <section class="card rundown" aria-labelledby="rundown"><h2 id="rundown">${t('desk.rundown')}</h2>
          <torg-rundown .products=${model.products} .pinned=${model.pinned} .sold=${model.sold} .now=${this.now}
            .selling=${model.selling} .mediaMs=${store.mediaMs} .mayPrice=${this.#may('merchandiser')}></torg-rundown></section>
        <div class="card chat"><h2>${t('chat.title')}</h2>
          <torg-chat .staff=${true} .messages=${model.chat} .you=${model.you} .problem=${store.chatProblem} .muted=${store.muted} .closed=${model.show?.state === 'ended'}></torg-chat></div>
      </main>
      <p class=${store.message ? `toast ${store.message.bad ? 'bad' : 'good'}` : 'toast empty'} role="status">${store.message?.text ?? ''}</p>
      ${this.#endSheet()}
      ${this.#sellingSheets()}
      <torg-sheet heading=${t('phone.open')} .open=${this.phoning} @torg-close-request=${() => { this.phoning = false; }}>
        ${this.phoning ? html`<torg-phone-link .code=${store.phoneCode} .problem=${store.phoneProblem} .now=${this.now} @torg-code-request=${() => store.makePhoneCode()}></torg-phone-link>` : nothing}</torg-sheet>
    </div>`;
  }

  #frame = (/** @type {number} */ rtp, /** @type {number} */ now) => this.store?.frame(rtp, now);

  /** @param {string} role */
  #may(role) {
    return Boolean(this.you?.roles.some((r) => r === role || r === 'admin'));
  }

  /** Who is on air, by what way, and how the line is. */
  #source() {
    const { show, source, uplink } = this.store?.model ?? {};
    const kind = source?.kind ? t(`source.${source.kind}`) : '';
    const words = source?.state === 'stalled' && kind ? t('source.stalled', { kind })
      : show?.on_air ? (kind ? t('source.on', { kind }) : t('desk.on-air')) : t('desk.off-air');
    return html`<p class=${show?.on_air ? 'air good' : 'air'} role="status">${words}</p>
      ${show?.state === 'rehearsal' ? html`<p class="note warn">${t('desk.rehearsal')}</p>` : nothing}
      ${uplink && show?.on_air ? html`<p class="line muted numbers">${t('desk.line')}: ${lineFacts(uplink)}</p>` : nothing}`;
  }

  async #phone() {
    this.phoning = true;
    await this.store?.makePhoneCode();
  }

  #header() {
    const { store } = this;
    if (!store) return nothing;
    const { show, viewers } = store.model;
    const { report } = store;
    return html`<header>
      <a class="home" href="/" aria-label=${t('shows.all')}><img src="/favicon.svg" alt="" width="34" height="34"></a>
      <div class="title"><h1>${show?.title ?? ''}</h1>${show ? html`<torg-badge .state=${show.state}></torg-badge>` : nothing}</div>
      <dl class="figures">
        ${figure('desk.viewers', viewers)}
        ${report ? html`${figure('desk.orders', report.orders)}${figure('desk.sold', report.units)}` : nothing}
        ${report?.paid ? html`<div><dt>${t('desk.paid')}</dt><dd class="numbers">${formatMoney(report.paid, region())}</dd></div>` : nothing}
      </dl>
      <span class="run">${this.#runButton(show?.state)}</span>
      <nav>
        <button class="button small" type="button" @click=${this.#rules}>${t('desk.rules')}</button>
        <button class="button small" type="button" @click=${this.#phone}>${icon('phone')} ${t('phone.open')}</button>
        <a class="button small" href=${`/s/${encodeURIComponent(this.showId)}`} target="_blank" rel="noopener">${t('desk.watch')}<span class="visually-hidden"> ${t('new-tab')}</span></a>
        <a class="button small" href=${`/studio/${encodeURIComponent(this.showId)}`}>${t('desk.studio')}</a>
        <torg-language compact></torg-language>
        <button class="button small" type="button" @click=${() => this.logOut()}>${t('login.out')}</button>
      </nav>
    </header>`;
  }

  /** @param {import('../../lib/wire.js').ShowState | undefined} state */
  #runButton(state) {
    if (!this.#may('merchandiser') && !this.#may('host')) return nothing;
    if (state === 'live') return html`<button class="button" type="button" @click=${() => { this.ending = true; }}>${t('desk.end')}</button>`;
    if (state === undefined) return nothing;
    return html`<button class="button buy" type="button" @click=${() => this.store?.act({ op: 'show.start' })}>${icon('play')} ${t('desk.start')}</button>`;
  }

  #banner() {
    const state = this.store?.connection;
    if (state === 'refused') {
      return html`<p class="banner note bad" role="alert">${t('connection.refused')} <button class="button small" type="button" @click=${() => this.store?.channel.open()}>${t('try-again')}</button></p>`;
    }
    if (state === 'open' || !this.store?.ready) return nothing;
    return html`<p class="banner note warn" role="status"><span class="spinner"></span> ${t('connection.lost')}</p>`;
  }

  #endSheet() {
    const keep = () => { this.ending = false; };
    return html`<torg-sheet heading=${t('desk.end.sure')} .open=${this.ending} @torg-close-request=${keep}>
      <div class="sure"><button class="button buy wide" type="button" @click=${this.#end}>${t('desk.end')}</button>
        <button class="button wide" type="button" @click=${keep}>${t('desk.end.keep')}</button></div></torg-sheet>`;
  }

  /** The show's rules; and the link of a sale for somebody. */
  #sellingSheets() {
    const { store } = this;
    const sold = store?.sold;
    const url = sold?.order.pay_url ? new URL(sold.order.pay_url, location.href).href : '';
    return html`<torg-sheet heading=${t('desk.rules')} .open=${this.ruling} @torg-close-request=${() => { this.ruling = false; }}>
        ${this.ruling ? html`<torg-show-rules .rules=${store?.rules ?? null} .problem=${store?.rulesProblem ?? ''} @torg-rules-request=${this.#saveRules}></torg-show-rules>` : nothing}</torg-sheet>
      <torg-sheet heading=${sold ? t('desk.sell.done', { number: String(sold.order.number), name: sold.name }) : ''} .open=${Boolean(sold)} @torg-close-request=${this.#soldSeen}>
        ${sold ? html`<div class="sure"><p class="numbers">${formatMoney(sold.order.total, region())}</p>
          ${url ? html`<torg-copy field .value=${url} .label=${t('desk.sell.link')}></torg-copy><p class="muted">${t('desk.sell.hint')}</p>` : nothing}
          <button class="button wide" type="button" @click=${this.#soldSeen}>${t('close')}</button></div>` : nothing}</torg-sheet>`;
  }

  #soldSeen() {
    const { store } = this;
    if (!store) return;
    store.sold = null;
    store.changed();
  }

  async #rules() {
    this.ruling = true;
    await this.store?.loadRules();
  }

  /** @param {CustomEvent} event */
  async #saveRules({ detail }) {
    if (await this.store?.saveRules(detail.rules)) this.ruling = false;
  }

  /** @param {CustomEvent} event */
  async #number({ detail }) {
    await this.store?.number(detail.sku, detail.number);
  }

  /** @param {CustomEvent} event */
  async #window({ detail }) {
    await this.store?.window(detail.sku, detail.open, detail.seconds);
  }

  /** @param {CustomEvent} event */
  async #sell({ detail }) {
    await this.store?.sell(detail.sku, detail.qty, detail.name);
  }

  async #end() {
    this.ending = false;
    await this.store?.act({ op: 'show.end' });
  }

  /** @param {CustomEvent} event */
  async #pin({ detail }) {
    await this.store?.act({ op: detail.pin ? 'pin' : 'unpin', sku: detail.sku });
  }

  /** @param {CustomEvent} event */
  async #price({ detail }) {
    await this.store?.price(detail.sku, detail.amount, detail.minutes);
  }

  /** @param {CustomEvent} event */
  async #stock({ detail }) {
    await this.store?.act({ op: 'stock', ...detail });
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
customElements.define('torg-desk-page', TorgDeskPage);

/**
 * @param {string} key
 * @param {number} value
 */
function figure(key, value) {
  return html`<div><dt>${t(key)}</dt><dd class="numbers">${t('number', { n: value })}</dd></div>`;
}

/** "1280 × 720 · 2.4 Mbit/s · 30 fps" @param {import('../../lib/wire.js').UplinkEvent} uplink */
function lineFacts({ width, height, video_bps: bps, frames }) {
  const rate = new Intl.NumberFormat(region(), { minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(bps / 1e6);
  return [width ? `${width} × ${height}` : '', `${rate} Mbit/s`, `${frames} fps`].filter(Boolean).join(' · ');
}
