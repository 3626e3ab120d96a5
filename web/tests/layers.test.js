import assert from 'node:assert/strict';
import { test } from 'node:test';
import { layerFor, layerLabel, readLayers } from '../lib/layers.js';
import { linkTarget } from '../lib/link-header.js';

const told = {
  0: [
    { rid: '2', width: 426, height: 240, bitrate: 250000 },
    { rid: '0', width: 1280, height: 720, bitrate: 2000000, current: true },
    { rid: '1', width: 848, height: 480, bitrate: 900000, pinned: true },
    { rid: '3', width: 320, height: 180 },
    { rid: 4, width: 1, height: 1, bitrate: 1 },
  ],
};

test('layers: the active ones of a known size, the best first', () => {
  const layers = readLayers(told);
  assert.deepEqual(layers.map(({ rid, lines, current, pinned }) => [rid, lines, current, pinned]), [['0', 720, true, false], ['1', 480, false, true], ['2', 240, false, false]]);
  assert.deepEqual(readLayers({ 1: [{ rid: '0', width: 720, height: 1280, bitrate: 5 }] })[0]?.lines, 720, 'a phone held upright');
  for (const nothing of [null, undefined, {}, { 0: [] }, { 0: 'x' }, []]) assert.deepEqual(readLayers(nothing), []);
});

test('labels: lines, and the bitrate where two are of one size', () => {
  const layers = readLayers(told);
  assert.deepEqual(layers.map((layer) => layerLabel(layer, layers)), ['720p', '480p', '240p']);
  const twins = readLayers({ 0: [{ rid: '0', width: 1280, height: 720, bitrate: 2500000 }, { rid: '1', width: 1280, height: 720, bitrate: 1200000 }] });
  assert.deepEqual(twins.map((layer) => layerLabel(layer, twins)), ['720p (2.5 Mbit/s)', '720p (1.2 Mbit/s)']);
});

test('a size chosen in another show: the same, the next below, or the smallest', () => {
  const layers = readLayers(told);
  assert.equal(layerFor(layers, 480)?.rid, '1');
  assert.equal(layerFor(layers, 540)?.rid, '1');
  assert.equal(layerFor(layers, 1080)?.rid, '0');
  assert.equal(layerFor(layers, 144)?.rid, '2');
  assert.equal(layerFor(layers, 0), null);
  assert.equal(layerFor([], 480), null);
});

test('Link headers: the target of a relation', () => {
  const base = 'https://torg.test/whep/demo/0.x';
  const header = '<stun:stun.example:3478>; rel="ice-server", </whep/demo/0.x/layer?video=1>; rel="urn:ietf:params:whep:ext:core:layer", '
    + '</whep/demo/0.x/sse>; rel="urn:ietf:params:whep:ext:core:server-sent-events"; events="active,inactive,layers"';
  assert.equal(linkTarget(header, 'urn:ietf:params:whep:ext:core:layer', base), 'https://torg.test/whep/demo/0.x/layer?video=1');
  assert.equal(linkTarget(header, 'urn:ietf:params:whep:ext:core:server-sent-events', base), 'https://torg.test/whep/demo/0.x/sse');
  assert.equal(linkTarget('<b>;rel=next', 'next', base), 'https://torg.test/whep/demo/b');
  assert.equal(linkTarget(header, 'layer', base), '');
  assert.equal(linkTarget(null, 'layer', base), '');
  assert.equal(linkTarget('nonsense, <', 'layer', base), '');
});
