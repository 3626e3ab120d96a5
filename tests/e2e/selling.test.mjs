// Waiting in line, buying by comment, purchase windows and staff sale, over the wire. Every event is
// held against asyncapi.json.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Channel } from './lib/channel.mjs';
import { Schemas } from './lib/schema.mjs';
import { TorgServer } from './lib/server.mjs';

const asyncapi = new Schemas('asyncapi');
const LAST = 'SHEEPSKIN-ONE'; // one of it

/** @type {TorgServer} */
let server;
/** @type {Channel} */
let desk;
let token;
let keys = 0;

before(async () => {
  server = await TorgServer.start();
  token = (await server.ctl('token', 'create', '--role', 'merchandiser,host')).token;
  desk = await Channel.open(server, 'demo', { token });
  await rest('PUT', '/shows/demo/rules', { waiting: true, comments: true, turn_s: 10 });
});
after(async () => {
  desk?.close();
  await server?.stop();
});

async function rest(method, path, body, auth = token) {
  const response = await fetch(`${server.url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${auth}`, 'content-type': 'application/json', 'idempotency-key': `k${keys++}` },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
  return text ? JSON.parse(text) : null;
}

function checked(event) {
  assert.equal(asyncapi.fault({ $ref: '#/components/schemas/Event' }, event), null, JSON.stringify(event));
  return event;
}

const place = (channel, state, sku = LAST) =>
  channel.event((e) => e.ev === 'waiting' && e.state === state && e.sku === sku).then(checked);

test('what is sold out goes to whoever waits longest, turn by turn, also for who comes back', async () => {
  const [ann, bo, cid] = [await Channel.open(server), await Channel.open(server), await Channel.open(server)];
  const sold = await ann.ask({ op: 'buy', sku: LAST, qty: 1 });
  assert.equal((await bo.ask({ op: 'buy', sku: LAST, qty: 1 })).code, 'sold_out');
  const first = await bo.ask({ op: 'wait', sku: LAST, qty: 1 });
  assert.deepEqual(first.waiting, { sku: LAST, state: 'waiting', place: 1, qty: 1, until: null });
  assert.equal((await cid.ask({ op: 'wait', sku: LAST, qty: 1 })).waiting.place, 2);
  await rest('POST', `/orders/${sold.order.id}/cancel`, {}, ann.joined.you.token);
  const turn = await place(bo, 'turn');
  assert.equal(turn.qty, 1);
  assert.ok(Date.parse(turn.until) > Date.now());
  for (const other of [ann, cid]) assert.equal((await other.ask({ op: 'buy', sku: LAST, qty: 1 })).code, 'sold_out');
  await place(bo, 'lapsed'); // lets it go by
  await place(cid, 'turn');
  const back = await Channel.open(server, 'demo', { token: cid.joined.you.token });
  assert.equal(asyncapi.fault({ $ref: '#/components/schemas/Joined' }, back.joined), null);
  assert.equal(back.joined.waiting[0].state, 'turn');
  const bought = await back.ask({ op: 'buy', sku: LAST, qty: 1 });
  assert.equal(bought.ok, true, bought.message);
  await place(back, 'taken');
  const audit = await server.ctl('stock', 'audit');
  assert.equal(audit.ok, true, JSON.stringify(audit));
  for (const channel of [ann, bo, cid, back]) channel.close();
});

test('a comment buys by the show\'s number, once, and can be undone', async () => {
  await rest('PUT', '/shows/demo/items/MUG-RED', { number: 55 });
  assert.equal(checked(await desk.event((e) => e.ev === 'window' && e.sku === 'MUG-RED')).number, 55);
  const ann = await Channel.open(server);
  assert.equal(ann.joined.selling.comments, true);
  assert.deepEqual(ann.joined.selling.items.find((i) => i.sku === 'MUG-RED').number, 55);
  const said = (id) => ann.event((e) => e.ev === 'comment' && e.id === id).then(checked);
  assert.equal((await ann.ask({ op: 'chat', id: 'c1', text: 'KJØP 55 x2!' })).ok, true);
  const bought = await said('c1');
  assert.equal(bought.ok, true, bought.message);
  assert.equal(bought.order.lines[0].qty, 2);
  await ann.event((e) => e.ev === 'chat' && e.text === 'KJØP 55 x2!'); // and stands in the chat
  ann.events.length = 0;
  assert.equal((await ann.ask({ op: 'chat', id: 'c1', text: 'KJØP 55 x2!' })).ok, true); // the network did it twice
  assert.equal((await said('c1')).order.id, bought.order.id);
  await ann.ask({ op: 'chat', id: 'c2', text: 'shop 1 in all colours please' });
  const which = await said('c2');
  assert.equal(which.ok, false);
  assert.equal(which.code, 'bad_request');
  await ann.ask({ op: 'chat', id: 'c3', text: 'Angre' });
  const undone = await said('c3');
  assert.equal(undone.order.id, bought.order.id);
  assert.equal(undone.order.state, 'cancelled');
  await desk.ask({ op: 'chat', id: 'd1', text: 'write shop 55' });
  await desk.ask({ op: 'chat', id: 'd2', text: 'shop 55' });
  await desk.ask({ op: 'ping' });
  assert.ok(!desk.events.some((e) => e.ev === 'comment'), 'staff do not buy by showing how');
  ann.close();
});

test('a window opens and closes on the show\'s clock', async () => {
  const sku = 'MUG-BLUE';
  const ann = await Channel.open(server);
  const product = ann.joined.products.flatMap((p) => p.variants).find((v) => v.sku.startsWith('MUG-') && v.sku !== 'MUG-RED');
  const at = product?.sku ?? sku;
  const closed = await desk.ask({ op: 'window', sku: at, open: false });
  assert.equal(closed.ok, true, closed.message);
  assert.ok(closed.item.until !== null);
  const told = checked(await ann.event((e) => e.ev === 'window' && e.sku === at));
  assert.equal(told.until, closed.item.until);
  const late = await ann.ask({ op: 'buy', sku: at, qty: 1 });
  assert.equal(late.code, 'closed');
  assert.match(late.message, /is over/);
  const tapped = await ann.ask({ op: 'buy', sku: at, qty: 1, at: closed.item.until - 1 }); // saw it open
  assert.equal(tapped.ok, true, tapped.message);
  const open = await rest('POST', `/shows/demo/items/${at}/window`, { open: true, for_s: 30 });
  assert.equal(open.until - open.from, 30000);
  assert.equal((await ann.ask({ op: 'buy', sku: at, qty: 1 })).ok, true);
  await rest('DELETE', `/shows/demo/items/${at}`);
  ann.close();
});

test('staff sell for somebody, who gets a link to pay', async () => {
  const sold = await rest('POST', '/shows/demo/sales', { sku: 'MUG-RED', qty: 1, name: 'Ola by phone' });
  assert.equal(sold.order.state, 'awaiting_payment');
  const payment = sold.order.pay_url.split('/').at(-1);
  const paid = await fetch(`${server.url}/api/v1/payments/${payment}/sandbox`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': 'pay' },
    body: JSON.stringify({ paid: true }),
  });
  assert.equal((await paid.json()).order.state, 'paid');
});
