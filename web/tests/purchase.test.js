import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backoff } from '../lib/backoff.js';
import { campaign } from '../lib/identity.js';
import { PendingStore, answered, newPurchase } from '../lib/purchase.js';

/** @type {import('../lib/wire.js').BuyOp} */
const buy = { op: 'buy', sku: 'mug', qty: 1, price: 24900 };

test('a purchase has one key, fit for the contract', () => {
  const one = newPurchase(buy);
  assert.match(one.id, /^[A-Za-z0-9_-]{1,64}$/);
  assert.notEqual(one.id, newPurchase(buy).id);
  assert.equal(answered(one, { re: one.id, ok: false, code: 'busy' }).id, one.id);
});

test('each answer has its state', () => {
  const one = newPurchase(buy);
  const state = (/** @type {any} */ reply) => answered(one, { re: one.id, ...reply }).state;
  assert.equal(state({ ok: true, order: { id: 'o' } }), 'ordered');
  assert.equal(state({ ok: false, code: 'sold_out' }), 'sold_out');
  const promised = answered(one, { re: one.id, ok: false, code: 'sold_out', back_order: 2, ships_from: null });
  assert.deepEqual([promised.backOrder, promised.shipsFrom], [2, null]);
  assert.equal(state({ ok: false, code: 'limit' }), 'limit');
  assert.equal(state({ ok: false, code: 'busy' }), 'busy');
  assert.equal(state({ ok: false, code: 'closed' }), 'refused');
  assert.equal(state({ ok: true }), 'refused', 'a success without an order is none');
  const price = { amount: 99900, currency: 'NOK' };
  assert.deepEqual(answered(one, { re: one.id, ok: false, code: 'price_changed', price }).price, price);
  assert.deepEqual(answered(one, { re: one.id, ok: false, code: 'price_changed', total: price }).total, price);
});

test('what waits for its answer survives a reload', () => {
  /** @type {Map<string, string>} */
  const disk = new Map();
  const storage = { getItem: (/** @type {string} */ k) => disk.get(k) ?? null, setItem: (/** @type {string} */ k, /** @type {string} */ v) => { disk.set(k, v); } };
  const one = newPurchase(buy);
  new PendingStore(storage, 'demo').add(one);
  new PendingStore(storage, 'demo').add(one);
  assert.deepEqual(new PendingStore(storage, 'demo').list(), [one]);
  assert.deepEqual(new PendingStore(storage, 'other').list(), []);
  new PendingStore(storage, 'demo').remove(one.id);
  assert.deepEqual(new PendingStore(storage, 'demo').list(), []);
});

test('broken or missing storage is no harm', () => {
  assert.deepEqual(new PendingStore(null, 'demo').list(), []);
  const broken = { getItem: () => '{', setItem: () => { throw new Error('full'); } };
  const store = new PendingStore(broken, 'demo');
  store.add(newPurchase(buy));
  assert.deepEqual(store.list(), []);
});

test('waits double up to their end, with jitter on the upper half', () => {
  for (const random of [0, 0.999]) {
    const backoff = new Backoff({ firstMs: 100, maxMs: 1000, random: () => random });
    const steps = [100, 200, 400, 800, 1000, 1000];
    for (const step of steps) assert.equal(backoff.next(), Math.round(step * (0.5 + random / 2)));
    backoff.reset();
    assert.ok(backoff.next() <= 100);
  }
});

test('the campaign is taken from the address, and bounded', () => {
  assert.equal(campaign('?source=insta'), 'insta');
  assert.equal(campaign('?utm_source=mail&x=1'), 'mail');
  assert.equal(campaign(''), '');
  assert.equal(campaign(`?source=${'a'.repeat(100)}`).length, 64);
});
