// What must be there again after kill -9, and what a client that comes back with `since` is told.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Channel } from './lib/channel.mjs';
import { TorgServer } from './lib/server.mjs';

/** @type {TorgServer} */
let server;

before(async () => {
  server = await TorgServer.start();
});
after(() => server?.stop());

const price = (joined, sku) => joined.products.flatMap((p) => p.variants).find((v) => v.sku === sku);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

test('a dead server comes back with its shop, its room and its clock', async () => {
  const viewer = await Channel.open(server);
  const pest = await Channel.open(server);
  const desk = await Channel.open(server, 'demo', { token: server.deskToken });
  const { sku } = desk.joined.products[0].variants[0];
  const until = new Date(Date.now() + 3600_000).toISOString();
  const token = viewer.joined.you.token;

  assert.equal((await desk.ask({ op: 'pin', sku })).ok, true);
  assert.equal((await desk.ask({ op: 'price', sku, amount: 4200, until })).ok, true);
  assert.equal((await desk.ask({ op: 'mute', person: pest.joined.you.id, seconds: 600 })).ok, true);
  assert.equal((await viewer.ask({ op: 'cart.set', sku, qty: 2 })).ok, true);
  const bought = await viewer.ask({ op: 'buy', id: 'one', sku, qty: 1, price: 4200 });
  assert.equal(bought.ok, true, JSON.stringify(bought));
  const told = await viewer.event((e) => e.ev === 'pin' && e.sku === sku);
  const stockBefore = (await server.ctl('stock', 'adjust', sku, '0')).available;
  const wallBefore = Date.now();
  const mediaBefore = (await Channel.open(server)).joined.clock;
  await pause(200); // the journal's batch
  await server.kill9();
  await server.launch();

  const again = await Channel.open(server, 'demo', { token, since: told.seq - 1, since_epoch: viewer.joined.epoch });
  const { joined } = again;
  assert.equal(joined.you.id, viewer.joined.you.id);
  assert.equal(joined.resumed, false, 'another run: a fresh start');
  assert.notEqual(joined.epoch, viewer.joined.epoch);
  assert.ok(joined.seq >= told.seq);
  assert.deepEqual(joined.pinned, [sku]);
  assert.equal(price(joined, sku).price.amount, 4200);
  assert.equal(Date.parse(price(joined, sku).until), Date.parse(until));
  assert.deepEqual(joined.cart.lines.map((l) => [l.sku, l.qty]), [[sku, 2]]);
  assert.equal(joined.show.state, 'live');
  const drift = joined.clock.media_ms - mediaBefore.media_ms - (Date.parse(joined.clock.wall) - Date.parse(mediaBefore.wall));
  assert.ok(Math.abs(drift) < 50, `the media clock jumped by ${drift} ms`);
  assert.ok(Date.now() - wallBefore < 60_000);

  assert.deepEqual((await again.ask({ op: 'buy', id: 'one', sku, qty: 1, price: 4200 })).order.id, bought.order.id);
  assert.equal((await server.ctl('stock', 'adjust', sku, '0')).available, stockBefore, 'the hold is still there, once');
  const stillMuted = await Channel.open(server, 'demo', { token: pest.joined.you.token });
  assert.equal((await stillMuted.ask({ op: 'chat', text: 'me again' })).code, 'muted');
  const paid = await fetch(`${server.url}/api/v1/payments/${bought.order.pay_url.split('/').at(-1)}/sandbox`, {
    method: 'POST', headers: { 'content-type': 'application/json', 'idempotency-key': 'p1' }, body: '{"paid":true}',
  });
  assert.equal((await paid.json()).order.state, 'paid');
  assert.equal((await again.event((e) => e.ev === 'order' && e.order.state === 'paid')).order.id, bought.order.id);
  assert.equal((await server.ctl('stock', 'audit')).ok, true);
  again.close();
  stillMuted.close();
});

test('within one run `since` brings exactly what was missed', async () => {
  const desk = await Channel.open(server, 'demo', { token: server.deskToken });
  const viewer = await Channel.open(server);
  const skus = desk.joined.products.slice(1, 4).map((p) => p.variants[0].sku);
  viewer.close();
  for (const sku of skus) assert.equal((await desk.ask({ op: 'pin', sku })).ok, true);
  const { seq, epoch } = viewer.joined;
  const back = await Channel.open(server, 'demo', { since: seq, since_epoch: epoch });
  assert.equal(back.joined.resumed, true);
  assert.equal(back.joined.seq, seq);
  await back.event((e) => e.seq === seq + 3);
  const missed = back.events.filter((e) => e.ev === 'pin');
  assert.deepEqual(missed.map((e) => [e.seq, e.sku]), skus.map((sku, i) => [seq + 1 + i, sku]));
  back.close();
  desk.close();
});
