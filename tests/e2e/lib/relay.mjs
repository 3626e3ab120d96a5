// tests/support/udp_relay for a test: a bad or a cut line in front of the media port.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { buildDir } from './server.mjs';

export class Relay {
  /**
   * @param {import('./server.mjs').TorgServer} server started with TORG_RTC_WORKERS=1: one media port
   * @param {Record<string, string | number>} options by the names of its command line, e.g. {'loss-up': 3}
   */
  static async start(server, options = {}) {
    const relay = new Relay();
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    // The relay listens on every address, and its answers come from the one that the kernel chooses
    // towards the client: that of the interface which browsers and libnice send from.
    relay.host = Object.values(networkInterfaces()).flat().find((one) => one.family === 'IPv4' && !one.internal)?.address ?? '127.0.0.1';
    /** What the line did: {what, mono, wall} in ms; mono is process.hrtime's clock. */
    relay.events = [];
    relay.watchers = new Set();
    relay.child = spawn(path.join(buildDir, 'tests', 'udp_relay'), ['--listen', '0', '--to', `127.0.0.1:${server.rtcPort}`, '--commands', ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
    relay.child.stdin.on('error', () => {}); // it ended: the caller hears of that otherwise
    relay.closed = once(relay.child, 'close');
    const lines = createInterface({ input: relay.child.stdout });
    const listening = new Promise((resolve, reject) => {
      relay.closed.then(() => reject(new Error('udp_relay ended early')), reject);
      lines.on('line', (line) => {
        const [what, mono, wall] = line.split(' ');
        if (what === 'listening') resolve(Number(mono));
        else if (line.startsWith('{')) relay.counts = JSON.parse(line);
        else {
          const event = { what, mono: Number(mono), wall: Number(wall) };
          relay.events.push(event);
          for (const watch of relay.watchers) watch(event);
        }
      });
    });
    relay.port = await listening;
    return relay;
  }

  /** Cuts the line, or mends it when it is cut; resolves to what the relay says of it. */
  async toggle() {
    const said = this.next('cut', 'mended');
    this.child.kill('SIGUSR1');
    return said;
  }

  /** Limits the line from now on, in kbit/s; 0 = no limit. Resolves to when it did. */
  async rate(direction, kbit) {
    const said = this.next('rate');
    this.child.stdin.write(`${direction} ${kbit}\n`);
    return said;
  }

  /** The next event of one of these kinds. */
  next(...kinds) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => (this.watchers.delete(watch), reject(new Error(`the line said no ${kinds}`))), 30000);
      const watch = (event) => {
        if (!kinds.includes(event.what)) return;
        clearTimeout(timer);
        this.watchers.delete(watch);
        resolve(event);
      };
      this.watchers.add(watch);
    });
  }

  /** @returns {Promise<object>} the counts of both directions */
  async stop() {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGTERM');
    await this.closed;
    return this.counts;
  }
}
