// Janus as a server of the comparison: Debian's package, its streaming plugin, RTP in, REST signalling.
import { createSocket } from 'node:dgram';
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import path from 'node:path';
import { buildDir } from '../../e2e/lib/server.mjs';
import { Generator } from './generator.mjs';
import { SOURCE_FIRST, hurry, pin, sleep, start, stop, usage } from './proc.mjs';

const BINARY = '/usr/bin/janus';
const LIBRARIES = ['/usr/lib/x86_64-linux-gnu/janus', '/usr/lib/aarch64-linux-gnu/janus', '/usr/lib/janus'];
const MOUNTPOINT = 1;

/** It tells its version, and that it does not know the option. */
function version() {
  const { error, stdout } = spawnSync(BINARY, ['--version'], { encoding: 'utf8' });
  if (error) throw new Error(`no ${BINARY}: apt-get install --no-install-recommends janus (and stop its service)`);
  return /\((\S+)\)/.exec(stdout)?.[1] ?? '';
}

async function freePort(kind) {
  const socket = kind === 'udp' ? createSocket('udp4').bind(0, '127.0.0.1') : createServer().listen(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}

/**
 * Janus offers no loopback candidates and binds each socket to its device, so the viewers must have
 * addresses of that device: tests/bench/fanout gives the run a network of its own in which all of
 * 198.18.0.0/15, the range for benchmarks (RFC 2544), is local.
 */
function deviceAddress() {
  const list = networkInterfaces().bench0?.filter((one) => one.family === 'IPv4') ?? [];
  if (list.length === 0) throw new Error('Janus is measured in a network of its own: start tests/bench/fanout, as root');
  return list[0].address;
}

/**
 * ice_lite: the load generator is a controlling client, as towards torg; it also spares Janus its
 * own checks. Everything else that costs is as Debian has it.
 */
async function writeConfig(dir, { loops, httpPort, rtpPort, address }) {
  const lib = LIBRARIES.find((folder) => execFileSync('sh', ['-c', `[ -d ${folder}/plugins ] && echo yes || true`], { encoding: 'utf8' }));
  if (!lib) throw new Error('the plugins of Janus are not where Debian has them');
  const plugins = path.join(dir, 'plugins');
  const transports = path.join(dir, 'transports');
  await mkdir(plugins);
  await mkdir(transports);
  await symlink(`${lib}/plugins/libjanus_streaming.so`, path.join(plugins, 'libjanus_streaming.so'));
  await symlink(`${lib}/transports/libjanus_http.so`, path.join(transports, 'libjanus_http.so'));
  await writeFile(path.join(dir, 'janus.jcfg'), `general: {
  configs_folder = "${dir}"
  plugins_folder = "${plugins}"
  transports_folder = "${transports}"
  debug_level = 3
  session_timeout = 0
${loops > 0 ? `  event_loops = ${loops}\n` : ''}}
nat: {
  ice_lite = true
  ice_enforce_list = "${address}"
}
`);
  await writeFile(path.join(dir, 'janus.transport.http.jcfg'), `general: { json = "compact", base_path = "/janus", http = true, port = ${httpPort}, ip = "127.0.0.1", https = false }
admin: { admin_http = false }
`);
  await writeFile(path.join(dir, 'janus.plugin.streaming.jcfg'), `bench: {
  type = "rtp"
  id = ${MOUNTPOINT}
  audio = false
  video = true
  videoiface = "127.0.0.1"
  videoport = ${rtpPort}
  videopt = 96
  videocodec = "h264"
  videofmtp = "profile-level-id=42e01f;packetization-mode=1"
}
`);
}

/** One session of the REST API: events come by long polls and name the handle they are about. */
class Session {
  static async open(url) {
    const session = new Session();
    session.offers = new Map();
    session.url = url;
    session.url = `${url}/${(await session.post('', { janus: 'create' })).data.id}`;
    session.polling = session.#poll();
    session.polling.catch((error) => (session.failed = error));
    return session;
  }

  async post(handle, body) {
    const response = await fetch(`${this.url}${handle && `/${handle}`}`, { method: 'POST', body: JSON.stringify({ transaction: 'bench', ...body }) });
    const answer = await response.json();
    if (answer.janus === 'error') throw new Error(`Janus: ${JSON.stringify(answer.error)}`);
    return answer;
  }

  async #poll() {
    while (!this.closed) {
      const response = await fetch(`${this.url}?maxev=10`).catch((error) => {
        if (!this.closed) throw error;
      });
      for (const event of [(await response?.json()) ?? []].flat()) this.#heard(event);
    }
  }

  #heard(event) {
    const waiting = this.offers.get(event.sender);
    if (event.jsep?.type === 'offer') waiting?.resolve(event.jsep.sdp);
    else if (event.plugindata?.data?.error) waiting?.reject(new Error(`Janus: ${event.plugindata.data.error}`));
  }

  /** One viewer, as janus.js does it: attach, watch, the offer, start with the answer. */
  async watch(id, generator) {
    const beganUs = Number(process.hrtime.bigint() / 1000n);
    const handle = (await this.post('', { janus: 'attach', plugin: 'janus.plugin.streaming' })).data.id;
    const offer = new Promise((resolve, reject) => this.offers.set(handle, { resolve, reject }));
    offer.catch(() => {}); // awaited below; the request may throw first
    await this.post(handle, { janus: 'message', body: { request: 'watch', id: MOUNTPOINT } });
    const sdp = await generator.answer(id, beganUs, await offer);
    this.offers.delete(handle);
    if (!sdp) throw new Error('the offer of Janus was refused');
    await this.post(handle, { janus: 'message', body: { request: 'start' }, jsep: { type: 'answer', sdp } });
  }
}

