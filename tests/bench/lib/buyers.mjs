// tests/support/sale_load: thousands of buyers in a process of their own.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { buildDir } from '../../e2e/lib/server.mjs';
import { pin, start } from './proc.mjs';

export class Buyers {
  /**
   * @param {import('../../e2e/lib/server.mjs').TorgServer} server
   * @param {{sockets: number, intents: number, within: number, skus: string[], core?: number, mix?: number[], staff?: number, pay?: number, prefix?: string, wait?: number}} load
   */
  constructor(server, { sockets, intents, within, skus, core, mix = [100, 0, 0], staff = 0, pay = 0, prefix = 'b', wait = 60 }) {
    this.dir = mkdtempSync(path.join(tmpdir(), 'torg-buyers-'));
    const list = path.join(this.dir, 'skus');
    writeFileSync(list, `${skus.join('\n')}\n`);
    const args = { http: `127.0.0.1:${server.httpPort}`, show: 'bench', skus: list, sockets, intents, within, wait, mix: mix.join(','), pay, prefix };
    if (staff > 0) Object.assign(args, { staff, token: server.keeperToken });
    this.child = start(path.join(buildDir, 'tests', 'sale_load'), Object.entries(args).flatMap(([name, value]) => [`--${name}`, String(value)]));
    if (core !== undefined) pin(this.child.pid, core);
    this.waiting = new Map();
    this.heard = new Map();
    createInterface({ input: this.child.stdout }).on('line', (line) => this.#hear(JSON.parse(line)));
    this.child.exited.then((code) => {
      rmSync(this.dir, { recursive: true, force: true });
      for (const { reject } of this.waiting.values()) reject(new Error(`sale_load ended (${code})\n${this.child.said}`));
    });
  }

  #hear(said) {
    this.heard.set(said.event, said);
    this.waiting.get(said.event)?.resolve(said);
    this.waiting.delete(said.event);
  }

  #await(event) {
    if (this.heard.has(event)) return Promise.resolve(this.heard.get(event));
    return new Promise((resolve, reject) => this.waiting.set(event, { resolve, reject }));
  }

  /** All have joined. */
  async ready() {
    const first = await Promise.race([this.#await('ready'), this.#await('done')]);
    if (first.event !== 'ready') throw new Error(`not all joined: ${JSON.stringify(first)}\n${this.child.said}`);
  }

  go() {
    this.child.stdin.write('go\n');
  }

  /** The line of figures. */
  async done() {
    const result = await this.#await('done');
    await this.child.exited;
    return { ...result, said: this.child.said };
  }
}
