// WHIP publishers of every make, and a viewer that measures: what goes in, and what comes out.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import { launchBrowser } from './browser.mjs';
import { Relay } from './relay.mjs';
import { buildDir, top } from './server.mjs';
import { readClock } from './source.mjs';

const here = path.join(top, 'tests', 'e2e');
/** Where the test's own empty page and modules stand, on the server's origin so that it is a secure context. */
const STAGE = '/__stage/';

/**
 * Chromium with a fake camera (30 fps; it shows `film`, an .mjpeg file, else a drawing that needs few
 * bits) and a fake microphone (beeps).
 */
export function launchStudio({ film } = {}) {
  return launchBrowser({ args: ['--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream=fps=30', ...(film ? [`--use-file-for-fake-video-capture=${film}`] : [])] });
}

/** Two seconds of 1280 x 720 with movement and detail. Grain on top would make Chromium's encoder shrink the picture at 2.5 Mbit/s. */
export async function makeFilm(file) {
  const child = spawn('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=1280x720:rate=30', '-t', '2', '-c:v', 'mjpeg', '-q:v', '4', '-pix_fmt', 'yuvj420p', '-y', file], { stdio: 'inherit' });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`ffmpeg ended with ${code}`);
  return file;
}

const bundles = new Map();
/** One browser module of a client library. */
async function bundle(name) {
  if (!bundles.has(name)) {
    const module = (file) => path.join(here, 'node_modules', 'whip-whep', file);
    const entry = {
      torg: path.join(top, 'web', 'lib', 'whip.js'), 'whip-whep': module('whip.js'), eyevinn: '@eyevinn/whip-web-client',
      'torg-player': path.join(top, 'web', 'lib', 'whep.js'), 'whip-whep-player': module('whep.js'), 'eyevinn-player': '@eyevinn/webrtc-player',
    }[name];
    const built = await build({ entryPoints: [entry], bundle: true, format: 'esm', platform: 'browser', write: false, absWorkingDir: here, logLevel: 'error' });
    bundles.set(name, built.outputFiles[0].text);
  }
  return bundles.get(name);
}

/** An SDP whose candidates are the relay's address; by TCP there is a way only when the relay names one (`tcpPort`). */
const moved = (sdp, { host, port, tcpPort }) => sdp
  .replace(/(a=candidate:\S+ \d+ tcp \d+ )\S+ \d+( .*\r\n)/gi, (_, before, after) => (tcpPort ? `${before}127.0.0.1 ${tcpPort}${after}` : ''))
  .replace(/(a=candidate:\S+ \d+ udp \d+ )\S+ \d+( typ)/gi, (_, before, after) => `${before}${host} ${port}${after}`);

/** Answers (POST, and PATCH for restarts) below `folder` send the media through the relay. */
export async function throughRelay(context, folder, relay) {
  await context.route((url) => url.pathname.startsWith(`/${folder}/`), async (route) => {
    const method = route.request().method();
    if (method !== 'POST' && method !== 'PATCH') return route.continue();
    try {
      const response = await route.fetch();
      return await route.fulfill({ response, body: moved(await response.text(), relay) });
    } catch {
      return route.abort().catch(() => {}); // the page or the server went away meanwhile
    }
  });
}

/** A page on the server's origin that is empty but for what the test puts there. */
async function stagePage(browser, server, { relay, folder, viewport = { width: 1280, height: 760 } }) {
  const context = await browser.newContext({ viewport, permissions: folder === 'whip' ? ['camera', 'microphone'] : [] });
  if (relay) await throughRelay(context, folder, relay);
  await context.route(`${server.url}${STAGE}**`, async (route) => {
    const name = new URL(route.request().url()).pathname.slice(STAGE.length);
    if (!name) return route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>stage</title><body style="margin:0">' });
    return route.fulfill({ contentType: 'text/javascript', body: await bundle(name.replace(/\.js$/, '')) });
  });
  const page = await context.newPage();
  page.setDefaultTimeout(20000);
  page.faults = [];
  page.on('pageerror', (error) => page.faults.push(String(error)));
  return page;
}

