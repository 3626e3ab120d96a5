// tests/support/whep_load under remote control: load_control.c says what the lines mean.
import path from 'node:path';
import { createInterface } from 'node:readline';
import { buildDir } from '../../e2e/lib/server.mjs';
import { GENERATOR_NEXT, hurry, start, stop } from './proc.mjs';

export class Generator {
  /** @param {{viewers: number, verifyEvery: number, gro?: boolean, twcc?: boolean, http?: string, show?: string, from?: string, hurried?: boolean}} options http and show: for WHEP joins; from: the first viewer's address; hurried: not when the source shares its core as an ordinary process */
  constructor({ viewers, verifyEvery, gro, twcc, http, show, from, hurried }) {
    const args = ['--control', '--viewers', String(viewers), '--seconds', '1000000', '--verify-every', String(verifyEvery)];
    if (http) args.push('--http', http, '--show', show);
    if (from) args.push('--from', from);
    if (gro) args.push('--gro');
    if (twcc) args.push('--twcc');
    this.child = start(path.join(buildDir, 'tests', 'whep_load'), args);
    if (hurried) hurry(this.child, GENERATOR_NEXT);
    this.waiting = new Map();
    createInterface({ input: this.child.stdout }).on('line', (line) => this.#heard(line));
    this.child.exited.then((code) => {
      for (const { reject } of this.waiting.values()) reject(new Error(`whep_load ended (${code})\n${this.child.said}`));
    });
  }

  #heard(line) {
    const said = JSON.parse(line);
    if (!said.event) {
      this.result = said; // the line at the very end
      return;
    }
    const key = said.event === 'answer' ? `answer ${said.id}` : said.event;
    this.waiting.get(key)?.resolve(said);
    this.waiting.delete(key);
  }

  #ask(line, key, timeoutMs = 15000) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.waiting.delete(key) && reject(new Error(`whep_load did not answer ${line.do}\n${this.child.said}`)), timeoutMs);
      const end = (settle) => (value) => (clearTimeout(timer), settle(value));
      this.waiting.set(key, { resolve: end(resolve), reject: end(reject) });
      this.child.stdin.write(`${JSON.stringify(line)}\n`);
    });
  }

  /** WHEP joins up to `viewers`; resolves when all watch or have failed. */
  grow(viewers, perS) {
    return this.#ask({ do: 'grow', viewers, per_s: perS }, 'grown', (viewers / perS) * 1000 + 60000);
  }

  /** For a server that offers: resolves as grow does. */
  awaitViewers(viewers, timeoutMs) {
    return this.#ask({ do: 'await', viewers }, 'grown', timeoutMs);
  }

  async answer(id, beganUs, sdp) {
    return (await this.#ask({ do: 'offer', id, began_us: beganUs, sdp }, `answer ${id}`)).sdp;
  }

  mark() {
    return this.#ask({ do: 'mark' }, 'marked');
  }

  look() {
    return this.#ask({ do: 'look' }, 'look');
  }

  /** All leave. @returns {Promise<object>} the totals of the whole run */
  async end() {
    this.child.stdin.end();
    const late = setTimeout(() => stop(this.child), 30000);
    await this.child.exited;
    clearTimeout(late);
    return this.result;
  }
}
