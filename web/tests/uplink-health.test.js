import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { beforeEach, test } from 'node:test';
import { UplinkHealth } from '../lib/uplink-health.js';

/** @typedef {import('../lib/uplink-health.js').HealthSample} HealthSample */
/** @typedef {import('../lib/wire.js').UplinkTrouble} UplinkTrouble */

let health = new UplinkHealth();
let captured = 0;
beforeEach(() => {
  health = new UplinkHealth();
  captured = 0;
});

/**
 * @param {Partial<import('../lib/sender-stats.js').SenderSample>} [over]
 * @returns {import('../lib/sender-stats.js').SenderSample}
 */
function sender(over = {}) {
  captured += 30;
  return { at: 0, videoBps: 2400000, audioBps: 64000, targetBps: 2500000, fps: 30, captureFps: 30, captured, width: 1280, height: 720, limited: 'none', rttMs: 30, lossPermille: 0, ...over };
}

/** @param {Partial<HealthSample>} [over] @returns {HealthSample} */
const good = (over = {}) => ({ sending: true, maxBps: 2500000, sender: sender(), mic: { rms: 0.05, peak: 0.3 }, ...over });

/**
 * @param {UplinkTrouble[]} troubles
 * @param {Partial<import('../lib/wire.js').UplinkEvent>} [over]
 * @returns {import('../lib/wire.js').UplinkEvent}
 */
const server = (troubles, over = {}) => ({ ev: 'uplink', at: 0, kind: 'rtmp', publisher: 'r', video_bps: 2500000, audio_bps: 128000, width: 1280, height: 720, frames: 30, loss_permille: 0, unrepaired_permille: 0, troubles, ...over });

/**
 * @param {number} seconds
 * @param {() => HealthSample} sample
 */
function run(seconds, sample) {
  for (let i = 0; i < seconds; i++) health.input(sample());
  return health.warnings.map(({ code, level }) => `${code}:${level}`);
}

test('a good minute says nothing', () => {
  assert.deepEqual(run(60, () => good()), []);
});

test('nothing is said about bitrate while the sender finds out', () => {
  assert.deepEqual(run(6, () => good({ sender: sender({ targetBps: 300000, videoBps: 300000, limited: 'bandwidth' }) })), []);
});

test('a weak line is said after seconds, and worse when it is very weak', () => {
  run(10, () => good());
  const weak = () => good({ sender: sender({ targetBps: 700000, videoBps: 700000, limited: 'bandwidth' }) });
  assert.deepEqual(run(3, weak), []);
  assert.deepEqual(run(1, weak), ['low:warn']);
  assert.deepEqual(run(1, () => good({ sender: sender({ targetBps: 200000 }) })), ['low:bad'], 'worse at once');
  assert.deepEqual(run(4, () => good()), ['low:bad'], 'held');
  assert.deepEqual(run(1, () => good()), []);
});

test('a still picture on a good line is no weak line', () => {
  assert.deepEqual(run(30, () => good({ sender: sender({ videoBps: 150000, targetBps: 2500000 }) })), []);
});

test('one bad second between good ones is not said', () => {
  for (let i = 0; i < 30; i++) health.input(i % 2 ? good({ sender: sender({ lossPermille: 60 }) }) : good());
  assert.deepEqual(health.warnings, []);
});

test('half of what it was is falling, before it is low', () => {
  run(12, () => good());
  assert.deepEqual(run(2, () => good({ sender: sender({ targetBps: 1100000 }) })), ['falling:warn']);
  assert.deepEqual(run(16, () => good({ sender: sender({ targetBps: 1100000 }) })), [], 'after a while it is the new speed');
});

test('loss: some warns, much is bad, what the server cannot repair is bad', () => {
  assert.deepEqual(run(3, () => good({ sender: sender({ lossPermille: 40 }) })), ['loss:warn']);
  assert.deepEqual(run(1, () => good({ sender: sender({ lossPermille: 150 }) })), ['loss:bad']);
  health.reset();
  assert.deepEqual(run(3, () => good({ server: server([], { unrepaired_permille: 25 }) })), ['loss:bad']);
});

