/**
 * @file How a show sells: purchase windows on its media clock, short numbers, the waiting list. Pure.
 */

/** @typedef {import('./wire.js').Selling} Selling */
/** @typedef {import('./wire.js').SellingItem} SellingItem */
/** @typedef {import('./wire.js').Waiting} Waiting */
/** @typedef {{ state: 'open' | 'early' | 'late', left: number | null }} Window left: seconds to its next change */

/** What a show does that says nothing of its own. @type {Selling} */
export const PLAIN = { waiting: false, comments: false, comment_bare: false, comment_word: '', items: [] };

/**
 * @param {Selling} selling
 * @param {string} sku
 * @returns {SellingItem | undefined}
 */
export function itemOf(selling, sku) {
  return selling.items.find((item) => item.sku === sku);
}

/**
 * Where the purchase window of a SKU stands when this frame is on screen.
 * @param {SellingItem | undefined} item
 * @param {number | null} mediaMs null = not known: then it is the server that says no
 * @returns {Window}
 */
export function windowAt(item, mediaMs) {
  if (!item || mediaMs === null) return { state: 'open', left: null };
  const seconds = (/** @type {number} */ until) => Math.ceil((until - mediaMs) / 1000);
  if (item.from !== null && mediaMs < item.from) return { state: 'early', left: seconds(item.from) };
  if (item.until !== null && mediaMs >= item.until) return { state: 'late', left: null };
  return { state: 'open', left: item.until === null ? null : seconds(item.until) };
}

/**
 * @param {Selling} selling
 * @param {SellingItem} changed
 * @returns {Selling}
 */
export function withItem(selling, { sku, number, from, until }) {
  const others = selling.items.filter((item) => item.sku !== sku);
  const plain = number === null && from === null && until === null;
  return { ...selling, items: plain ? others : [...others, { sku, number, from, until }] };
}

/**
 * @param {Record<string, Waiting>} waiting
 * @param {string} sku
 * @returns {Record<string, Waiting>}
 */
export function withoutPlace(waiting, sku) {
  return Object.fromEntries(Object.entries(waiting).filter(([other]) => other !== sku));
}

/**
 * A place in line as the page keeps it: who bought or left is not in it; a turn that went by stays until
 * the person has seen it.
 * @param {Record<string, Waiting>} waiting by SKU
 * @param {Waiting} place
 * @returns {Record<string, Waiting>}
 */
export function withPlace(waiting, place) {
  const others = withoutPlace(waiting, place.sku);
  return place.state === 'taken' || place.state === 'left' ? others : { ...others, [place.sku]: place };
}
