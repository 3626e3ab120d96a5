// tests/support/tcp_relay for a test: a TCP line in front of the media port that stalls or breaks.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { buildDir } from './server.mjs';

export class TcpLine {
  /** @param {import('./server.mjs').TorgServer} server started with TORG_RTC_WORKERS=1: one media port */
  static async start(server) {
    const line = new TcpLine();
    line.child = spawn(path.join(buildDir, 'tests', 'tcp_relay'), ['--to', `127.0.0.1:${server.rtcPort}`], { stdio: ['pipe', 'pipe', 'inherit'] });
    line.closed = once(line.child, 'close');
    line.lines = createInterface({ input: line.child.stdout })[Symbol.asyncIterator]();
    line.port = await line.#answer('listening');
    return line;
  }

  async #answer(word) {
    const { value = '' } = await this.lines.next();
    const [said, number] = value.split(' ');
    if (said !== word) throw new Error(`tcp_relay said "${value}", not ${word}`);
    return Number(number);
  }

  /**
   * Answers the bytes that clients were sent so far.
   * @param {'stall' | 'go' | 'cut' | 'say'} command
   */
  tell(command) {
    this.child.stdin.write(`${command}\n`);
    return this.#answer(command);
  }

  async stop() {
    this.child.stdin.end();
    await this.closed;
  }
}