/** A browser that knows no H.264. */
export const withoutH264 = (browser) => ({
  async newContext(options) {
    const context = await browser.newContext(options);
    await context.addInitScript(() => {
      const add = RTCPeerConnection.prototype.addTransceiver;
      RTCPeerConnection.prototype.addTransceiver = function (track, init) {
        const made = add.call(this, track, init);
        if (track.kind === 'video') made.setCodecPreferences(RTCRtpSender.getCapabilities('video').codecs.filter(({ mimeType }) => /vp8|rtx/i.test(mimeType)));
        return made;
      };
    });
    return context;
  },
});

/* --- publishers --------------------------------------------------------------------------------- */

/** Before a page's scripts: keep its connections, for statistics. */
export function keepConnections() {
  window.torgPcs = [];
  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(...args) {
      super(...args);
      window.torgPcs.push(this);
    }
  };
}

/** Runs in the page: what the newest connection sends; simulcast: the sum of the largest encoding. */
async function sending() {
  const pc = window.torgPcs.at(-1);
  const out = { framesEncoded: 0, width: 0, height: 0, fps: 0, bytesSent: 0, packetsSent: 0, audioPacketsSent: 0, limit: '', lost: 0, rttMs: -1, codec: '', connections: window.torgPcs.length, state: pc?.connectionState ?? 'none' };
  const stats = pc ? await pc.getStats() : new Map();
  for (const s of stats.values()) {
    if (s.type === 'outbound-rtp' && s.kind === 'video') {
      out.bytesSent += s.bytesSent;
      out.packetsSent += s.packetsSent;
      if ((s.framesEncoded ?? 0) > 0 && (s.frameWidth ?? 0) >= out.width) {
        Object.assign(out, { framesEncoded: s.framesEncoded, width: s.frameWidth ?? 0, height: s.frameHeight ?? 0, fps: s.framesPerSecond ?? 0, limit: s.qualityLimitationReason, keyFrames: s.keyFramesEncoded, codec: stats.get(s.codecId)?.mimeType ?? '' });
      }
    }
    if (s.type === 'outbound-rtp' && s.kind === 'audio') out.audioPacketsSent += s.packetsSent;
    if (s.type === 'remote-inbound-rtp' && s.kind === 'video') Object.assign(out, { lost: s.packetsLost, rttMs: (s.roundTripTime ?? -0.001) * 1000 });
  }
  return out;
}

/** Runs in the page: a camera, or a canvas with the wall clock as lib/source.mjs reads it. */
async function makeStream({ video, width, height }) {
  if (video === 'camera') {
    return navigator.mediaDevices.getUserMedia({ video: { width, height, frameRate: 30 }, audio: true });
  }
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width, height });
  canvas.style.width = '100%';
  document.body.append(canvas);
  const draw = canvas.getContext('2d');
  const cell = (32 * width) / 1280;
  let last = 0;
  const paint = () => {
    requestAnimationFrame(paint);
    const now = Date.now();
    if (now - last < 30) return;
    last = now;
    draw.fillStyle = `hsl(${(now / 50) % 360} 40% 40%)`;
    draw.fillRect(0, 0, width, height);
    draw.fillStyle = '#ddd'; // something that moves, and detail to encode
    for (let i = 0; i < 40; i++) draw.fillRect((i * 97 + now / 9) % width, 100 + ((i * 53) % (height - 100)), 24, 24);
    const n = Math.floor((now % 655360) / 10);
    const gray = n ^ (n >> 1);
    for (let i = 0; i < 16; i++) {
      draw.fillStyle = (gray >> i) & 1 ? 'white' : 'black';
      draw.fillRect(i * cell, 0, cell, cell);
    }
  };
  paint();
  const sound = new AudioContext();
  const tone = sound.createOscillator();
  const out = sound.createMediaStreamDestination();
  tone.connect(out);
  tone.start();
  return new MediaStream([...canvas.captureStream(30).getVideoTracks(), ...out.stream.getAudioTracks()]);
}