test('jitter as the server measures it', () => {
  assert.deepEqual(run(3, () => good({ server: server([], { jitter_ms: 80 }) })), ['jitter:warn']);
});

test('a camera that gives no new frame is frozen; one that is off is not', () => {
  run(5, () => good());
  const stuck = () => good({ sender: sender({ captured: 77 }) });
  assert.deepEqual(run(3, stuck), [], 'the first of the three is still news');
  assert.deepEqual(run(1, stuck), ['frozen:bad']);
  assert.deepEqual(run(2, () => good({ cameraOff: true })), ['camera-off:info']);
});

test('silence, and sound at the ceiling', () => {
  assert.deepEqual(run(7, () => good({ mic: { rms: 0, peak: 0 } })), []);
  assert.deepEqual(run(1, () => good({ mic: { rms: 0, peak: 0 } })), ['silent:warn']);
  assert.deepEqual(run(1, () => good()), [], 'one word is enough');
  assert.deepEqual(run(2, () => good({ mic: { rms: 0.6, peak: 1 } })), ['clipped:warn']);
});

test('muted is said as such, and not as silence', () => {
  assert.deepEqual(run(20, () => good({ muted: true, mic: { rms: 0, peak: 0 } })), ['muted:info']);
});

test('a phone that cannot keep up', () => {
  run(7, () => good());
  assert.deepEqual(run(5, () => good({ sender: sender({ limited: 'cpu', fps: 14 }) })), ['cpu:warn']);
  health.reset();
  run(7, () => good());
  assert.deepEqual(run(5, () => good({ sender: sender({ fps: 12 }) })), ['cpu:warn'], 'fewer pictures out than in');
  health.reset();
  run(7, () => good());
  assert.deepEqual(run(8, () => good({ sender: sender({ fps: 12, limited: 'bandwidth' }) })), [], 'that is the line');
});

test('a lost line silences what it explains', () => {
  run(10, () => good({ sender: sender({ lossPermille: 120 }) }));
  assert.deepEqual(run(1, () => good({ lost: true, sender: null }))[0], 'line-lost:bad');
  assert.deepEqual(run(8, () => good({ lost: true, sender: null })), ['line-lost:bad']);
  assert.deepEqual(run(1, () => good()), []);
});

test('the gravest comes first', () => {
  const list = run(20, () => good({ muted: true, sender: sender({ captured: 5, lossPermille: 50 }) }));
  assert.deepEqual(list, ['frozen:bad', 'loss:warn', 'muted:info']);
});

test('studio equipment: the words of the server alone', () => {
  const rig = (/** @type {UplinkTrouble[]} */ ...troubles) => () => /** @type {HealthSample} */ ({ sending: false, server: server(troubles, { video_bps: 900000 }) });
  assert.deepEqual(run(20, rig('low', 'silent')), ['low:warn', 'silent:warn']);
  assert.deepEqual(run(20, rig('frozen')), ['frozen:bad']);
  assert.deepEqual(run(20, rig('falling', 'jitter', 'clipped', 'loss')).sort(), ['clipped:warn', 'falling:warn', 'jitter:warn', 'loss:warn']);
  assert.deepEqual(run(1, () => ({ sending: false })), []);
});

test('every warning says what to do, in every language', async () => {
  const codes = ['line-lost', 'frozen', 'low', 'loss', 'cpu', 'falling', 'jitter', 'silent', 'clipped', 'camera-off', 'muted'];
  for (const language of ['en', 'nb', 'sv']) {
    const table = JSON.parse(await readFile(new URL(`../i18n/${language}.json`, import.meta.url), 'utf8'));
    for (const code of codes) assert.ok(table[`health.${code}`] && table[`health.${code}.do`], `${language} ${code}`);
  }
});
