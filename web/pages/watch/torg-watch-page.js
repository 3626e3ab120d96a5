import { html, nothing } from 'lit';
import { region, t } from '../../lib/i18n.js';
import { identity } from '../../lib/identity.js';
import { findSku, isSoldOut } from '../../lib/show-model.js';
import { icon } from '../../elements/icons.js';
import { TorgElement, styles } from '../../elements/torg-element.js';
import '../../elements/torg-badge.js';
import '../../elements/torg-cart.js';
import '../../elements/torg-chat.js';
import '../../elements/torg-language.js';
import '../../elements/torg-orders.js';
import '../../elements/torg-pinned-product.js';
import '../../elements/torg-player.js';
import '../../elements/torg-product-detail.js';
import '../../elements/torg-product-list.js';
import '../../elements/torg-purchase.js';
import '../../elements/torg-reactions.js';
import '../../elements/torg-sheet.js';
import '../../elements/torg-turns.js';
import { itemOf, windowAt } from '../../lib/selling.js';
import { lastPathPart } from '../start.js';
import { WatchStore } from './store.js';
import sheet from './torg-watch-page.shadow.css';

/** @typedef {'products' | 'product' | 'cart' | 'orders' | 'name' | null} Sheet */

const staffRoles = ['advisor', 'moderator', 'host', 'merchandiser', 'admin'];

/** A connection that comes back within this time is not worth a banner. */
const BANNER_AFTER_MS = 1500;

/** Watch and buy. */
export class TorgWatchPage extends TorgElement {
  static styles = styles(sheet);
  static properties = { sheet: { state: true }, productId: { state: true }, chosen: { state: true }, now: { state: true }, shape: { reflect: true }, wide: { state: true } };

  constructor() {
    super();
    this.store = new WatchStore(lastPathPart());
    /** @type {Sheet} */
    this.sheet = null;
    this.productId = '';
    /** @type {Record<string, string>} chosen variant by product */
    this.chosen = {};
    this.now = Date.now();
    this.shape = 'wide';
    this.wide = false;
    this.lostAt = 0;
  }

  /** @param {AbortSignal} signal */
  attached(signal) {
    const { store } = this;
    store.addEventListener('change', () => this.#changed(), { signal });
    store.addEventListener('event', (event) => this.#event(/** @type {CustomEvent} */ (event).detail), { signal });
    const media = matchMedia('(width >= 1000px)');
    this.wide = media.matches;
    media.addEventListener('change', () => { this.wide = media.matches; }, { signal });
    const ticker = setInterval(() => { this.now = Date.now(); }, 1000);
    signal.addEventListener('abort', () => {
      clearInterval(ticker);
      store.close();
    });
    store.open();
  }

  #changed() {
    const { store } = this;
    if (store.connection === 'open') this.lostAt = 0;
    else this.lostAt ||= Date.now();
    document.title = store.model.show ? `${store.model.show.title} · torg` : 'torg';
    this.requestUpdate();
  }

  /** @param {import('../../lib/wire.js').ServerEvent} event */
  #event(event) {
    if (event.ev === 'reactions') {
      for (const [kind, count] of Object.entries(event.value)) this.#burst(/** @type {any} */ (kind), count);
    }
    // A new pin shows the variant that the host shows.
    if (event.ev === 'pin') {
      const found = findSku(this.store.model.products, event.sku);
      if (found) this.chosen = { ...this.chosen, [found.product.id]: event.sku };
    }
  }

