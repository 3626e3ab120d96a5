// 10,000 buys of one SKU with 500 units from 200 sockets: exactly 500 orders, every frame answered.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Channel } from './lib/channel.mjs';
import { TorgServer } from './lib/server.mjs';

const SOCKETS = Number(process.env.TORG_BURST_SOCKETS ?? 200);
const BUYS = Number(process.env.TORG_BURST_BUYS ?? 10000);
const UNITS = 500;

async function openAll(server) {
  const channels = [];
  for (let i = 0; i < SOCKETS; i += 20) {
    const some = Array.from({ length: Math.min(20, SOCKETS - i) }, () => Channel.open(server));
    channels.push(...(await Promise.all(some)));
  }
  return channels;
}

/** The SKU of the demo catalogue with the most units. */
function deepestSku(channel) {
  return channel.joined.products.flatMap((p) => p.variants)[0].sku;
}

async function setStock(server, sku, change) {
  const desk = await Channel.open(server, 'demo', { token: server.deskToken });
  const reply = await desk.ask({ op: 'stock', sku, ...change });
  assert.equal(reply.ok, true, JSON.stringify(reply));
  desk.close();
}

test(`${BUYS} buys of ${UNITS} units: exactly ${UNITS} orders`, async (t) => {
  const server = await TorgServer.start();
  t.after(() => server.stop());
  const channels = await openAll(server);
  const sku = deepestSku(channels[0]);
  await setStock(server, sku, { set: UNITS });
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
  const codes = groupBy(replies);
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
