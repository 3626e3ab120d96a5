import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { Backoff } from '../lib/backoff.js';
import { CLOSED_GRACE_MS, RESTART_MS, UNSTEADY_MS, WhipPublisher, maxBitrate, preferH264 } from '../lib/whip.js';

const sdp = (/** @type {string} */ ufrag) => `v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 102\r\na=ice-ufrag:${ufrag}\r\na=ice-pwd:${ufrag}-password-of-24-chars\r\na=mid:0\r\n`;

/** A connection whose path the test moves. */
class FakePeer {
  /** @type {FakePeer[]} */
  static all = [];
  connectionState = 'new';
  iceConnectionState = 'new';
  signalingState = 'stable';
  closed = false;
  restarts = 0;
  /** @type {{ type: string, sdp: string } | null} */
  remoteDescription = null;
  /** @type {() => void} */
  onconnectionstatechange = () => {};
  dtls = { state: 'connected', onstatechange: () => {} };
  /** @type {any[]} */
  transceivers = [];

  constructor() {
    FakePeer.all.push(this);
  }

  /** @param {any} track @param {any} init */
  addTransceiver(track, init) {
    const sender = { transport: this.dtls, parameters: { encodings: (init.sendEncodings ?? [{}]).map((/** @type {any} */ e) => ({ ...e })) }, getParameters() { return this.parameters; }, setParameters: async () => {}, replaceTrack: async () => {} };
    const transceiver = { sender, receiver: { track: { kind: track.kind } }, init };
    this.transceivers.push(transceiver);
    return transceiver;
  }

  getTransceivers() { return this.transceivers; }
  getSenders() { return this.transceivers.map(({ sender }) => sender); }

  /** @param {{ iceRestart?: boolean }} [options] */
  async createOffer(options) {
    if (options?.iceRestart) this.restarts++;
    return { type: 'offer', sdp: sdp(`cli${this.restarts}`) };
  }

  async setLocalDescription() {}
  /** @param {{ type: string, sdp: string }} description */
  async setRemoteDescription(description) { this.remoteDescription = description; }
  async getStats() { return new Map(); }
  close() { this.closed = true; }

  /** @param {string} state */
  path(state) {
    this.connectionState = state;
    this.iceConnectionState = state;
    this.onconnectionstatechange();
  }
}

/** @type {{ method: string, url: string, headers: Record<string, string>, keepalive?: boolean }[]} */
let asked = [];
/** @type {(method: string) => { status: number, body?: string, headers?: Record<string, string> } | Error} */
let answer;
let posts = 0;
/** @type {string[]} */
let states = [];
/** @type {WhipPublisher} */
let whip;

const last = () => /** @type {FakePeer} */ (FakePeer.all.at(-1));
/** Lets promises run; the mocked clock stands still. */
const settle = async () => { for (let i = 0; i < 30; i++) await Promise.resolve(); };
/** @param {number} ms */
async function pass(ms) {
  mock.timers.tick(ms);
  await settle();
}
const methods = () => asked.map(({ method }) => method).join(' ');
const track = { kind: 'video', contentHint: '' };

beforeEach(() => {
  mock.timers.enable({ apis: ['setTimeout'] });
  FakePeer.all = [];
  asked = [];
  states = [];
  posts = 0;
  answer = (method) => {
    if (method === 'POST') return { status: 201, body: sdp('srv0'), headers: { location: `/whip/demo/s${++posts}`, 'torg-publisher': `w0-${posts}` } };
    if (method === 'PATCH') return { status: 200, body: 'a=ice-ufrag:srv9\r\na=ice-pwd:new-password-of-24-chars\r\n' };
    return { status: 200 };
  };
  Object.assign(globalThis, {
    RTCPeerConnection: FakePeer,
    RTCRtpSender: {},
    fetch: async (/** @type {string} */ url, /** @type {any} */ init) => {
      asked.push({ method: init.method, url, headers: init.headers, keepalive: init.keepalive });
      const it = answer(init.method);
      if (it instanceof Error) throw it;
      const headers = new Headers(it.headers);
      return { status: it.status, headers, url: new URL(url, 'https://torg.test').href, statusText: '', text: async () => it.body ?? '', json: async () => ({ detail: 'said no' }) };
    },
  });
  whip = new WhipPublisher('https://torg.test/whip/demo', { backoff: new Backoff({ firstMs: 400, maxMs: 8000, random: () => 1 }) });
  whip.onState = (state) => states.push(state);
});