/** Runs in the page: publishes `stream` with one of the client libraries. */
async function publishWith([kind, url, token, stage, options]) {
  const stream = await window.torgMakeStream(options);
  if (kind === 'torg') {
    const { WhipPublisher } = await import(`${stage}torg.js`);
    const client = new WhipPublisher(url, { token });
    window.torgStates = [];
    client.onState = (state) => window.torgStates.push({ state, at: Date.now() });
    await client.start(stream, { maxBitrate: options.maxBitrate, simulcast: options.simulcast });
    window.torgStop = () => client.stop();
    window.torgProblem = () => client.problem;
  } else if (kind === 'whip-whep') {
    const { WHIPClient } = await import(`${stage}whip-whep.js`);
    const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
    for (const track of stream.getTracks()) pc.addTransceiver(track, { direction: 'sendonly', streams: [stream] });
    const client = new WHIPClient();
    await client.publish(pc, url, token);
    window.torgStop = () => client.stop();
  } else {
    const { WHIPClient } = await import(`${stage}eyevinn.js`);
    const client = new WHIPClient({ endpoint: url, opts: { authkey: token, noTrickleIce: options.noTrickle ?? false } });
    await client.ingest(stream);
    window.torgStop = () => client.destroy();
  }
}

export class BrowserPublisher {
  /**
   * @param {import('playwright-core').Browser} browser of launchStudio
   * @param {import('./server.mjs').TorgServer} server
   * @param {{whip: string, key: string}} show
   * @param {{kind?: 'torg' | 'whip-whep' | 'eyevinn', video?: 'camera' | 'clock', width?: number, height?: number, relay?: import('./relay.mjs').Relay, maxBitrate?: number, simulcast?: boolean}} [options]
   */
  static async start(browser, server, show, options = {}) {
    const { kind = 'torg', video = 'camera', width = 1280, height = 720, relay, maxBitrate = 2500000, simulcast = false } = options;
    const publisher = new BrowserPublisher();
    await bundle(kind); // esbuild's time is none of the publisher's
    publisher.page = await stagePage(browser, server, { relay, folder: 'whip' });
    await publisher.page.addInitScript(keepConnections);
    await publisher.page.goto(`${server.url}${STAGE}`);
    await publisher.page.evaluate(`window.torgMakeStream = ${makeStream}`);
    publisher.began = Date.now();
    await publisher.page.evaluate(publishWith, [kind, show.whip, show.key, STAGE, { video, width, height, maxBitrate, simulcast }]);
    return publisher;
  }

  async until(test, timeoutMs = 15000) {
    for (const end = Date.now() + timeoutMs; ; ) {
      const now = await this.stats();
      if (test(now)) return now;
      if (Date.now() > end) throw new Error(`the publisher did not get there: ${JSON.stringify(now)} ${this.page.faults}`);
      await this.page.waitForTimeout(50);
    }
  }

  stats() {
    return this.page.evaluate(sending);
  }

  /** torg's own client: the states it went through. */
  states() {
    return this.page.evaluate(() => window.torgStates ?? []);
  }

  async stop() {
    // A library whose session never was may wait for it for ever.
    await Promise.race([this.page.evaluate(() => window.torgStop?.()).catch(() => {}), sleep(3000)]);
    await this.page.context().close();
  }
}

