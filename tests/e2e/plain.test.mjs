// torgd without --demo on data that a demo left behind: no demo logins, no sandbox payments.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Channel } from './lib/channel.mjs';
import { buildDir, TorgServer, top } from './lib/server.mjs';

/** @type {TorgServer} */
let server;
let demo; // what the demo printed

before(async () => {
  server = await TorgServer.start();
  demo = { admin: server.adminToken, desk: server.deskToken, key: server.streamKey };
  server.child.kill('SIGTERM');
  await server.exited;
  server.child = spawn(path.join(buildDir, 'torgd'), ['--data', server.dir], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      LSAN_OPTIONS: `suppressions=${top}/tests/support/lsan.supp:print_suppressions=0`,
      TORG_HTTP_LISTEN: `127.0.0.1:${server.httpPort}`,
      TORG_RTMP_LISTEN: 'off',
      TORG_RTC_LISTEN: `127.0.0.1:${server.rtcPort}`,
    },
  });
  server.exited = once(server.child, 'exit');
  server.child.stderr.on('data', (d) => (server.log += d));
  for (let out = ''; !out.includes('torg is ready.');) out += (await once(server.child.stdout, 'data'))[0];
});
after(() => server?.stop());

test('the demo’s logins ended with the demo', async () => {
  for (const token of [demo.admin, demo.desk]) {
    const response = await fetch(`${server.url}/api/v1/session`, { headers: { authorization: `Bearer ${token}` } });
    assert.equal(response.status, 401);
  }
  const { tokens } = await server.ctl('token', 'list');
  assert.deepEqual(tokens.filter((t) => t.revoked === null), []);
});

test('an order without a provider awaits payment, says when it ends, and nobody can pay it for nothing', async () => {
  const buyer = await Channel.open(server);
  const { sku } = buyer.joined.products[1].variants[0];
  const { ok, order } = await buyer.ask({ op: 'buy', sku, qty: 1 });
  assert.equal(ok, true);
  assert.equal(order.state, 'awaiting_payment');
  assert.equal(order.pay_url, undefined);
  assert.ok(Date.parse(order.pay_by) > Date.now());
  const verdict = await fetch(`${server.url}/api/v1/payments/guess/sandbox`, {
    method: 'POST', headers: { 'content-type': 'application/json', 'idempotency-key': 'a' }, body: '{"paid":true}',
  });
  assert.equal(verdict.status, 404);
  buyer.close();
});
