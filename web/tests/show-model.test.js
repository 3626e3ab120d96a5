import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyModel, findSku, isSoldOut, optionWords, productStock, reduce, scarce, waitsForFrame } from '../lib/show-model.js';

const nok = (/** @type {number} */ amount) => ({ amount, currency: 'NOK' });

function joined() {
  return /** @type {import('../lib/wire.js').JoinedEvent} */ ({
    ev: 'joined', seq: 1, you: { id: 'p', name: '' }, show: { id: 'demo', title: 'T', state: 'live', on_air: true },
    clock: { media_ms: 0, wall: '' },
    products: [
      { id: '1', title: 'Sweater', number: 1, images: [], variants: [{ sku: 's-m', options: { size: 'M' }, price: nok(100), stock: 3 }, { sku: 's-l', options: { size: 'L' }, price: nok(100), stock: 'many' }] },
      { id: '2', title: 'Mug', number: 2, images: [], variants: [{ sku: 'mug', options: {}, price: nok(50), stock: 0 }] },
    ],
    pinned: [], recent: [], viewers: 2,
  });
}

/** @param {any[]} events */
const after = (...events) => events.reduce(reduce, reduce(emptyModel(), joined()));

test('options in words', () => {
  assert.equal(optionWords({ size: 'M', colour: 'navy' }), 'M · navy');
  assert.equal(optionWords({ pack: '2' }), 'pack 2');
  assert.equal(optionWords({ size: '36–39' }), 'size 36–39');
  assert.equal(optionWords(undefined), '');
});

test('the latest pin is the last, and pinning twice is pinning once', () => {
  const model = after({ ev: 'pin', sku: 'mug' }, { ev: 'pin', sku: 's-m' }, { ev: 'pin', sku: 'mug' });
  assert.deepEqual(model.pinned, ['s-m', 'mug']);
  assert.deepEqual(reduce(model, /** @type {any} */ ({ ev: 'unpin', sku: 'mug' })).pinned, ['s-m']);
});

test('a flash price comes and goes', () => {
  const flash = after({ ev: 'price', sku: 's-m', value: nok(80), compare_at: nok(100), until: '2026-01-01T00:00:00Z', lowest_30d: nok(90), left: 7 });
  const variant = findSku(flash.products, 's-m')?.variant;
  assert.deepEqual([variant?.price, variant?.compare_at, variant?.until], [nok(80), nok(100), '2026-01-01T00:00:00Z']);
  const over = findSku(reduce(flash, /** @type {any} */ ({ ev: 'price', sku: 's-m', value: nok(100) })).products, 's-m')?.variant;
  assert.deepEqual([over?.price, over?.compare_at, over?.until], [nok(100), undefined, undefined]);
  assert.deepEqual([variant?.lowest_30d, variant?.left, over?.lowest_30d, over?.left], [nok(90), 7, undefined, undefined]);
});

test('stock of one variant leaves the others, and unknown SKUs are no harm', () => {
  const model = after({ ev: 'stock', sku: 's-l', value: 0 }, { ev: 'stock', sku: 'nobody', value: 5 });
  assert.equal(findSku(model.products, 's-l')?.variant.stock, 0);
  assert.equal(findSku(model.products, 's-m')?.variant.stock, 3);
});

test('numbers are shown only when they are true and small', () => {
  assert.equal(scarce('many'), null);
  assert.equal(scarce(11), null);
  assert.equal(scarce(3), 3);
  assert.equal(scarce(0), null);
  assert.equal(isSoldOut(0), true);
  assert.equal(isSoldOut('many'), false);
  const [sweater, mug] = joined().products;
  assert.ok(sweater && mug);
  assert.equal(productStock(sweater), 'many');
  assert.equal(productStock(mug), 0);
});

test('chat stays in order of n, without doubles, and bounded', () => {
  const line = (/** @type {number} */ n) => ({ ev: 'chat', n, at: 0, id: `c${n}`, from: { id: 'p', name: '' }, text: String(n) });
  const model = after(line(1), line(3), line(2), line(3));
  assert.deepEqual(model.chat.map((/** @type {any} */ m) => m.n), [1, 2, 3]);
  let long = model;
  for (let n = 4; n < 1000; n++) long = reduce(long, /** @type {any} */ (line(n)));
  assert.ok(long.chat.length <= 300);
  assert.equal(long.chat.at(-1)?.n, 999);
});

test('a hidden line can be shown again', () => {
  const line = { ev: 'chat', n: 1, at: 0, id: 'c1', from: { id: 'p', name: '' }, text: 'x' };
  const hidden = after(line, { ev: 'chat.hidden', seq: 2, id: 'c1' });
  assert.equal(hidden.chat[0]?.hidden, true);
  assert.equal(reduce(hidden, /** @type {any} */ ({ ev: 'chat.hidden', seq: 3, id: 'c1', undo: true })).chat[0]?.hidden, false);
});

test('what belongs to the picture waits for it, what is left in stock does not', () => {
  for (const ev of ['pin', 'unpin', 'price', 'show', 'announce']) assert.equal(waitsForFrame(/** @type {any} */ ({ ev })), true, ev);
  for (const ev of ['stock', 'sold', 'chat', 'viewers', 'order', 'cart']) assert.equal(waitsForFrame(/** @type {any} */ ({ ev })), false, ev);
});

test('coming back keeps the chat and takes the shop of now', () => {
  const line = { ev: 'chat', n: 1, at: 0, id: 'c1', from: { id: 'p', name: '' }, text: 'x' };
  const model = after(line, { ev: 'pin', sku: 'mug' }, joined());
  assert.equal(model.chat.length, 1);
  assert.deepEqual(model.pinned, []);
});
