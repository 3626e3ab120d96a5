// Starts the real torgd for a test, in a temporary folder, on free loopback ports, and ends it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { createSocket } from 'node:dgram';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const top = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
/** The build to test: TORG_BUILD_DIR (ctest sets it), else the sanitizer build of tests/run. */
export const buildDir = process.env.TORG_BUILD_DIR ?? path.join(top, 'build-asan');

/** The tests' own TORG_ variables are none of torgd's. */
export function cleanEnv() {
  return {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TORG_'))),
    LSAN_OPTIONS: `suppressions=${top}/tests/support/lsan.supp:print_suppressions=0`,
  };
}

async function freeTcpPort() {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function bindUdp(port) {
  const socket = createSocket('udp4');
  socket.bind(port, '127.0.0.1');
  try {
    await once(socket, 'listening');
    return socket;
  } catch {
    return null;
  }
}

async function tcpIsFree(port) {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}

/** A port such that it and the next three are free, by UDP and TCP: one for each media worker. */
async function freeUdpPorts() {
  for (let tries = 0; tries < 50; tries++) {
    const first = 20000 + Math.floor(Math.random() * 30000);
    const sockets = [];
    for (let i = 0; i < 4; i++) sockets.push(await bindUdp(first + i));
    let ok = sockets.every((s) => s !== null);
    for (let i = 0; i < 4 && ok; i++) ok = await tcpIsFree(first + i);
    for (const s of sockets) s?.close();
    if (ok) return first;
  }
  throw new Error('no four free ports in a row');
}

export class TorgServer {
  /**
   * @param {{env?: Record<string, string>, args?: string[], demo?: boolean, prepare?: (dir: string) => Promise<void>}} options
   *   demo: false starts an empty shop; prepare: what must be in the data directory before the first start
   */
  static async start(options = {}) {
    const server = new TorgServer();
    server.dir = await mkdtemp(path.join(tmpdir(), 'torg-e2e-'));
    server.httpPort = await freeTcpPort();
    server.rtmpPort = await freeTcpPort();
    server.rtcPort = await freeUdpPorts();
    server.options = options;
    await options.prepare?.(server.dir);
    await server.launch();
    return server;
  }

  get url() {
    return `http://127.0.0.1:${this.httpPort}`;
  }

  get wsUrl() {
    return `ws://127.0.0.1:${this.httpPort}`;
  }

  /** Start (again) on the same data and ports. Demo logins are new at every start. */
  async launch() {
    this.log = '';
    this.out = '';
    this.child = spawn(path.join(buildDir, 'torgd'), [...(this.options.demo === false ? [] : ['--demo']), '--data', this.dir, ...(this.options.args ?? [])], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...cleanEnv(),
        TORG_HTTP_LISTEN: `127.0.0.1:${this.httpPort}`,
        TORG_RTMP_LISTEN: `127.0.0.1:${this.rtmpPort}`,
        TORG_RTC_LISTEN: `127.0.0.1:${this.rtcPort}`,
        // Sanitizers on a small machine are no overload; capacity.test.mjs is about the limits.
        TORG_RTC_CPU_MAX_PERCENT: '100',
        // As the demo has it: the tests' many clients have one address.
        ...(this.options.demo === false ? { TORG_LIMITS_TRUSTED_NETWORKS: '127.0.0.0/8' } : {}),
        ...(this.options.env ?? {}),
      },
    });
    this.exited = once(this.child, 'exit');
    this.child.stderr.on('data', (data) => {
      this.log += data;
    });
    const lines = createInterface({ input: this.child.stdout });
    await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`torgd was not ready within 60 s\n${this.log}`)), 60000);
      lines.on('line', (line) => {
        this.out += `${line}\n`;
        if (line === 'torg is ready.') {
          clearTimeout(timer);
          resolve();
        }
      });
      this.child.on('exit', (code, signal) => {
        clearTimeout(timer);
        reject(new Error(`torgd ended early (${code ?? signal})\n${this.log}`));
      });
    });
    if (this.options.demo === false) return;
    const field = (name) => {
      const match = new RegExp(`^\\s*${name}\\s+(\\S+)`, 'm').exec(this.out);
      if (!match) throw new Error(`torgd did not print "${name}"\n${this.out}`);
      return match[1];
    };
    this.deskUrl = field('Desk');
    this.streamKey = field('Stream key');
    this.adminToken = field('Admin token');
    this.deskToken = field('Desk token');
    this.rtmpUrl = `rtmp://127.0.0.1:${this.rtmpPort}/live/${this.streamKey}`;
  }

  /**
   * A show with keys: `key` publishes to it, `deskToken` runs it.
   * @returns {Promise<{id: string, key: string, deskToken: string, whip: string, whep: string, rtmp: string}>}
   */
  async newShow(id, title = `Show ${id}`) {
    await this.ctl('show', 'create', id, '--title', title);
    const { token: key } = await this.ctl('token', 'create', '--role', 'host', '--show', id, '--publish-only');
    const { token: deskToken } = await this.ctl('token', 'create', '--role', 'host,merchandiser,moderator', '--show', id);
    return this.#show(id, key, deskToken);
  }

  /** The demo's own show, in the same form. */
  get demoShow() {
    return this.#show('demo', this.streamKey.split('key=')[1], this.deskToken);
  }

  #show(id, key, deskToken) {
    return { id, key, deskToken, whip: `${this.url}/whip/${id}`, whep: `${this.url}/whep/${id}`, rtmp: `rtmp://127.0.0.1:${this.rtmpPort}/live/${id}?key=${key}` };
  }

  async kill9() {
    this.child.kill('SIGKILL');
    await this.exited;
  }

  /** Clean stop; throws when the exit code is not 0 (a leak, a crash) or it takes over 10 s. */
  async stop() {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill('SIGTERM');
      const timer = setTimeout(() => this.child.kill('SIGKILL'), 10000);
      await this.exited;
      clearTimeout(timer);
    }
    await rm(this.dir, { recursive: true, force: true });
    if (this.child.exitCode !== 0) {
      throw new Error(`torgd exit ${this.child.exitCode ?? this.child.signalCode}\n${this.log.slice(-8000)}`);
    }
  }

  /** Run torgctl --json on this server. */
  async ctl(...args) {
    const child = spawn(path.join(buildDir, 'torgctl'), ['--data', this.dir, '--json', ...args], {
      env: { ...cleanEnv(), ...(this.options.env ?? {}) },
    });
    let out = '';
    let err = '';
    child.stdout.on('data', (d) => (out += d));
    child.stderr.on('data', (d) => (err += d));
    const [code] = await once(child, 'exit');
    if (code !== 0) throw new Error(`torgctl ${args.join(' ')}: exit ${code}: ${err}${out}`);
    return JSON.parse(out);
  }

  /** Resident memory in KiB and open descriptors. */
  async usage() {
    const status = await readFile(`/proc/${this.child.pid}/status`, 'utf8');
    const { readdir } = await import('node:fs/promises');
    const fds = await readdir(`/proc/${this.child.pid}/fd`);
    const [, user, system] = /^(?:\S+ ){13}(\d+) (\d+)/.exec((await readFile(`/proc/${this.child.pid}/stat`, 'utf8')).replace(/\(.*\)/, 'x')) ?? [];
    return {
      rssKiB: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]),
      fds: fds.length,
      cpuS: (Number(user) + Number(system)) / 100,
    };
  }
}