/** The studio page itself, as a host uses it: opened with a desk token, gone live with one tap. */
export class StudioPublisher extends BrowserPublisher {
  static async start(browser, server, show, { relay } = {}) {
    const publisher = new StudioPublisher();
    const context = await browser.newContext({ viewport: { width: 390, height: 844 }, locale: 'en-GB', permissions: ['camera', 'microphone'] });
    if (relay) await throughRelay(context, 'whip', relay);
    const page = await context.newPage();
    publisher.page = page;
    page.faults = [];
    page.on('pageerror', (error) => page.faults.push(String(error)));
    page.setDefaultTimeout(15000);
    await page.addInitScript(keepConnections);
    await page.goto(`${server.url}/studio/${show.id}#token=${show.deskToken}`);
    publisher.began = Date.now();
    await publisher.goLive();
    return publisher;
  }

  /** From the open page to live: whatever stands between is pressed. */
  async goLive() {
    const camera = this.page.getByRole('button', { name: /camera/i }).first();
    const live = this.page.getByRole('button', { name: /^(go live|send my picture)/i }).first(); // the latter when the show is on already
    await camera.or(live).first().waitFor();
    if (!(await live.isVisible())) await camera.click();
    await live.click();
  }

  async stop() {
    await this.page.context().close(); // pagehide ends the session
  }
}

/** GStreamer's webrtcbin (tests/support/whip_gst). */
export class GstPublisher {
  static async start(server, show, { seconds = 600, bitrate = 2000 } = {}) {
    const publisher = new GstPublisher();
    // libnice ties its sockets to an interface, so it reaches a server on loopback by a relay only.
    publisher.relay = await Relay.start(server);
    const args = ['--url', show.whip, '--token', show.key, '--seconds', String(seconds), '--bitrate', String(bitrate), '--candidate-host', publisher.relay.host, '--candidate-port', String(publisher.relay.port)];
    // GStreamer's own one-time leaks are not this test's subject.
    publisher.child = spawn(path.join(buildDir, 'tests', 'whip_gst'), args, { env: { ...process.env, ASAN_OPTIONS: 'detect_leaks=0' } });
    publisher.err = '';
    publisher.watchers = new Set();
    publisher.child.stderr.on('data', (d) => (publisher.err += d));
    publisher.began = Date.now();
    publisher.closed = once(publisher.child, 'close');
    createInterface({ input: publisher.child.stdout }).on('line', (line) => {
      if (line.startsWith('{')) publisher.result = JSON.parse(line);
      else for (const watch of publisher.watchers) watch(Number(line.split(' ')[2]));
    });
    return publisher;
  }

  /** At its next tick: {framesEncoded}. */
  stats() {
    return new Promise((resolve, reject) => {
      const watch = (framesEncoded) => (this.watchers.delete(watch), resolve({ framesEncoded, width: 1280, height: 720, codec: 'video/H264', connections: 1 }));
      this.watchers.add(watch);
      void this.closed.then(() => reject(new Error(`whip_gst ended: ${JSON.stringify(this.result)} ${this.err}`)));
    });
  }

  async stop() {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGINT');
    await this.closed;
    await this.relay.stop();
    return this.result;
  }
}

/* --- the viewer --------------------------------------------------------------------------------- */

/** Runs in the page: a WHEP session that never tries again, and a log of every frame shown. */
async function watch([url, token]) {
  const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  const stream = new MediaStream();
  for (const kind of ['video', 'audio']) {
    const { receiver } = pc.addTransceiver(kind, { direction: 'recvonly' });
    receiver.jitterBufferTarget = 0;
    stream.addTrack(receiver.track);
  }
  const video = document.createElement('video');
  Object.assign(video, { autoplay: true, playsInline: true });
  video.style.width = '100%';
  document.body.append(video);
  await pc.setLocalDescription();
  const headers = { 'Content-Type': 'application/sdp', ...(token ? { Authorization: `Bearer ${token}` } : {}) };
  const response = await fetch(url, { method: 'POST', headers, body: pc.localDescription.sdp });
  if (response.status !== 201) throw new Error(`WHEP answered ${response.status} ${await response.text()}`);
  await pc.setRemoteDescription({ type: 'answer', sdp: await response.text() });
  video.srcObject = stream;
  const frames = [];
  const each = (now, frame) => {
    frames.push({ at: performance.timeOrigin + now, rtp: frame.rtpTimestamp, width: frame.width, height: frame.height });
    if (frames.length > 200000) frames.splice(0, 100000);
    video.requestVideoFrameCallback(each);
  };
  video.requestVideoFrameCallback(each);
  const trouble = [];
  pc.onconnectionstatechange = () => { if (['failed', 'closed'].includes(pc.connectionState)) trouble.push(pc.connectionState); };
  const dtls = pc.getReceivers()[0].transport;
  dtls.onstatechange = () => { if (['failed', 'closed'].includes(dtls.state)) trouble.push(`dtls ${dtls.state}`); };
  const layerUrl = `${new URL(response.headers.get('Location'), url).href}/layer`;
  window.torgViewer = { pc, video, frames, trouble, layerUrl };
}

