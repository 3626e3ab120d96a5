// Buyers who do not give up: what has no answer is asked again under its key, on a new connection if need be.
import { Channel } from './channel.mjs';

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class StubbornBuyer {
  /** @param {{server: () => import('./server.mjs').TorgServer, show: string, wants: {id: string, sku: string}[]}} plan server: where to go now */
  constructor({ server, show, wants }) {
    Object.assign(this, { server, show, wants });
    this.settled = new Map(); // id → reply
    this.asked = 0;
  }

  get open() {
    return this.wants.filter((want) => !this.settled.has(want.id));
  }

  /** Until every want has its answer. */
  async run(timeoutMs = 120000) {
    for (const end = Date.now() + timeoutMs; this.open.length > 0; ) {
      if (Date.now() > end) throw new Error(`${this.open.length} of ${this.wants.length} wants have no answer`);
      try {
        await this.#visit();
      } catch {
        await sleep(100 + Math.random() * 200); // nobody there: again in a moment
      }
    }
    this.channel?.close();
  }

  async connect() {
    if (this.channel && this.channel.closeCode === undefined) return;
    this.channel = await Channel.open(this.server(), this.show, this.token ? { token: this.token } : {});
    this.token = this.channel.joined.you.token;
  }

  /** Two at a time: what is asked is spread over many batches. */
  async #visit() {
    await this.connect();
    const { open } = this;
    for (let i = 0; i < open.length; i += 2) await Promise.all(open.slice(i, i + 2).map((want) => this.#ask(want)));
  }

  async #ask(want) {
    this.asked++;
    const reply = await this.channel.ask({ op: 'buy', qty: 1, ...want }, 10000);
    if (reply.code === 'busy') await sleep(reply.retry_ms ?? 200); // nothing was done
    else {
      this.settled.set(want.id, reply);
      this.onSettled?.();
    }
  }
}