afterEach(() => {
  whip.stop();
  mock.timers.reset();
});

async function live(settings = {}) {
  const stream = { getTracks: () => [track], addTrack() {}, removeTrack() {} };
  await whip.start(/** @type {any} */ (stream), { maxBitrate: 2500000, ...settings });
  last().path('connected');
}

test('offer, answer, live, and the end told to the server', async () => {
  await live();
  assert.deepEqual(states, ['connecting', 'live']);
  assert.equal(whip.publisher, 'w0-1');
  assert.equal(track.contentHint, 'motion');
  assert.equal(last().transceivers[0].init.direction, 'sendonly');
  whip.stop();
  assert.equal(methods(), 'POST DELETE');
  assert.deepEqual([asked[1]?.url, asked[1]?.keepalive], ['https://torg.test/whip/demo/s1', true]);
  assert.equal(last().closed, true);
  assert.equal(whip.state, 'idle');
});

test('three sizes at once', async () => {
  await live({ simulcast: true });
  assert.deepEqual(last().transceivers[0].init.sendEncodings.map((/** @type {any} */ e) => e.rid), ['low', 'mid', 'high']);
  await whip.adjust({ maxBitrate: 1200000 });
  assert.deepEqual(last().transceivers[0].sender.parameters.encodings.map((/** @type {any} */ e) => e.maxBitrate), [120000, 400000, 1200000]);
});

test('a path that comes back by itself is left alone', async () => {
  await live();
  last().path('disconnected');
  await pass(UNSTEADY_MS - 1);
  last().path('connected');
  await pass(60000);
  assert.equal(methods(), 'POST');
  assert.equal(whip.state, 'live');
});

test('a path away for two seconds: ICE restart on the same session', async () => {
  await live();
  last().path('disconnected');
  await pass(UNSTEADY_MS);
  assert.equal(whip.state, 'reconnecting');
  assert.equal(asked[1]?.method, 'PATCH');
  assert.equal(asked[1]?.headers['If-Match'], '"*"');
  assert.match(last().remoteDescription?.sdp ?? '', /ice-ufrag:srv9/);
  last().path('connected');
  assert.equal(whip.state, 'live');
  await pass(60000);
  assert.equal(methods(), 'POST PATCH');
});

test('a restart that does not help within five seconds: a new session', async () => {
  await live();
  last().path('disconnected');
  await pass(UNSTEADY_MS);
  last().path('failed');
  await pass(RESTART_MS);
  assert.equal(methods(), 'POST PATCH DELETE');
  await pass(400);
  assert.equal(methods(), 'POST PATCH DELETE POST');
  last().path('connected');
  assert.deepEqual(states, ['connecting', 'live', 'reconnecting', 'live']);
  assert.equal(FakePeer.all.length, 2);
});

test('a server that cannot restart: a new session at once', async () => {
  await live();
  const usual = answer;
  answer = (method) => method === 'PATCH' ? { status: 405 } : usual(method);
  last().path('failed');
  await settle();
  await pass(400);
  assert.equal(methods(), 'POST PATCH DELETE POST');
});

test('without a network it is tried for ever, with growing waits', async () => {
  await live();
  answer = () => new TypeError('no network');
  last().path('failed');
  await settle();
  await pass(400);
  const before = asked.filter(({ method }) => method === 'POST').length;
  for (let i = 0; i < 600; i++) await pass(1000);
  const tries = asked.filter(({ method }) => method === 'POST').length - before;
  assert.ok(tries > 50 && tries < 100, `${tries} tries in ten minutes`);
  assert.equal(whip.state, 'reconnecting');
});

