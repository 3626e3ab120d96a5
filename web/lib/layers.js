/** @file The sizes in which a show comes (WHEP's video layer selection), and the one a person wants. */

/** @typedef {{ rid: string, lines: number, bitrate: number, current: boolean, pinned: boolean }} Layer */

/**
 * @param {any} told the layers resource: by m-line, lists of {rid, width?, height?, bitrate?, current?, pinned?}
 * @returns {Layer[]} those that are sent now and of which a size is known, the best first
 */
export function readLayers(told) {
  const list = Object.values(told ?? {}).find(Array.isArray) ?? [];
  return list
    .filter((layer) => typeof layer?.rid === 'string' && layer.bitrate > 0 && layer.width > 0 && layer.height > 0)
    .map(({ rid, width, height, bitrate, current, pinned }) => ({ rid, lines: Math.min(width, height), bitrate, current: current === true, pinned: pinned === true }))
    .sort((a, b) => b.lines - a.lines || b.bitrate - a.bitrate);
}

/**
 * What people know a size by; two layers of one size differ by their bitrate.
 * @param {Layer} layer
 * @param {readonly Layer[]} all
 */
export function layerLabel({ lines, bitrate }, all) {
  const twins = all.filter((other) => other.lines === lines).length > 1;
  return twins ? `${lines}p (${(bitrate / 1e6).toFixed(1)} Mbit/s)` : `${lines}p`;
}

/**
 * The layer for a size chosen earlier, maybe in a show with others: that size, or the next below it.
 * @param {readonly Layer[]} all as of readLayers
 * @param {number} lines 0 = automatic
 * @returns {Layer | null} null: automatic
 */
export function layerFor(all, lines) {
  if (!(lines > 0) || all.length === 0) return null;
  return all.find((layer) => layer.lines <= lines) ?? all.at(-1) ?? null;
}
