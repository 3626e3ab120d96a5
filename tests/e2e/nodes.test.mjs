// Two nodes on one PostgreSQL share one truth: exact sales of hot SKUs, each shows the other's stock within a
// second, and the holds of a node that dies expire on time through the other. long/nodes.test.mjs: full size.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Buyers } from '../bench/lib/buyers.mjs';
import { Channel } from './lib/channel.mjs';
import { Postgres, postgresBin } from './lib/postgres.mjs';
import { assertAudit, skuName, standing, startShop } from './lib/shop.mjs';

const INTENTS = Number(process.env.TORG_NODES_INTENTS ?? 2000);
const SKUS = Number(process.env.TORG_NODES_SKUS ?? 20);
const UNITS = INTENTS / SKUS / 2; // half of what is wanted
const SOCKETS = 50;
const HOLD_S = 10;

const skip = postgresBin() === null && 'PostgreSQL is not installed';

async function twoNodes(t, { skus, units, env = {} }) {
  const postgres = await Postgres.start();
  t.after(() => postgres.stop());
  const one = await startShop({ skus, units, postgres, env: { TORG_SHOP_PERSON_MAX: '100', ...env } });
  t.after(() => one.stop().catch((error) => { if (!one.killed) throw error; }));
  const two = await startShop({ skus, units, postgres, fresh: false, env: { TORG_SHOP_PERSON_MAX: '100', ...env } });
  t.after(() => two.stop());
  two.show = one.show; // its tokens are in the database
  two.keeperToken = one.keeperToken;
  return { one, two };
}

/** Stock is the whole shop's. */
const keeper = (server) => Channel.open(server, 'bench', { token: server.keeperToken });

test(`${INTENTS} intents split between two nodes on ${SKUS} hot SKUs: exact`, { skip }, async (t) => {
  const { one, two } = await twoNodes(t, { skus: SKUS, units: UNITS });
  const skus = Array.from({ length: SKUS }, (_, i) => skuName(i));
  const crowds = [one, two].map((server, i) => new Buyers(server, { sockets: SOCKETS, intents: INTENTS / 2, within: 0, skus, prefix: `n${i}` }));
  await Promise.all(crowds.map((crowd) => crowd.ready()));
  for (const crowd of crowds) crowd.go();
  const results = await Promise.all(crowds.map((crowd) => crowd.done()));
  for (const result of results) {
    assert.equal(result.answered, INTENTS / 2, JSON.stringify(result));
    assert.equal(result.doubled + result.closed, 0);
    assert.deepEqual(Object.keys(result.kinds.buy.codes).sort(), ['ok', 'sold_out']);
  }
  const orders = results.reduce((sum, result) => sum + result.orders, 0);
  t.diagnostic(`${results.map((r) => `${r.orders} orders in ${r.last_answer_s.toFixed(2)} s`).join(', ')}`);
  assert.equal(orders, SKUS * UNITS);
  for (const server of [one, two]) {
    assert.deepEqual(await standing(server), { orders, units: orders });
    await assertAudit(server);
  }
});

test('each node shows what happens on the other within a second', { skip }, async (t) => {
  const { one, two } = await twoNodes(t, { skus: 2, units: 5 });
  for (const [here, there, sku] of [[one, two, skuName(0)], [two, one, skuName(1)]]) {
    const staff = await keeper(here);
    const viewer = await Channel.open(there, 'bench');
    for (const set of [3, 7]) {
      assert.equal((await staff.ask({ op: 'stock', sku, set })).ok, true);
      const told = performance.now();
      await viewer.event((e) => e.ev === 'stock' && e.sku === sku && e.value === set, 5000);
      const took = performance.now() - told;
      t.diagnostic(`stock seen on the other node after ${took.toFixed(0)} ms`);
      assert.ok(took < 1000);
    }
    const buyer = await Channel.open(here, 'bench');
    const bought = await buyer.ask({ op: 'buy', sku, qty: 2 });
    assert.equal(bought.ok, true, JSON.stringify(bought));
    await viewer.event((e) => e.ev === 'stock' && e.sku === sku && e.value === 5, 1000);
    for (const channel of [staff, viewer, buyer]) channel.close();
    await fetch(`${here.url}/api/v1/payments/${bought.order.pay_url.split('/').at(-1)}/sandbox`, {
      method: 'POST', headers: { 'content-type': 'application/json', 'idempotency-key': 'p' }, body: '{"paid":true}',
    });
  }
});

test("a dead node's holds expire on time through the other", { skip }, async (t) => {
  const { one, two } = await twoNodes(t, { skus: 1, units: 1, env: { TORG_SHOP_HOLD_S: String(HOLD_S) } });
  const buyer = await Channel.open(one, 'bench');
  const bought = await buyer.ask({ op: 'buy', sku: skuName(0), qty: 1 });
  assert.equal(bought.ok, true, JSON.stringify(bought));
  const viewer = await Channel.open(two, 'bench');
  assert.equal((await viewer.ask({ op: 'buy', id: 'first', sku: skuName(0), qty: 1 })).code, 'sold_out');
  one.killed = true;
  await one.kill9();
  const over = Date.parse(bought.order.pay_by);
  await viewer.event((e) => e.ev === 'stock' && e.sku === skuName(0) && e.value === 1, HOLD_S * 1000 + 5000);
  const late = Date.now() - over;
  t.diagnostic(`released ${late} ms after the hold's end`);
  assert.ok(late > -1000 && late < 1000, `released ${late} ms after its time`);
  assert.equal((await viewer.ask({ op: 'buy', id: 'second', sku: skuName(0), qty: 1 })).ok, true);
  await assertAudit(two);
});

test("a show's pages on both nodes: new variants, windows, buying by comment", { skip }, async (t) => {
  const { one, two } = await twoNodes(t, { skus: 2, units: 5 });
  let keys = 0;
  const rest = async (method, path, body) => {
    const response = await fetch(`${one.url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${one.keeperToken}`, 'content-type': 'application/json', 'idempotency-key': `n${keys++}` },
      body: JSON.stringify(body),
    });
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${await response.clone().text()}`);
    return response.json();
  };
  const viewer = await Channel.open(two, 'bench');
  await rest('PUT', '/shows/bench/rules', { comments: true });
  await viewer.event((e) => e.ev === 'selling' && e.comments === true, 2000);
  await rest('PUT', `/shows/bench/items/${skuName(0)}`, { number: 77 });
  await viewer.event((e) => e.ev === 'selling' && e.items.some((i) => i.sku === skuName(0) && i.number === 77), 2000);
  const said = await viewer.ask({ op: 'chat', text: 'shop 77' });
  assert.equal(said.ok, true, JSON.stringify(said));
  const bought = await viewer.event((e) => e.ev === 'comment' && e.order, 3000);
  assert.equal(bought.order.lines[0].sku, skuName(0));
  await rest('POST', '/products', { id: 'new', title: 'New', variants: [{ sku: 'NEW-1', price: { amount: 100, currency: 'NOK' } }] });
  await rest('POST', '/products/new/variants', { sku: 'NEW-2', price: { amount: 100, currency: 'NOK' } });
  const until = performance.now() + 5000;
  let seen = 0;
  while (seen < 2 && performance.now() < until) {
    const late = await Channel.open(two, 'bench');
    seen = late.joined.products.flatMap((p) => p.variants).filter((v) => v.sku.startsWith('NEW-')).length;
    late.close();
  }
  assert.equal(seen, 2);
  viewer.close();
});
