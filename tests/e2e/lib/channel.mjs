// A client of the show channel for tests: replies by id, events kept, nothing retried by itself.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import WebSocket from 'ws';

export class Channel {
  /** @param {import('./server.mjs').TorgServer} server */
  static async open(server, show = 'demo', join = {}) {
    const channel = new Channel();
    channel.events = [];
    channel.waiting = new Map();
    channel.watchers = new Set();
    channel.socket = new WebSocket(`${server.wsUrl}/ws/${show}`, 'torg.v1', { origin: server.url });
    channel.socket.on('message', (data) => channel.#take(JSON.parse(data.toString())));
    channel.socket.on('close', (code) => channel.#closed(code));
    channel.socket.on('error', () => {});
    await once(channel.socket, 'open');
    channel.send({ op: 'join', ...join });
    channel.joined = await channel.event((e) => e.ev === 'joined');
    return channel;
  }

  #take(items) {
    for (const item of items) {
      if (item.re !== undefined) {
        this.waiting.get(item.re)?.resolve(item);
        this.waiting.delete(item.re);
      } else {
        this.events.push(item);
      }
      for (const watch of this.watchers) watch.see(item);
    }
  }

  #closed(code) {
    this.closeCode = code;
    for (const { reject } of this.waiting.values()) reject(new Error(`closed ${code}`));
    this.waiting.clear();
    for (const { reject } of this.watchers) reject(new Error(`closed ${code}`));
    this.watchers.clear();
  }

  send(op) {
    this.socket.send(JSON.stringify(op));
  }

  /** Send an operation and await its reply. */
  ask(op, timeoutMs = 20000) {
    const id = op.id ?? randomUUID();
    return new Promise((resolve, reject) => {
      if (this.closeCode !== undefined) return reject(new Error(`closed ${this.closeCode}`));
      const timer = setTimeout(() => reject(new Error(`no reply to ${op.op}`)), timeoutMs);
      this.waiting.set(id, {
        resolve: (reply) => (clearTimeout(timer), resolve(reply)),
        reject: (error) => (clearTimeout(timer), reject(error)),
      });
      this.send({ ...op, id });
    });
  }

  /** The first event, past or future, that satisfies `test`. */
  event(test, timeoutMs = 20000) {
    const past = this.events.find(test);
    if (past) return Promise.resolve(past);
    return new Promise((resolve, reject) => {
      if (this.closeCode !== undefined) return reject(new Error(`closed ${this.closeCode}`));
      const end = (settle) => (value) => (clearTimeout(timer), this.watchers.delete(watch), settle(value));
      const watch = { see: (item) => item.ev !== undefined && test(item) && end(resolve)(item), reject: end(reject) };
      const timer = setTimeout(() => watch.reject(new Error('event did not come')), timeoutMs);
      this.watchers.add(watch);
    });
  }

  close() {
    this.socket.close();
  }
}

/** A SKU with its product from `joined`. */
export function variant(channel, sku) {
  for (const product of channel.joined.products) {
    for (const v of product.variants) if (v.sku === sku) return { product, variant: v };
  }
  throw new Error(`no SKU ${sku}`);
}
