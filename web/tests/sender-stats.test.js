import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSender } from '../lib/sender-stats.js';

test('rates are of the time between two readings; layers are summed, the best one speaks', () => {
  const first = readSender([{ type: 'outbound-rtp', kind: 'video', bytesSent: 1000 }, { type: 'outbound-rtp', kind: 'audio', bytesSent: 100 }], 1000, null);
  assert.equal(first.sample.videoBps, 0);
  const { sample } = readSender([
    { type: 'outbound-rtp', kind: 'video', bytesSent: 101000, frameHeight: 360, frameWidth: 640, framesPerSecond: 15, targetBitrate: 300000, qualityLimitationReason: 'cpu' },
    { type: 'outbound-rtp', kind: 'video', bytesSent: 150000, frameHeight: 720, frameWidth: 1280, framesPerSecond: 30, targetBitrate: 2000000, qualityLimitationReason: 'bandwidth' },
    { type: 'outbound-rtp', kind: 'audio', bytesSent: 8100 },
    { type: 'media-source', kind: 'video', framesPerSecond: 30, frames: 60 },
    { type: 'remote-inbound-rtp', kind: 'video', roundTripTime: 0.05, fractionLost: 0.031 },
    { type: 'remote-inbound-rtp', kind: 'audio', roundTripTime: 0.04, fractionLost: 0.5 },
    { type: 'candidate-pair', nominated: true, state: 'succeeded', currentRoundTripTime: 0.9 },
  ], 3000, first.counters);
  assert.deepEqual(sample, {
    at: 3000, videoBps: 1000000, audioBps: 32000, targetBps: 2300000, fps: 30, captureFps: 30, captured: 60, width: 1280, height: 720,
    limited: 'cpu', rttMs: 50, lossPermille: 31,
  });
});

test('a counter that starts anew gives no negative rate; the path tells the round trip alone', () => {
  const { sample } = readSender([{ type: 'outbound-rtp', kind: 'video', bytesSent: 10 }, { type: 'candidate-pair', nominated: true, state: 'succeeded', currentRoundTripTime: 0.02 }], 2000, { at: 1000, video: 5000, audio: 0 });
  assert.equal(sample.videoBps, 0);
  assert.equal(sample.rttMs, 20);
  assert.equal(sample.lossPermille, -1);
});
