/** @file When to try again: doubling waits with full jitter on the upper half, so crowds spread out. */

export class Backoff {
  #tries = 0;

  /** @param {{ firstMs?: number, maxMs?: number, random?: () => number }} [options] */
  constructor({ firstMs = 500, maxMs = 15000, random = Math.random } = {}) {
    this.firstMs = firstMs;
    this.maxMs = maxMs;
    this.random = random;
  }

  get tries() {
    return this.#tries;
  }

  /** Milliseconds to wait before the next try: between half and all of the current step. */
  next() {
    const step = Math.min(this.maxMs, this.firstMs * 2 ** Math.min(this.#tries, 20));
    this.#tries++;
    return Math.round(step * (0.5 + this.random() / 2));
  }

  reset() {
    this.#tries = 0;
  }
}