export class Viewer {
  /** @param {{relay?: import('./relay.mjs').Relay, token?: string}} [options] */
  static async start(browser, server, show, { relay, token } = {}) {
    const viewer = new Viewer();
    viewer.page = await stagePage(browser, server, { relay, folder: 'whep' });
    await viewer.page.goto(`${server.url}${STAGE}`);
    await viewer.page.evaluate(watch, [show.whep, token ?? null]);
    return viewer;
  }

  /** {framesDecoded, framesDropped, packetsLost, freezes, energy (of sound), width, height, connected} */
  stats() {
    return this.page.evaluate(async () => {
      const { pc, video } = window.torgViewer;
      const out = { framesDecoded: 0, framesDropped: 0, packetsReceived: 0, packetsLost: 0, freezes: 0, energy: 0, audioPackets: 0, nacks: 0, width: video.videoWidth, height: video.videoHeight, connected: pc.connectionState === 'connected' };
      for (const s of (await pc.getStats()).values()) {
        if (s.type !== 'inbound-rtp') continue;
        if (s.kind === 'video') Object.assign(out, { framesDecoded: s.framesDecoded ?? 0, framesDropped: s.framesDropped ?? 0, packetsReceived: s.packetsReceived, packetsLost: s.packetsLost, freezes: s.freezeCount ?? 0, nacks: s.nackCount ?? 0 });
        else Object.assign(out, { energy: s.totalAudioEnergy ?? 0, audioPackets: s.packetsReceived, audioLost: s.packetsLost });
      }
      return out;
    });
  }

  /** Waits until frames are decoded. */
  async playing(timeoutMs = 15000) {
    const from = (await this.stats()).framesDecoded;
    for (const end = Date.now() + timeoutMs; ; ) {
      const now = await this.stats();
      if (now.framesDecoded > from + 3) return now;
      if (Date.now() > end) throw new Error(`no picture: ${JSON.stringify(now)} ${await this.trouble()}`);
      await this.page.waitForTimeout(50);
    }
  }

  /** Frames shown since then: {at (wall clock, ms), rtp, width, height}. */
  frames(since = 0) {
    return this.page.evaluate((from) => window.torgViewer.frames.filter((frame) => frame.at >= from), since);
  }

  /** The longest time between two frames shown since then, up to now. */
  async longestGap(since) {
    const times = (await this.frames(since)).map((frame) => frame.at);
    const all = [since, ...times, Date.now()];
    return all.slice(1).reduce((most, at, i) => Math.max(most, at - all[i]), 0);
  }

  /** What ended the session, if anything did. */
  trouble() {
    return this.page.evaluate(() => [...window.torgViewer.trouble, ...(window.torgViewer.pc.connectionState === 'failed' ? ['failed'] : [])].join());
  }

