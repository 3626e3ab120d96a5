import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApplyQueue, FRAME_STALE_MS, HOLD_MAX_MS, MediaClock } from '../lib/media-clock.js';

const WRAP = 2 ** 32;
/** @param {number} mediaMs */
const rtp = (mediaMs) => (mediaMs * 90) % WRAP;

test('without a clock event nothing is known', () => {
  const clock = new MediaClock();
  assert.equal(clock.frame(1234, 0), null);
  assert.equal(clock.onScreen(0), null);
});

test('a frame gives its media time by division', () => {
  const clock = new MediaClock();
  clock.setAnchor(60000, 1000);
  assert.equal(clock.frame(rtp(59800), 1005), 59800);
  assert.equal(clock.onScreen(1010), 59800);
});

test('high bits come from the clock, on both sides of the wrap', () => {
  const lap = WRAP / 90; // 13 h 15 min
  for (const base of [lap - 100, lap, lap + 100, 5 * lap + 3]) {
    const clock = new MediaClock();
    clock.setAnchor(base, 0);
    for (const behind of [0, 40, 300, 5000]) {
      const media = Math.round(base - behind);
      assert.equal(clock.fromRtp(rtp(media), 0), media, `${behind} ms behind ${base}`);
    }
    const ahead = Math.round(base + 90);
    assert.equal(clock.fromRtp(rtp(ahead), 0), ahead);
  }
});

test('frames over the wrap stay in order', () => {
  const lap = Math.floor(WRAP / 90);
  const clock = new MediaClock();
  clock.setAnchor(lap - 500, 0);
  let last = -1;
  for (let ms = 0; ms < 2000; ms += 33) {
    const media = clock.frame(rtp(lap - 600 + ms), ms) ?? NaN;
    assert.ok(media > last, `${media} after ${last}`);
    last = media;
  }
});

test('when the picture freezes the wall leads', () => {
  const clock = new MediaClock();
  clock.setAnchor(10000, 0);
  clock.frame(rtp(9900), 50);
  assert.equal(clock.onScreen(50 + FRAME_STALE_MS - 1), 9900);
  assert.equal(clock.onScreen(50 + FRAME_STALE_MS), 10000 + 50 + FRAME_STALE_MS);
  clock.forgetFrame();
  assert.equal(clock.onScreen(60), 10060);
});

test('an event waits for its frame, not longer and not shorter', () => {
  const queue = new ApplyQueue();
  queue.push('pin', 10000, 0);
  assert.deepEqual(queue.due(9999, 10), []);
  assert.deepEqual(queue.due(10000, 20), ['pin']);
  assert.equal(queue.size, 0);
});

test('nothing overtakes an earlier event', () => {
  const queue = new ApplyQueue();
  queue.push('first', 500, 0);
  queue.push('second', 400, 1);
  assert.deepEqual(queue.due(450, 2), []);
  assert.deepEqual(queue.due(500, 3), ['first', 'second']);
});

test('no event is held for ever by a clock that is wrong', () => {
  const queue = new ApplyQueue();
  queue.push('pin', 1e12, 0);
  assert.deepEqual(queue.due(5, HOLD_MAX_MS - 1), []);
  assert.deepEqual(queue.due(5, HOLD_MAX_MS), ['pin']);
});

test('without any media time events apply at once', () => {
  const queue = new ApplyQueue();
  queue.push('pin', 10000, 0);
  assert.deepEqual(queue.due(null, 0), ['pin']);
});
