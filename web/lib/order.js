/** @file What of an order can still be cancelled by its buyer. */

/** @typedef {import('./wire.js').Order} Order */

/**
 * Lines with units that were neither cancelled nor sent.
 * @param {Order} order
 * @returns {{ line: number, qty: number, title: string }[]} lines count from 1
 */
export function openUnits(order) {
  if (!['awaiting_payment', 'paid', 'partly_fulfilled'].includes(order.state)) return [];
  return order.lines.map((line, i) => ({
    line: line.line ?? i + 1,
    qty: line.qty - (line.cancelled ?? 0) - (line.fulfilled ?? 0),
    title: line.title ?? line.sku,
  })).filter(({ qty }) => qty > 0);
}
