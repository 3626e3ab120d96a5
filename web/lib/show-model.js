/**
 * @file One show as a page knows it: a plain value and the function that takes an event in.
 * Pure. Which events wait for their frame is decided here; when, by the media clock.
 */

import { PLAIN, withItem, withPlace } from './selling.js';

/** @typedef {import('./wire.js').ServerEvent} ServerEvent */
/** @typedef {import('./wire.js').JoinedEvent} JoinedEvent */
/** @typedef {import('./wire.js').Product} Product */
/** @typedef {import('./wire.js').Variant} Variant */
/** @typedef {import('./wire.js').ChatMessage} ChatMessage */
/** @typedef {import('./wire.js').Order} Order */
/** @typedef {import('./wire.js').Cart} Cart */

/** @typedef {import('./wire.js').Selling} Selling */

/** @typedef {{ state: 'off' | 'on' | 'stalled', kind?: import('./wire.js').SourceKind, publisher: string }} Source */

/**
 * @typedef {object} ShowModel
 * @property {import('./wire.js').ShowInfo | null} show
 * @property {import('./wire.js').Person | null} you
 * @property {Product[]} products in rundown order
 * @property {string[]} pinned SKUs, the latest last
 * @property {ChatMessage[]} chat
 * @property {Cart} cart
 * @property {Record<string, Order>} orders by id
 * @property {Selling} selling
 * @property {Record<string, import('./wire.js').Waiting>} waiting places in line by SKU
 * @property {number} viewers
 * @property {Record<string, number>} sold units by SKU in this show
 * @property {Record<string, number>} reactions totals seen by kind
 * @property {string} announcement
 * @property {string} notice staff: trouble of the source in plain words
 * @property {Record<string, number>} mutedUntil staff: media ms by person
 * @property {Source | null} source staff: who feeds the show
 * @property {import('./wire.js').UplinkEvent | null} uplink staff: that one's line in the last second
 */

/** Chat lines a page keeps: several screens; older ones are history. */
const CHAT_KEPT = 250;

/** @returns {ShowModel} */
export function emptyModel() {
  return {
    show: null, you: null, products: [], pinned: [], chat: [], cart: { lines: [] }, orders: {}, viewers: 0,
    selling: PLAIN, waiting: {}, sold: {}, reactions: {}, announcement: '', notice: '', mutedUntil: {}, source: null, uplink: null,
  };
}

/**
 * Whether an event belongs to a frame. What is left in stock does not: the truth of this moment helps
 * a buyer more than the number of the moment in the picture.
 * @param {ServerEvent} event
 */
export function waitsForFrame(event) {
  switch (event.ev) {
    case 'pin': case 'unpin': case 'price': case 'announce': case 'show': return true;
    default: return false;
  }
}

/**
 * @param {readonly Product[]} products
 * @param {string} sku
 * @returns {{ product: Product, variant: Variant } | null}
 */
export function findSku(products, sku) {
  for (const product of products) {
    const variant = product.variants.find((v) => v.sku === sku);
    if (variant) return { product, variant };
  }
  return null;
}

/** @param {import('./wire.js').Stock} stock */
export function isSoldOut(stock) {
  return stock !== 'many' && stock <= 0;
}

/** A number to show as "only n left": known, small and true; null otherwise.
 * @param {import('./wire.js').Stock} stock
 */
export function scarce(stock) {
  return stock !== 'many' && stock > 0 && stock <= 10 ? stock : null;
}

/** Stock of a whole product: the sum while it is known, else "many".
 * @param {Product} product
 * @returns {import('./wire.js').Stock}
 */
export function productStock(product) {
  let sum = 0;
  for (const { stock } of product.variants) {
    if (stock === 'many') return 'many';
    sum += Math.max(0, stock);
  }
  return sum;
}

/**
 * The picture of a product; a blank one where the shop gave none.
 * @param {Product} product
 */
export function picture({ images, title }) {
  const first = images[0];
  return first ? { url: first.url, alt: first.alt || title } : { url: '/favicon.svg', alt: '' };
}

/**
 * "Blue · M" from a variant's options; a value of digits alone brings its name: "pack 2".
 * @param {Record<string, string> | undefined} options
 */
export function optionWords(options) {
  return Object.entries(options ?? {}).map(([name, value]) => /\p{L}/u.test(value) ? value : `${name} ${value}`).join(' · ');
}

/**
 * @param {ShowModel} model
 * @param {string} sku
 * @param {(variant: Variant) => Variant} change
 * @returns {ShowModel}
 */
function withVariant(model, sku, change) {
  if (!findSku(model.products, sku)) return model;
  const products = model.products.map((product) => product.variants.some((v) => v.sku === sku)
    ? { ...product, variants: product.variants.map((v) => v.sku === sku ? change(v) : v) }
    : product);
  return { ...model, products };
}