  /**
   * Of `count` beats of a source with `beat`: by how much the tone is heard after the box is seen, ms.
   * Heard is when the samples leave the jitter buffer, in steps of 5 ms; seen is the frame's turn on
   * the screen, one display frame early or late.
   */
  beats(count) {
    return this.page.evaluate(async (wanted) => {
      const { video } = window.torgViewer;
      const audio = new AudioContext({ sampleRate: 48000, latencyHint: 'interactive' });
      const analyser = new AnalyserNode(audio, { fftSize: 256 });
      audio.createMediaStreamSource(video.srcObject).connect(analyser);
      await audio.resume();
      const canvas = new OffscreenCanvas(8, 8);
      const context = canvas.getContext('2d', { willReadFrequently: true });
      const seen = [];
      const heard = [];
      let white = true;
      const look = (now, frame) => {
        context.drawImage(video, 16, 16, 32, 32, 0, 0, 8, 8);
        const bright = context.getImageData(4, 4, 1, 1).data[1] > 128;
        if (bright && !white) seen.push(frame.expectedDisplayTime ?? now);
        white = bright;
        video.requestVideoFrameCallback(look);
      };
      video.requestVideoFrameCallback(look);
      const samples = new Float32Array(256);
      let loud = true;
      let quietSince = 0;
      const end = performance.now() + wanted * 2000 + 5000;
      while (heard.length < wanted + 1 && performance.now() < end) {
        analyser.getFloatTimeDomainData(samples);
        const now = performance.now();
        const first = samples.findIndex((sample) => Math.abs(sample) > 0.1);
        if (first >= 0) {
          if (!loud && now - quietSince > 500) heard.push(now - ((256 - first) / 48));
          loud = true;
        } else if (loud) {
          loud = false;
          quietSince = now;
        }
        await new Promise((resolve) => setTimeout(resolve, 4));
      }
      await audio.close();
      return heard.map((at) => {
        const nearest = seen.reduce((best, one) => (Math.abs(one - at) < Math.abs(best - at) ? one : best), -1e9);
        return at - nearest;
      }).filter((offset) => Math.abs(offset) < 900);
    }, count);
  }

  /** By how much the sound is behind the picture by Chromium's own reckoning (sender reports), ms. */
  soundBehind() {
    return this.page.evaluate(async () => {
      const at = {};
      for (const one of (await window.torgViewer.pc.getStats()).values()) if (one.type === 'inbound-rtp') at[one.kind] = one.estimatedPlayoutTimestamp;
      return at.video - at.audio;
    });
  }

  /** Milliseconds from drawing to showing, of `count` frames of a 'clock' publisher. */
  latency(count) {
    return this.page.evaluate(async ([body, wanted]) => {
      const read = new Function(`return (${body})`)();
      const { video } = window.torgViewer;
      const out = [];
      for (let tries = 0; out.length < wanted && tries < wanted * 4; tries++) {
        await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
        const drawn = read(video);
        if (drawn >= 0) out.push((((Date.now() - drawn) % 655360) + 655360) % 655360);
      }
      return out;
    }, [readClock.toString(), count]);
  }

  async stop() {
    await this.page.context().close();
  }
}

/** Runs in the page: a WHEP player of some make in a <video> that counts its frames. */
async function playWith([make, url, stage]) {
  const video = document.createElement('video');
  Object.assign(video, { autoplay: true, playsInline: true });
  document.body.append(video);
  const began = performance.now();
  window.torgPlayer = { video, frames: 0, firstMs: 0 };
  const each = () => {
    window.torgPlayer.firstMs ||= performance.now() - began;
    window.torgPlayer.frames++;
    video.requestVideoFrameCallback(each);
  };
  video.requestVideoFrameCallback(each);
  if (make === 'torg') {
    const { WhepSession } = await import(`${stage}torg-player.js`);
    const session = new WhepSession(url);
    session.onStream = (stream) => (video.srcObject = stream);
    await session.start();
    window.torgStop = () => session.stop();
  } else if (make === 'whip-whep') {
    const { WHEPClient } = await import(`${stage}whip-whep-player.js`);
    const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
    const stream = new MediaStream(['audio', 'video'].map((kind) => pc.addTransceiver(kind, { direction: 'recvonly' }).receiver.track));
    video.srcObject = stream;
    const client = new WHEPClient();
    await client.view(pc, url);
    window.torgStop = () => client.stop();
  } else {
    const { WebRTCPlayer } = (await import(`${stage}eyevinn-player.js`)).default; // CommonJS
    const player = new WebRTCPlayer({ video, type: 'whep' });
    await player.load(new URL(url));
    player.unmute();
    window.torgStop = () => player.destroy();
  }
}