  /**
   * @param {import('../../lib/wire.js').ReactionKind} kind
   * @param {number} count
   */
  #burst(kind, count) {
    const layer = /** @type {import('../../elements/torg-reactions.js').TorgReactionLayer | null} */ (this.renderRoot.querySelector('torg-reaction-layer'));
    layer?.burst(kind, count);
  }

  render() {
    const { model, missing } = this.store;
    if (missing) return this.#notFound();
    const ended = model.show?.state === 'ended';
    return html`
      <div class="page" @torg-buy-request=${this.#buy} @torg-open-product-request=${this.#openProduct} @torg-variant-request=${this.#variant}
        @torg-cart-request=${this.#addToCart} @torg-wait-request=${this.#wait} @torg-close-request=${this.#close}>
        ${this.#header()}
        <main>
          <h1 class="visually-hidden">${model.show?.title ?? 'torg'}</h1>
          <section class="stage" aria-label=${t('watch.picture')}>
            <torg-player .src=${`/whep/${encodeURIComponent(this.store.showId)}`} .label=${model.show?.title ?? ''} poster="/images/poster.svg"
              .wanted=${this.#wanted} .quiet=${this.#away} .onFrame=${this.#frame} @torg-player-state=${this.#shape} @torg-first-frame=${this.#shape}></torg-player>
            ${this.#curtain()}
            ${this.#backSoon()}
            <torg-reaction-layer></torg-reaction-layer>
          </section>
          <aside class="side">
            ${this.#banner()}
            <torg-turns .waiting=${model.waiting} .products=${model.products} .now=${this.now} .busy=${this.store.purchase?.state === 'sending'}
              @torg-turn-seen-request=${this.#turnSeen}></torg-turns>
            ${this.#pinned(ended)}
            ${this.#chat(ended)}
          </aside>
          ${this.wide ? html`<section class="shelf" aria-labelledby="shelf"><h2 id="shelf">${t('products.title')}</h2>
            <torg-product-list .products=${model.products} .pinned=${model.pinned}></torg-product-list></section>` : nothing}
        </main>
        ${this.#sheets(ended)}
      </div>`;
  }

  #frame = (/** @type {number} */ rtp, /** @type {number} */ now) => this.store.frame(rtp, now);

  /** @param {Event} event */
  #shape(event) {
    this.shape = /** @type {import('../../elements/torg-player.js').TorgPlayer} */ (event.target).shape;
  }

  #header() {
    const { model, orders } = this.store;
    const open = orders.filter((o) => o.state === 'awaiting_payment').length;
    const units = model.cart.lines.reduce((sum, line) => sum + line.qty, 0);
    return html`<header>
      <a class="icon-button home" href="/" aria-label=${t('shows.all')}>${this.wide ? html`<img src="/favicon.svg" alt="" width="34" height="34">` : icon('back')}</a>
      <div class="title"><p class="name">${model.show?.title ?? ''}</p>
        ${model.show ? html`<p class="facts"><torg-badge .state=${model.show.state === 'rehearsal' && !this.#rehearsing ? 'scheduled' : model.show.state}></torg-badge>
          <span class="viewers numbers">${icon('eye')} <span class="visually-hidden">${t('viewers', { count: model.viewers })}</span><span aria-hidden="true">${t('number', { n: model.viewers })}</span></span></p>` : nothing}
      </div>
      <torg-language compact></torg-language>
      <button class="icon-button" type="button" aria-label=${t('orders.open', { count: orders.length })} data-count=${open || nothing} @click=${() => this.#open('orders')}>${icon('receipt')}</button>
      <button class="icon-button" type="button" aria-label=${t('cart.open', { count: units })} data-count=${units || nothing} @click=${() => this.#open('cart')}>${icon('cart')}</button>
    </header>`;
  }

  /** Staff see a rehearsal; to everybody else the show has not begun. */
  get #rehearsing() {
    const { show, you } = this.store.model;
    return show?.state === 'rehearsal' && Boolean(you?.roles?.some((role) => staffRoles.includes(role)));
  }

  get #wanted() {
    return this.store.ready && (this.store.model.show?.state === 'live' || this.#rehearsing);
  }

  /** The show goes on while its host's line is away. */
  get #away() {
    const { show } = this.store.model;
    return show?.on_air === false && (show.state === 'live' || this.#rehearsing);
  }

  /** Small, above: the picture says it, too, and the shop stays open. */
  #backSoon() {
    const { show } = this.store.model;
    const words = this.#away ? t('watch.back-soon') : this.#rehearsing ? t('watch.rehearsal.staff') : '';
    if (!show || (show.state !== 'live' && !this.#rehearsing)) return nothing;
    return html`<p class=${words ? 'soon' : 'visually-hidden'} role="status">${words}${this.#away ? html` <span class="visually-hidden">${t('watch.back-soon.hint')}</span>` : nothing}</p>`;
  }

  /** Before and after the show the picture is a poster with words. */
  #curtain() {
    const { show } = this.store.model;
    if (!show || show.state === 'live' || this.#rehearsing) return nothing;
    const starts = show.starts_at ? new Intl.DateTimeFormat(region(), { dateStyle: 'full', timeStyle: 'short' }).format(new Date(show.starts_at)) : '';
    return html`<div class="curtain" role="status"><p class="lead">${t(`watch.${show.state}`)}</p>
      ${show.state !== 'ended' ? html`<p>${starts ? t('watch.starts', { when: starts }) : t('watch.soon')}</p>` : html`<p>${t('watch.thanks')}</p>`}</div>`;
  }

  #banner() {
    const { connection } = this.store;
    if (connection === 'refused') {
      return html`<p class="banner note bad" role="alert">${t('connection.refused')} <button class="button small" type="button" @click=${() => this.store.channel.open()}>${t('try-again')}</button></p>`;
    }
    const since = this.now - this.lostAt;
    if (connection === 'open' || !this.lostAt || since < BANNER_AFTER_MS) return html`<p role="status" class="visually-hidden"></p>`;
    return html`<p class="banner note warn" role="status"><span class="spinner"></span> <span>${t(this.store.ready ? 'connection.lost' : 'connection.opening')}</span></p>`;
  }

  /** @param {boolean} ended */
  #pinned(ended) {
    const { model, purchase } = this.store;
    const sku = model.pinned.at(-1);
    const found = sku ? findSku(model.products, sku) : null;
    const chosen = found ? this.#chosenSku(found.product, found.variant.sku) : '';
    return html`<section class="pinned" aria-label=${t('products.on-air')}>
      ${found ? html`<torg-pinned-product .product=${found.product} .sku=${chosen} .now=${this.now}
        .busy=${purchase?.state === 'sending'} .closed=${ended} .window=${this.#window(chosen)} .number=${itemOf(model.selling, chosen)?.number ?? 0}
        .mayWait=${model.selling.waiting} .place=${model.waiting[chosen]}></torg-pinned-product>` : nothing}
      ${model.pinned.length > 1 ? html`<button class="button small more" type="button" @click=${() => this.#open('products')}>${t('products.more-on-air', { count: model.pinned.length - 1 })}</button>` : nothing}
      <p class="visually-hidden" aria-live="polite">${found ? t('products.announce', { title: found.product.title }) : ''}</p>
    </section>`;
  }

  /**
   * What the person chose; else the given variant, or another one while that is sold out.
   * @param {import('../../lib/wire.js').Product} product
   * @param {string} preferred
   */
  #chosenSku(product, preferred) {
    const chosen = this.chosen[product.id];
    if (chosen && product.variants.some((v) => v.sku === chosen)) return chosen;
    const pinned = product.variants.find((v) => this.store.model.pinned.includes(v.sku))?.sku ?? '';
    return preferred || pinned || (product.variants.find((v) => !isSoldOut(v.stock)) ?? product.variants[0])?.sku || '';
  }

  /** @param {string} sku */
  #window(sku) {
    return windowAt(itemOf(this.store.model.selling, sku), this.store.mediaMs);
  }

  /** @param {boolean} ended */
  #chat(ended) {
    const { store } = this;
    const hearts = Object.values(store.model.reactions).reduce((sum, n) => sum + n, 0);
    return html`<torg-chat .messages=${store.model.chat} .you=${store.model.you} .problem=${store.chatProblem} .sending=${store.chatSending} .closed=${ended}
        @torg-chat-request=${this.#say} @torg-name-request=${() => this.#open('name')}>
      ${this.wide ? nothing : html`<button slot="before" class="icon-button bag" type="button" data-count=${store.model.products.length} aria-label=${t('products.open', { count: store.model.products.length })} @click=${() => this.#open('products')}>${icon('bag')}</button>`}
      <torg-reactions slot="after" .total=${hearts} @torg-react-request=${this.#react}></torg-reactions>
    </torg-chat>`;
  }

  /** @param {boolean} ended */
  #sheets(ended) {
    const { store } = this;
    const { model } = store;
    const product = model.products.find((p) => p.id === this.productId) ?? null;
    const busy = store.purchase?.state === 'sending';
    const front = store.purchase !== null;
    const is = (/** @type {Sheet} */ name) => !front && this.sheet === name;
    return html`
      <torg-sheet heading=${t('products.title')} .open=${is('products')}><torg-product-list .products=${model.products} .pinned=${model.pinned}></torg-product-list></torg-sheet>
      <torg-sheet heading=${product?.title ?? ''} .open=${is('product') && product !== null}>
        ${product ? html`<torg-product-detail .product=${product} .sku=${this.#chosenSku(product, '')} .busy=${busy} .closed=${ended}
          .window=${this.#window(this.#chosenSku(product, ''))} .mayWait=${model.selling.waiting} .place=${model.waiting[this.#chosenSku(product, '')]}></torg-product-detail>` : nothing}</torg-sheet>
      <torg-sheet heading=${t('cart.title')} .open=${is('cart')}><torg-cart .cart=${store.cart} .products=${model.products} .busy=${busy} .problem=${store.cartProblem} .code=${store.code && (store.cart.codes?.join(', ') || store.code)} .codeProblem=${store.codeProblem}
        @torg-cart-set-request=${this.#cartSet} @torg-code-request=${this.#code} @torg-checkout-request=${this.#checkout}></torg-cart></torg-sheet>
      <torg-sheet heading=${t('orders.title')} .open=${is('orders')}><torg-orders .orders=${store.orders} .products=${model.products} .now=${this.now}></torg-orders>
        <p class="account"><a href="/account">${t('account.title')}</a></p></torg-sheet>
      <torg-sheet heading=${t('chat.name')} .open=${is('name')}>${this.#nameForm()}</torg-sheet>
      <torg-sheet heading=${t('buy.title')} .open=${front}><torg-purchase .purchase=${store.purchase} .products=${model.products} .cart=${store.cart} .offline=${store.connection !== 'open'} .now=${this.now}
        .mayWait=${model.selling.waiting} .waiting=${model.waiting} .waitProblem=${store.waitProblem}
        @torg-buy-again-request=${this.#again} @torg-show-products-request=${this.#otherProducts}></torg-purchase></torg-sheet>`;
  }

  #nameForm() {
    return html`<form class="name-form" @submit=${this.#named}><label>${t('chat.name.ask')}
      <input class="field" name="name" maxlength="40" autocomplete="nickname" required .value=${identity.name()}></label>
      <button class="button primary wide" type="submit">${t('chat.name.save')}</button></form>`;
  }

  #notFound() {
    return html`<main class="missing"><img src="/favicon.svg" alt="" width="56" height="56"><h1>${t('watch.missing')}</h1><p class="muted">${t('watch.missing.hint')}</p>
      <a class="button primary" href="/">${t('shows.all')}</a></main>`;
  }

  /* --- requests from below ----------------------------------------------------------------------- */

  /** @param {Sheet} name */
  #open(name) {
    this.sheet = name;
    if (name === 'cart') void this.store.priceCart();
  }

  /** Behind a purchase that did not come about is what it was asked from. */
  #close() {
    const { purchase } = this.store;
    if (!purchase || purchase.order) this.sheet = null;
    if (purchase) this.store.dismissPurchase();
  }

  /** @param {CustomEvent} event */
  #buy({ detail }) {
    this.sheet = null;
    this.store.buy(detail.sku, detail.qty);
  }

  /** @param {CustomEvent} event */
  #again({ detail }) {
    this.store.buyAgain(detail.purchase, detail.backOrder);
  }

  /** @param {CustomEvent} event */
  async #wait({ detail }) {
    await this.store.wait(detail.sku, detail.qty, detail.leave);
  }

  /** @param {CustomEvent} event */
  #turnSeen({ detail }) {
    this.store.forgetTurn(detail.sku);
  }

  #otherProducts() {
    this.store.dismissPurchase();
    this.sheet = 'products';
  }

  /** @param {CustomEvent} event */
  #openProduct({ detail }) {
    this.productId = detail.id;
    this.sheet = 'product';
  }

  /** @param {CustomEvent} event */
  #variant({ detail }) {
    const found = findSku(this.store.model.products, detail.sku);
    if (found) this.chosen = { ...this.chosen, [found.product.id]: detail.sku };
  }

  /** @param {CustomEvent} event */
  async #addToCart({ detail }) {
    this.sheet = 'cart';
    await this.store.addToCart(detail.sku);
  }

  /** @param {CustomEvent<{ code: string }>} event */
  async #code({ detail }) {
    await this.store.priceCart(detail.code);
  }

  /** @param {CustomEvent<{ code: string }>} event */
  async #checkout({ detail }) {
    await this.store.orderCart(detail.code);
  }

  /** @param {CustomEvent} event */
  async #cartSet({ detail }) {
    await this.store.cartSet(detail.sku, detail.qty);
  }

  /** @param {CustomEvent} event */
  #react({ detail }) {
    this.store.react(detail.kind);
  }

  /** @param {CustomEvent} event */
  async #say({ detail }) {
    const chat = /** @type {import('../../elements/torg-chat.js').TorgChat} */ (this.renderRoot.querySelector('torg-chat'));
    if (await this.store.chat(detail.text, detail.replyTo)) chat.sent();
  }

  /** @param {SubmitEvent} event */
  #named(event) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    identity.keepName(String(new FormData(form).get('name')));
    this.sheet = null;
    this.store.channel.rejoin(); // the name travels with `join`
  }
}
customElements.define('torg-watch-page', TorgWatchPage);
