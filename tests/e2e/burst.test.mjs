// 10,000 buys of one SKU with 500 units from 200 sockets: exactly 500 orders, every frame answered.
// Then kill -9 in the middle of such bursts: no acknowledged order is lost, stock and orders add up.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Channel } from './lib/channel.mjs';
import { TorgServer } from './lib/server.mjs';

const SOCKETS = Number(process.env.TORG_BURST_SOCKETS ?? 200);
const BUYS = Number(process.env.TORG_BURST_BUYS ?? 10000);
const UNITS = 500;
const KILLS = Number(process.env.TORG_BURST_KILLS ?? 3);

async function openAll(server, tokens) {
  const channels = [];
  for (let i = 0; i < SOCKETS; i += 20) {
    const some = Array.from({ length: Math.min(20, SOCKETS - i) }, (_, k) =>
      Channel.open(server, 'demo', tokens ? { token: tokens[i + k] } : {}));
    channels.push(...(await Promise.all(some)));
  }
  return channels;
}

/** The SKU of the demo catalogue with the most units. */
function deepestSku(channel) {
  return channel.joined.products.flatMap((p) => p.variants)[0].sku;
}

async function setStock(server, sku, units) {
  const desk = await Channel.open(server, 'demo', { token: server.deskToken });
  const reply = await desk.ask({ op: 'stock', sku, set: units });
  assert.equal(reply.ok, true, JSON.stringify(reply));
  desk.close();
}

test(`${BUYS} buys of ${UNITS} units: exactly ${UNITS} orders`, async (t) => {
  const server = await TorgServer.start();
  t.after(() => server.stop());
  const channels = await openAll(server);
  const sku = deepestSku(channels[0]);
  await setStock(server, sku, UNITS);
  const began = performance.now();
  const latencies = [];
  const replies = await Promise.all(
    Array.from({ length: BUYS }, async (_, i) => {
      const sent = performance.now();
      const reply = await channels[i % SOCKETS].ask({ op: 'buy', sku, qty: 1 }, 60000);
      latencies.push(performance.now() - sent);
      return reply;
    }),
  );
  const seconds = (performance.now() - began) / 1000;
  const codes = Map.groupBy?.(replies, (r) => (r.ok ? 'ok' : r.code)) ?? groupBy(replies);
  const count = Object.fromEntries([...codes].map(([k, v]) => [k, v.length]));
  latencies.sort((a, b) => a - b);
  t.diagnostic(`${BUYS} buys in ${seconds.toFixed(2)} s (${Math.round(BUYS / seconds)}/s), ` +
    `answer p50 ${latencies[BUYS >> 1].toFixed(0)} ms p99 ${latencies[Math.floor(BUYS * 0.99)].toFixed(0)} ms, ${JSON.stringify(count)}`);
  assert.deepEqual(count, { ok: UNITS, sold_out: BUYS - UNITS });
  assert.equal(new Set(replies.filter((r) => r.ok).map((r) => r.order.id)).size, UNITS);
  const audit = await server.ctl('stock', 'audit');
  assert.deepEqual(audit.differences, []);
  for (const c of channels) c.close();
});

function groupBy(replies) {
  const map = new Map();
  for (const r of replies) {
    const key = r.ok ? 'ok' : r.code;
    map.set(key, [...(map.get(key) ?? []), r]);
  }
  return map;
}

test(`kill -9 in the middle of a burst, ${KILLS} times: nothing acknowledged is lost`, async (t) => {
  const server = await TorgServer.start();
  t.after(() => server.stop());
  let sku;
  let tokens;
  const acknowledged = new Map(); // order id -> token of its buyer
  for (let round = 0; round < KILLS; round++) {
    const channels = await openAll(server, tokens);
    tokens ??= channels.map((c) => c.joined.you.token);
    sku ??= deepestSku(channels[0]);
    await setStock(server, sku, UNITS);
    const acked = acknowledged.size;
    let dead = false;
    const asks = Array.from({ length: BUYS }, (_, i) =>
      channels[i % SOCKETS].ask({ op: 'buy', sku, qty: 1 }, 30000).then(
        (reply) => {
          if (reply.ok) acknowledged.set(reply.order.id, tokens[i % SOCKETS]);
          // In the middle: some orders are acknowledged, many buys are not answered yet.
          if (!dead && acknowledged.size - acked > 20 + round * 15) {
            dead = true;
            server.child.kill('SIGKILL');
          }
        },
        () => {},
      ),
    );
    await Promise.all(asks);
    assert.equal(dead, true, 'the server was not killed in the burst');
    await server.exited;
    await server.launch();
    const kept = new Set((await server.ctl('order', 'list', '--all')).orders.map((o) => o.id));
    for (const id of acknowledged.keys()) assert.ok(kept.has(id), `acknowledged order ${id} is lost`);
    const audit = await server.ctl('stock', 'audit');
    assert.deepEqual(audit.differences, []);
    t.diagnostic(`kill ${round + 1}: ${acknowledged.size - acked} acknowledged, ${kept.size} orders on disk in all`);
  }
});
