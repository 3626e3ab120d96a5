import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PLAIN, itemOf, windowAt, withItem, withPlace } from '../lib/selling.js';
import { emptyModel, reduce } from '../lib/show-model.js';

const item = { sku: 'mug', number: null, from: 10000, until: 20000 };

test('a window is read off the show\'s clock', () => {
  assert.deepEqual(windowAt(item, 9001), { state: 'early', left: 1 });
  assert.deepEqual(windowAt(item, 10000), { state: 'open', left: 10 });
  assert.deepEqual(windowAt(item, 20000), { state: 'late', left: null });
  assert.deepEqual(windowAt({ ...item, until: null }, 10000), { state: 'open', left: null });
  assert.deepEqual(windowAt(undefined, 5), { state: 'open', left: null });
  assert.deepEqual(windowAt(item, null), { state: 'open', left: null }, 'without a clock the server decides');
});

test('an item that says nothing any more is gone', () => {
  const selling = withItem(PLAIN, item);
  assert.equal(itemOf(selling, 'mug')?.until, 20000);
  assert.deepEqual(withItem(selling, { ...item, until: 30000 }).items.map((i) => i.until), [30000]);
  assert.deepEqual(withItem(selling, { sku: 'mug', number: null, from: null, until: null }).items, []);
  assert.deepEqual(PLAIN.items, []);
});

test('a place is kept until it is bought or left; a turn gone by until it was read', () => {
  /** @type {import('../lib/wire.js').Waiting} */
  const place = { sku: 'mug', state: 'waiting', place: 2, qty: 1, until: null };
  const one = withPlace({}, place);
  assert.equal(one.mug?.place, 2);
  assert.equal(withPlace(one, { ...place, state: 'lapsed', place: 0 }).mug?.state, 'lapsed');
  assert.deepEqual(withPlace(one, { ...place, state: 'taken', place: 0 }), {});
  const model = reduce({ ...emptyModel(), waiting: one }, { ev: 'waiting', ...place, state: 'turn', place: 1, until: '2026-11-22T20:00:00Z' });
  assert.equal(model.waiting.mug?.state, 'turn');
});
