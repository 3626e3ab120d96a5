import { html, nothing } from 'lit';
import { t } from '../../lib/i18n.js';
import { maxBitrate } from '../../lib/whip.js';
import { icon } from '../../elements/icons.js';
import { clockTime } from '../../elements/torg-pinned-product.js';
import { styles } from '../../elements/torg-element.js';
import '../../elements/torg-badge.js';
import '../../elements/torg-camera-step.js';
import '../../elements/torg-chat.js';
import '../../elements/torg-equipment.js';
import '../../elements/torg-host-controls.js';
import '../../elements/torg-host-pins.js';
import '../../elements/torg-language.js';
import '../../elements/torg-player.js';
import '../../elements/torg-rundown.js';
import '../../elements/torg-sales.js';
import '../../elements/torg-sheet.js';
import '../../elements/torg-studio-settings.js';
import { megabits } from '../../elements/torg-uplink.js';
import '../../elements/torg-warnings.js';
import { StaffPage } from '../staff-page.js';
import { StudioStore } from './store.js';
import sheet from './torg-studio-page.shadow.css';

/** @typedef {'settings' | 'rundown' | 'end' | 'equipment' | null} Sheet */

/** The host's place: a whole studio in a phone, under one thumb. */
export class TorgStudioPage extends StaffPage {
  static styles = styles(sheet);
  static properties = { ...StaffPage.properties, sheet: { state: true }, wide: { state: true }, shape: { reflect: true }, largeChat: { state: true } };

  constructor() {
    super();
    /** @type {Sheet} */
    this.sheet = null;
    this.wide = false;
    /** of the own picture @type {'wide' | 'tall'} */
    this.shape = 'wide';
    this.largeChat = false;
    /** @type {StudioStore | null} */
    this.studio = null;
  }

  /** @param {AbortSignal} signal */
  attached(signal) {
    super.attached(signal);
    const media = matchMedia('(width >= 1000px)');
    this.wide = media.matches;
    media.addEventListener('change', () => { this.wide = media.matches; }, { signal });
  }

  makeStore() {
    const store = new StudioStore(this.showId);
    store.onLevel = (level) => this.#controls?.showLevel(level);
    this.studio = store;
    return store;
  }

