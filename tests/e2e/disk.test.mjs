// A disk that takes nothing more: purchases are refused and not lost track of, talk goes on, and when
// there is room again everything is as if the refused had never been asked.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { Channel } from './lib/channel.mjs';
import { TorgServer } from './lib/server.mjs';

/** @type {TorgServer} */
let server;

before(async () => {
  server = await TorgServer.start();
});
after(() => server?.stop());

/** No file of the server may grow beyond `size`: what a full disk looks like from inside. */
const limit = (size) => execFileSync('prlimit', ['--pid', String(server.child.pid), `--fsize=${size}`]);

test('a full disk refuses what it cannot keep, and only that', async () => {
  const buyer = await Channel.open(server);
  const desk = await Channel.open(server, 'demo', { token: server.deskToken });
  const { sku } = buyer.joined.products[1].variants[0];
  const before = await server.ctl('stock', 'adjust', sku, '0');

  limit('0:unlimited');
  const refused = await buyer.ask({ op: 'buy', id: 'one', sku, qty: 1 });
  assert.equal(refused.code, 'busy', JSON.stringify(refused));
  assert.ok(refused.retry_ms > 0);
  assert.equal((await buyer.ask({ op: 'chat', text: 'still here' })).ok, true);
  assert.equal((await desk.ask({ op: 'pin', sku })).ok, true);
  assert.equal((await desk.ask({ op: 'show.end' })).ok, true);
  const late = await Channel.open(server);
  assert.equal((await late.ask({ op: 'ping' })).ok, true, 'joined once, and in');
  assert.deepEqual(late.joined.pinned, [sku]);
  assert.equal((await fetch(`${server.url}/api/v1/products`)).status, 200);
  await assert.rejects(server.ctl('token', 'create', '--role', 'host'), /cannot save/);

  limit('unlimited:unlimited');
  await new Promise((resolve) => setTimeout(resolve, 2500));
  const bought = await buyer.ask({ op: 'buy', id: 'one', sku, qty: 1 });
  assert.equal(bought.ok, true, JSON.stringify(bought));
  assert.equal((await server.ctl('stock', 'adjust', sku, '0')).available, before.available - 1);
  assert.equal((await server.ctl('stock', 'audit')).ok, true);
  for (const channel of [buyer, desk, late]) channel.close();

  await server.kill9();
  await server.launch();
  const again = await Channel.open(server);
  assert.deepEqual(again.joined.pinned, [sku], 'the journal kept what waited');
  again.close();
});

test('what the room decided while the disk was full reaches the database later', async () => {
  const desk = await Channel.open(server, 'demo', { token: server.deskToken });
  await server.ctl('show', 'start', 'demo');
  limit('0:unlimited');
  assert.equal((await desk.ask({ op: 'show.end' })).ok, true);
  await new Promise((resolve) => setTimeout(resolve, 300));
  limit('unlimited:unlimited');
  for (let i = 0; i < 40; i++) {
    if ((await server.ctl('show', 'status', 'demo')).show.state === 'ended') break;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  assert.equal((await server.ctl('show', 'status', 'demo')).show.state, 'ended');
  desk.close();
});