export class Janus {
  source = 'rtp';
  /** Viewers wait for the source's next keyframe. */
  firstFrameIsKey = false;

  /** @param {{film: object, cores: {server: number, load: number}, loops: number}} setup loops 0: a thread per viewer, the default */
  static async start({ film, cores, loops }) {
    const janus = new Janus();
    janus.name = loops > 0 ? `janus event_loops=${loops}` : 'janus';
    janus.dir = await mkdtemp(path.join(tmpdir(), 'torg-bench-janus-'));
    janus.version = version();
    try {
      await janus.#launch(film, cores, loops);
    } catch (error) {
      await janus.stop().catch(() => {});
      throw error;
    }
    return janus;
  }

  async #launch(film, cores, loops) {
    const httpPort = await freePort('tcp');
    const rtpPort = await freePort('udp');
    await writeConfig(this.dir, { loops, httpPort, rtpPort, address: deviceAddress() });
    this.child = start('taskset', ['-c', String(cores.server), BINARY, '-F', this.dir], { stdio: ['ignore', 'ignore', 'pipe'] });
    const url = `http://127.0.0.1:${httpPort}/janus`;
    for (let tries = 0; !(await fetch(`${url}/info`).catch(() => null))?.ok; tries++) {
      if (tries > 100 || this.child.exitCode !== null) throw new Error(`Janus did not start\n${this.child.said}`);
      await sleep(100);
    }
    pin(this.child.pid, cores.server);
    this.session = await Session.open(url);
    this.publisher = start(path.join(buildDir, 'tests', 'rtp_source'), ['--port', String(rtpPort), film.h264]);
    hurry(this.publisher, SOURCE_FIRST);
    this.joined = 0;
    await sleep(3000);
  }

  generator(options) {
    return new Generator({ ...options, hurried: true, from: '198.18.0.1' });
  }

  async join(generator, viewers, perS) {
    const more = viewers - this.joined;
    const all = generator.awaitViewers(viewers, (more / perS) * 1000 + 60000);
    all.catch(() => {}); // awaited below
    const began = performance.now();
    const joins = [];
    for (let i = 0; i < more; i++) {
      await sleep(Math.max(0, began + (i * 1000) / perS - performance.now()));
      joins.push(this.session.watch(this.joined++, generator));
      joins.at(-1).catch(() => {}); // awaited below
    }
    await Promise.all(joins);
    if (this.session.failed) throw this.session.failed;
    return all;
  }

  usage() {
    return usage(this.child.pid);
  }

  async counters() {
    return {};
  }

  async stop() {
    if (this.session) this.session.closed = true;
    if (this.publisher) await stop(this.publisher);
    if (this.child) await stop(this.child);
    await rm(this.dir, { recursive: true, force: true });
  }
}