test('a refusal that no try changes is final, and says why', async () => {
  answer = () => ({ status: 403 });
  await live().catch(() => {});
  await pass(60000);
  assert.equal(methods(), 'POST');
  assert.deepEqual(whip.problem, { status: 403, message: 'said no' });
  assert.equal(whip.state, 'failed');
});

test('somebody else on air: taken over, and no word of ours after it', async () => {
  await live();
  whip.heard({ state: 'on', publisher: 'w0-1' });
  assert.equal(whip.state, 'live');
  whip.heard({ state: 'stalled', publisher: 'r0-1' });
  whip.heard({ state: 'on', publisher: '' }); // the demo host, nobody
  assert.equal(whip.state, 'live');
  whip.heard({ state: 'on', publisher: 'r0-1' });
  assert.equal(whip.state, 'taken-over');
  await pass(60000);
  assert.equal(methods(), 'POST DELETE');
});

test('news of whom we are about to replace is no takeover', async () => {
  const stream = { getTracks: () => [track], addTrack() {}, removeTrack() {} };
  await whip.start(/** @type {any} */ (stream), { maxBitrate: 1 }, 'r0-1');
  last().path('connected');
  whip.heard({ state: 'on', publisher: 'r0-1' });
  assert.equal(whip.state, 'live');
  whip.heard({ state: 'on', publisher: 'w0-1' });
  whip.heard({ state: 'on', publisher: 'r0-1' });
  assert.equal(whip.state, 'taken-over', 'it came back after us');
});

test('the server closes the session: time for the word of a takeover, no war over the show', async () => {
  await live();
  whip.heard({ state: 'on', publisher: 'w0-1' });
  last().dtls.state = 'closed';
  last().dtls.onstatechange();
  await pass(CLOSED_GRACE_MS - 1);
  assert.equal(methods(), 'POST DELETE');
  whip.heard({ state: 'on', publisher: 'w0-9' });
  await pass(60000);
  assert.equal(methods(), 'POST DELETE');
  assert.equal(whip.state, 'taken-over');
});

test('late news of our own older session is no takeover', async () => {
  await live();
  whip.heard({ state: 'on', publisher: 'w0-1' });
  last().dtls.state = 'closed';
  last().dtls.onstatechange();
  await pass(CLOSED_GRACE_MS);
  last().path('connected');
  assert.equal(whip.publisher, 'w0-2');
  whip.heard({ state: 'on', publisher: 'w0-1' });
  assert.equal(whip.state, 'live');
});

test('stopped while the answer is on its way: the session is ended', async () => {
  const started = live().catch(() => {});
  whip.stop();
  await started;
  await settle();
  assert.equal(methods(), 'POST DELETE');
});

test('codecs: H.264 first, baseline before main, VP8 then, nothing that the server does not take', () => {
  const codec = (/** @type {string} */ mimeType, sdpFmtpLine = '') => ({ mimeType, sdpFmtpLine });
  const sorted = preferH264([codec('video/VP8'), codec('video/rtx'), codec('video/H264', 'packetization-mode=0;profile-level-id=42e01f'), codec('video/VP9'), codec('video/AV1'),
    codec('video/H264', 'packetization-mode=1;profile-level-id=4d001f'), codec('video/H264', 'packetization-mode=1;profile-level-id=42e01f'), codec('video/red')]);
  assert.deepEqual(sorted.map(({ mimeType, sdpFmtpLine }) => `${mimeType} ${sdpFmtpLine}`.trim()), [
    'video/H264 packetization-mode=1;profile-level-id=42e01f', 'video/H264 packetization-mode=1;profile-level-id=4d001f',
    'video/H264 packetization-mode=0;profile-level-id=42e01f', 'video/VP8', 'video/rtx']);
});

test('bitrates by size', () => {
  assert.deepEqual([480, 720, 1080].map(maxBitrate), [1200000, 2500000, 4500000]);
});