/**
 * @param {Variant} variant
 * @param {import('./wire.js').PriceEvent} event
 * @returns {Variant}
 */
function withPrice({ compare_at: _before, until: _until, lowest_30d: _lowest, left: _left, ...variant }, event) {
  const next = { ...variant, price: event.value };
  if (event.compare_at) Object.assign(next, { compare_at: event.compare_at });
  if (event.until) Object.assign(next, { until: event.until });
  if (event.lowest_30d) Object.assign(next, { lowest_30d: event.lowest_30d });
  if (event.left) Object.assign(next, { left: event.left });
  return next;
}

/**
 * @param {readonly ChatMessage[]} chat
 * @param {ChatMessage} message
 */
function withMessage(chat, message) {
  if (chat.some((m) => m.id === message.id)) return [...chat];
  const next = [...chat, message];
  const last = chat.at(-1);
  if (last && last.n > message.n) next.sort((a, b) => a.n - b.n);
  return next.slice(-CHAT_KEPT);
}

/**
 * @param {ShowModel} model
 * @param {JoinedEvent} joined
 * @returns {ShowModel}
 */
function fromJoined(model, joined) {
  let chat = model.chat;
  for (const message of joined.recent ?? []) chat = withMessage(chat, message);
  return {
    ...model,
    show: joined.show, you: joined.you, products: joined.products, pinned: joined.pinned ?? [], chat,
    cart: joined.cart ?? { lines: [] }, viewers: joined.viewers ?? 0, notice: joined.notice ?? '',
    selling: joined.selling ?? PLAIN, waiting: Object.fromEntries((joined.waiting ?? []).map((place) => [place.sku, place])),
    source: joined.show.on_air ? model.source : null, uplink: null,
  };
}

/**
 * @param {ShowModel} model
 * @param {import('./wire.js').SourceEvent} event
 * @returns {ShowModel}
 */
function withSource(model, event) {
  const state = event.state ?? (event.on_air ? 'on' : 'off');
  return {
    ...model,
    notice: event.notice ?? '',
    show: model.show && { ...model.show, on_air: event.on_air },
    source: { state, kind: event.kind ?? model.source?.kind, publisher: event.publisher ?? '' },
    uplink: state === 'on' ? model.uplink : null,
  };
}

/**
 * @param {ShowModel} model
 * @param {ServerEvent} event
 * @returns {ShowModel} a new value, or the same when nothing changed
 */
export function reduce(model, event) {
  switch (event.ev) {
    case 'joined': return fromJoined(model, event);
    case 'chat': return { ...model, chat: withMessage(model.chat, event) };
    case 'chat.hidden':
      return { ...model, chat: model.chat.map((m) => m.id === event.id ? { ...m, hidden: !event.undo } : m) };
    case 'pin':
      return { ...model, pinned: [...model.pinned.filter((s) => s !== event.sku), event.sku] };
    case 'unpin':
      return { ...model, pinned: model.pinned.filter((s) => s !== event.sku) };
    case 'show':
      return {
        ...model,
        show: model.show && { ...model.show, state: event.state ?? model.show.state, on_air: event.on_air ?? model.show.on_air },
      };
    case 'source': return withSource(model, event);
    case 'uplink':
      // The line of somebody on air: a page that joined late learns here who it is.
      return { ...model, uplink: event, source: model.source ?? { state: 'on', kind: event.kind, publisher: event.publisher } };
    case 'mute': return { ...model, mutedUntil: { ...model.mutedUntil, [event.person]: event.until_ms > event.at ? event.until_ms : 0 } };
    case 'announce': return { ...model, announcement: event.text };
    case 'price': return withVariant(model, event.sku, (v) => withPrice(v, event));
    case 'stock': return withVariant(model, event.sku, (v) => ({ ...v, stock: event.value }));
    case 'waiting': return { ...model, waiting: withPlace(model.waiting, event) };
    case 'selling': return { ...model, selling: event };
    case 'window': return { ...model, selling: withItem(model.selling, event) };
    case 'viewers': return { ...model, viewers: event.value };
    case 'sold': return { ...model, sold: { ...model.sold, [event.sku]: event.count } };
    case 'reactions': {
      const reactions = { ...model.reactions };
      for (const [kind, count] of Object.entries(event.value)) reactions[kind] = (reactions[kind] ?? 0) + count;
      return { ...model, reactions };
    }
    case 'cart': return { ...model, cart: event.cart ?? { lines: event.lines ?? [], total: event.total, tax: event.tax } };
    case 'order': return { ...model, orders: { ...model.orders, [event.order.id]: event.order } };
    default: return model;
  }
}