  get #controls() {
    return /** @type {import('../../elements/torg-host-controls.js').TorgHostControls | null} */ (this.renderRoot.querySelector('torg-host-controls'));
  }

  render() {
    const { studio } = this;
    document.title = `${t('studio.title')} · ${studio?.model.show?.title ?? 'torg'}`;
    if (!this.you || !this.store || !studio) return this.gate();
    const { model } = studio;
    return html`<div class="studio" @torg-pin-request=${this.#pin} @torg-show-product-request=${this.#showProduct} @torg-price-request=${this.#price}
        @torg-stock-request=${this.#stock} @torg-hide-request=${this.#hide} @torg-mute-request=${this.#mute} @torg-chat-request=${this.#say}
        @torg-camera-request=${() => studio.openCamera()} @torg-choose-request=${(/** @type {CustomEvent} */ e) => studio.choose(e.detail)}
        @torg-mic-request=${() => studio.toggleMic()} @torg-camera-off-request=${() => studio.toggleCamera()} @torg-flip-request=${() => studio.flip()}
        @torg-torch-request=${() => studio.toggleTorch()} @torg-share-request=${() => studio.shareScreen()}
        @torg-settings-request=${() => this.#open('settings')} @torg-open-rundown-request=${() => this.#open('rundown')} @torg-close-request=${() => this.#open(null)}>
      ${this.#header(studio)}
      <main>
        ${this.#stage(studio)}
        <div class="notes">${this.#notes(studio)}</div>
        <div class="bottom">
          <div class=${this.largeChat ? 'chat large' : 'chat'}>
            <torg-chat .staff=${this.wide || this.largeChat} .messages=${model.chat} .you=${model.you} .muted=${studio.muted} .problem=${studio.chatProblem} .closed=${model.show?.state === 'ended'}>
              ${this.wide ? nothing : html`<button slot="before" class="icon-button size" type="button" aria-expanded=${this.largeChat} aria-label=${t(this.largeChat ? 'studio.chat.less' : 'studio.chat.more')}
                @click=${() => { this.largeChat = !this.largeChat; }}>${icon(this.largeChat ? 'down' : 'up')}</button>`}</torg-chat></div>
          <torg-host-pins .products=${model.products} .pinned=${model.pinned} .sold=${model.sold}></torg-host-pins>
          ${this.#actions(studio)}
          ${studio.camera === 'on' ? html`<torg-host-controls .micMuted=${studio.micMuted} .cameraOff=${studio.cameraOff} .sharing=${studio.sharing} .torch=${studio.torch} .torchable=${studio.torchable}
            .shareable=${studio.canShareScreen} .microphone=${studio.stream.getAudioTracks().length > 0}></torg-host-controls>` : nothing}
        </div>
        ${this.wide ? this.#side(studio) : nothing}
      </main>
      <p class=${studio.message ? `toast ${studio.message.bad ? 'bad' : 'good'}` : 'toast empty'} role="status">${studio.message?.text ?? ''}</p>
      ${this.#sheets(studio)}
    </div>`;
  }

  updated() {
    const video = /** @type {HTMLVideoElement | null} */ (this.renderRoot.querySelector('video.own'));
    if (video && this.studio && video.srcObject !== this.studio.stream) video.srcObject = this.studio.stream;
  }

  /** @param {StudioStore} studio */
  #header(studio) {
    const { model } = studio;
    const { show } = model;
    const live = show?.state === 'live';
    return html`<header>
      <a class="icon-button" href=${`/desk/${encodeURIComponent(this.showId)}`} aria-label=${t('desk.title')}>${icon('back')}</a>
      <div class="title"><h1>${show?.title ?? t('studio.title')}</h1>
        ${show ? html`<p class="facts"><torg-badge .state=${show.state}></torg-badge>
          ${live && studio.onAirSince ? html`<span class="numbers" role="timer"><span class="visually-hidden">${t('studio.onair', { time: '' })}</span>${clockTime(Math.max(0, (this.now - studio.onAirSince) / 1000))}</span>` : nothing}
          <span class="viewers numbers">${icon('eye')} <span class="visually-hidden">${t('viewers', { count: model.viewers })}</span><span aria-hidden="true">${t('number', { n: model.viewers })}</span></span></p>` : nothing}</div>
      <torg-language compact></torg-language>
      ${live ? html`<button class="button end" type="button" @click=${() => this.#open('end')}>${t('studio.end')}</button>` : nothing}
    </header>`;
  }

  /** Somebody else feeds the show: not this page. @param {StudioStore} studio */
  #other(studio) {
    const { source } = studio.model;
    return source && source.state !== 'off' && source.publisher && source.publisher !== studio.whip.publisher ? source : null;
  }

  /** @param {StudioStore} studio */
  #stage(studio) {
    if (studio.camera === 'on') {
      return html`<section class="stage" aria-label=${t('studio.picture')}>
        <video class=${studio.mirrored ? 'own mirrored' : 'own'} autoplay playsinline .muted=${true} aria-label=${t('studio.picture')} @resize=${this.#measure} @loadedmetadata=${this.#measure}></video>
        ${studio.cameraOff ? html`<p class="veil">${icon('cameraOff')} ${t('studio.picture.off')}</p>` : nothing}
        ${this.#count(studio)}</section>`;
    }
    const other = this.#other(studio);
    if (other?.state === 'on') return html`<section class="stage" aria-label=${t('studio.viewers-see')}>${this.#viewersSee(true)}</section>`;
    return html`<section class="stage center" aria-label=${t('studio.picture')}>
      <torg-camera-step .problem=${studio.cameraProblem ?? ''} .asking=${studio.camera === 'asking'}></torg-camera-step>
      <button class="button rig" type="button" @click=${() => this.#open('equipment')}>${t('studio.equipment')}</button></section>`;
  }

  /** @param {boolean} wanted */
  #viewersSee(wanted) {
    return html`<torg-player preview .src=${`/whep/${encodeURIComponent(this.showId)}`} .label=${t('studio.viewers-see')} .wanted=${wanted} .onFrame=${this.#frame}></torg-player>`;
  }

  #frame = (/** @type {number} */ rtp, /** @type {number} */ now) => this.store?.frame(rtp, now);

  /** @param {Event} event */
  #measure(event) {
    const { videoWidth, videoHeight } = /** @type {HTMLVideoElement} */ (event.target);
    if (videoWidth && videoHeight) this.shape = videoHeight > videoWidth ? 'tall' : 'wide';
  }

  /** @param {StudioStore} studio */
  #count(studio) {
    const { counting, starting } = studio;
    if (counting === 0 && !starting) return nothing;
    return html`<div class="count"><p role="status">${starting && counting === 0 ? html`<span class="spinner"></span> ${t('studio.starting')}`
      : html`<span class="visually-hidden">${t('studio.count', { n: counting })}</span><span class="digit" aria-hidden="true">${counting}</span>`}</p></div>`;
  }

  /** @param {StudioStore} studio */
  #notes(studio) {
    const { model, whip, connection } = studio;
    const other = this.#other(studio);
    const kind = t(`source.${other?.kind ?? 'rtmp'}`);
    const rig = studio.camera !== 'on' && other !== null && other.kind !== 'whip';
    return html`
      ${connection === 'refused' ? html`<p class="note bad" role="alert">${t('connection.refused')} <button class="button small" type="button" @click=${() => studio.channel.open()}>${t('try-again')}</button></p>` : nothing}
      ${studio.ready && connection !== 'open' && connection !== 'refused' ? html`<p class="note warn line" role="status"><span class="spinner"></span> ${t('connection.lost')}</p>` : nothing}
      ${whip.state === 'taken-over' ? html`<div class="note bad" role="alert"><strong>${t('studio.taken')}</strong><br>${t('studio.taken.hint')}
        <button class="button wide" type="button" @click=${() => studio.publish()}>${t('studio.taken.back')}</button></div>` : nothing}
      ${whip.state === 'failed' ? this.#failed(studio) : nothing}
      ${model.show?.state === 'rehearsal' ? html`<p class="note warn">${t('watch.rehearsal.staff')} <a href=${`/s/${encodeURIComponent(this.showId)}`} target="_blank" rel="noopener">${t('studio.rehearse.watch')}<span class="visually-hidden"> ${t('new-tab')}</span></a></p>` : nothing}
      ${other && !whip.active && whip.state !== 'taken-over' ? html`<p class="note">${t(other.state === 'stalled' ? 'source.stalled' : studio.camera === 'on' ? 'studio.takes-over' : 'source.on', { kind })}</p>` : nothing}
      ${model.notice ? html`<p class="note warn" role="alert">${model.notice}</p>` : nothing}
      <torg-warnings .warnings=${studio.warnings} .rig=${rig} .most=${this.wide ? 4 : 2}></torg-warnings>`;
  }

  /** @param {StudioStore} studio */
  #failed({ whip }) {
    const { status, message } = whip.problem;
    return html`<div class="note bad" role="alert"><strong>${t('studio.failed')}</strong><br>${status === 401 || status === 403 ? t('studio.failed.login') : message}
      <button class="button wide" type="button" @click=${() => this.studio?.publish()}>${t('try-again')}</button></div>`;
  }

  /** The big buttons: what comes next. @param {StudioStore} studio */
  #actions(studio) {
    const { whip, model } = studio;
    const state = model.show?.state;
    const words = html`<p class=${`sending ${whip.state}`} role="status">${['connecting', 'live', 'reconnecting'].includes(whip.state) ? t(`studio.sending.${whip.state}`) : ''}${whip.state === 'live' && studio.sender ? html`<span class="numbers" aria-hidden="true"> · ${t('uplink.now', { rate: megabits(studio.sender.videoBps) })}</span>` : nothing}</p>`;
    if (studio.counting > 0 || studio.starting) {
      return html`${words}<div class="actions"><button class="button wide" type="button" @click=${() => studio.cancelCountdown()}>${t('studio.count.stop')}</button></div>`;
    }
    if (studio.camera !== 'on') {
      return this.#other(studio)?.state === 'on' && !studio.cameraProblem ? html`<div class="actions"><button class="button wide" type="button" @click=${() => studio.openCamera()}>${t('camera.title')}</button></div>` : nothing;
    }
    if (!state) return words; // the channel has not said what there is
    const go = html`<button class="button buy wide" type="button" @click=${() => studio.goLive()}>${icon('play')} ${t('studio.go')}</button>`;
    const send = whip.active || whip.state === 'taken-over' || whip.state === 'failed' ? nothing
      : html`<button class="button buy wide" type="button" @click=${() => studio.publish()}>${icon('play')} ${t('studio.go.sending')}</button>`;
    if (state === 'live') return html`${words}${send === nothing ? nothing : html`<div class="actions">${send}</div>`}`;
    if (state === 'rehearsal') {
      return html`${words}<div class="actions"><button class="button wide" type="button" @click=${() => studio.endRehearsal()}>${t('studio.rehearse.end')}</button>${go}</div>`;
    }
    return html`${words}<div class="actions"><button class="button wide" type="button" title=${t('studio.rehearse.hint')} @click=${() => studio.rehearse()}>${t('studio.rehearse')}<span class="visually-hidden">. ${t('studio.rehearse.hint')}</span></button>${go}</div>`;
  }

  /** @param {StudioStore} studio */
  #side(studio) {
    return html`<aside aria-label=${t('studio.rundown')}>
      <section class="card" aria-labelledby="line"><h2 id="line">${t('uplink.title')}</h2><div class="pad">${this.#uplink(studio)}</div></section>
      <section class="card grow" aria-labelledby="rundown"><h2 id="rundown">${t('desk.rundown')}</h2>${this.#rundown(studio)}</section>
      <section class="card feed" aria-labelledby="sales"><h2 id="sales">${t('desk.sales')}</h2><torg-sales tabindex="0" role="group" aria-label=${t('desk.sales')} .sales=${studio.sales}></torg-sales></section>
    </aside>`;
  }

  /** @param {StudioStore} studio */
  #uplink(studio) {
    return html`<torg-uplink .points=${studio.history} .wanted=${maxBitrate(studio.choice.lines)}></torg-uplink>`;
  }

  /** @param {StudioStore} studio */
  #rundown({ model }) {
    return html`<torg-rundown .products=${model.products} .pinned=${model.pinned} .sold=${model.sold} .now=${this.now} .mayPrice=${this.#may('merchandiser')}></torg-rundown>`;
  }

  /** @param {StudioStore} studio */
  #sheets(studio) {
    const is = (/** @type {Sheet} */ name) => this.sheet === name;
    return html`
      <torg-sheet heading=${t('studio.more')} .open=${is('settings')}>${is('settings') ? this.#settings(studio) : nothing}</torg-sheet>
      <torg-sheet heading=${t('studio.equipment')} .open=${is('equipment')}>${is('equipment') ? html`<torg-equipment .show=${this.showId}></torg-equipment>` : nothing}</torg-sheet>
      <torg-sheet heading=${t('studio.rundown')} .open=${is('rundown')}>${is('rundown') ? html`<div class="flush">${this.#rundown(studio)}</div>
        <h3 class="over">${t('desk.sales')}</h3><torg-sales .sales=${studio.sales}></torg-sales>` : nothing}</torg-sheet>
      <torg-sheet heading=${t('studio.end.title')} .open=${is('end')}><div class="choices">
        <button class="button wide" type="button" @click=${() => this.#open(null)}>${t('desk.end.keep')}</button>
        ${studio.whip.active ? html`<button class="button wide" type="button" @click=${this.#pause}>${t('studio.end.pause')}</button><p class="muted">${t('studio.end.pause.hint')}</p>` : nothing}
        <button class="button wide danger" type="button" @click=${this.#end}>${t('studio.end.show')}</button></div></torg-sheet>`;
  }

  /** @param {StudioStore} studio */
  #settings(studio) {
    const other = this.#other(studio);
    return html`<div class="choices">
      ${this.#uplink(studio)}
      <torg-studio-settings .choice=${studio.choice} .devices=${studio.devices}></torg-studio-settings>
      <details><summary>${t('studio.viewers-see')}</summary><div class="small-picture">${this.#viewersSee(studio.camera === 'on' || other?.state !== 'on')}</div></details>
      <details><summary>${t('studio.equipment')}</summary><torg-equipment .show=${this.showId}></torg-equipment></details>
      <a class="button wide" href=${`/s/${encodeURIComponent(this.showId)}`} target="_blank" rel="noopener">${t('desk.watch')}<span class="visually-hidden"> ${t('new-tab')}</span></a>
      <button class="button wide" type="button" @click=${() => this.logOut()}>${t('login.out')}</button></div>`;
  }

  /** @param {Sheet} name */
  #open(name) {
    this.sheet = name;
  }

  /** @param {string} role */
  #may(role) {
    return Boolean(this.you?.roles.some((r) => r === role || r === 'admin'));
  }

  #pause() {
    this.sheet = null;
    this.studio?.stopSending();
  }

  async #end() {
    this.sheet = null;
    await this.studio?.endShow();
  }

  /** @param {CustomEvent} event */
  async #pin({ detail }) {
    await this.store?.act({ op: detail.pin ? 'pin' : 'unpin', sku: detail.sku });
  }

  /** The thumb's way: what is shown takes the place of what was. @param {CustomEvent} event */
  async #showProduct({ detail }) {
    const before = this.store?.model.pinned ?? [];
    if (!detail.on) {
      await this.store?.act({ op: 'unpin', sku: detail.sku });
      return;
    }
    if (!await this.store?.act({ op: 'pin', sku: detail.sku })) return;
    for (const sku of before) if (sku !== detail.sku) await this.store?.act({ op: 'unpin', sku });
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
customElements.define('torg-studio-page', TorgStudioPage);