/** A page with one player, of a make that playWith knows. */
export class PlayerPage {
  static async start(browser, server, show, make) {
    const player = new PlayerPage();
    await bundle(make.endsWith('-player') ? make : `${make}-player`); // esbuild's time is none of the player's
    player.page = await stagePage(browser, server, { folder: 'whep' });
    await player.page.addInitScript(keepConnections);
    await player.page.goto(`${server.url}${STAGE}`);
    await player.page.evaluate(playWith, [make, show.whep, STAGE]);
    return player;
  }

  /** {frames shown, firstMs from the call to the first of them, width, height, energy (of sound)} */
  look() {
    return this.page.evaluate(async () => {
      const { video, frames, firstMs } = window.torgPlayer;
      const inbound = [...((await window.torgPcs.at(-1)?.getStats()) ?? new Map()).values()].filter((one) => one.type === 'inbound-rtp');
      return { frames, firstMs, width: video.videoWidth, height: video.videoHeight, energy: inbound.find((one) => one.kind === 'audio')?.totalAudioEnergy ?? 0 };
    });
  }

  async playing(timeoutMs = 15000) {
    for (const end = Date.now() + timeoutMs; ; await sleep(100)) {
      const now = await this.look();
      if (now.frames > 3) return now;
      if (Date.now() > end) throw new Error(`no picture: ${JSON.stringify(now)} ${this.page.faults}`);
    }
  }

  async stop() {
    await Promise.race([this.page.evaluate(() => window.torgStop?.()).catch(() => {}), sleep(3000)]);
    await this.page.context().close();
  }
}

/* --- figures ------------------------------------------------------------------------------------ */

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
export const spread = (list) => {
  const s = [...list].sort((a, b) => a - b);
  return s.length ? `median ${median(s).toFixed(0)}, min ${s[0].toFixed(0)}, max ${s.at(-1).toFixed(0)} (${s.length})` : 'none';
};

/**
 * Over one window: how much of what the publisher encoded the viewer decoded.
 * @returns {Promise<{seconds: number, encoded: number, decoded: number, share: number, sound: boolean, width: number, height: number, kbps: number, sent: object, seen: object}>}
 */
export async function compare(publisher, viewer, seconds) {
  const [sent0, seen0] = [await publisher.stats(), await viewer.stats()];
  const began = Date.now();
  await sleep(seconds * 1000);
  const [sent, seen] = [await publisher.stats(), await viewer.stats()];
  const encoded = sent.framesEncoded - sent0.framesEncoded;
  const decoded = seen.framesDecoded - seen0.framesDecoded;
  return {
    seconds: (Date.now() - began) / 1000, encoded, decoded, share: decoded / encoded, sound: seen.energy > seen0.energy && seen.audioPackets > seen0.audioPackets,
    width: seen.width, height: seen.height, kbps: ((sent.bytesSent - sent0.bytesSent) * 8) / (Date.now() - began), sent, seen,
  };
}

/** Lines of a table, for t.diagnostic. */
export function table(rows) {
  const names = Object.keys(rows[0]);
  const width = names.map((name) => Math.max(name.length, ...rows.map((row) => String(row[name]).length)));
  const line = (cells) => cells.map((cell, i) => String(cell).padEnd(width[i])).join('  ');
  return [line(names), ...rows.map((row) => line(names.map((name) => row[name])))];
}
