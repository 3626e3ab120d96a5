// 10,000 buys of one SKU with 500 units from 200 sockets: exactly 500 orders, every frame answered.
// Then kill -9 in the middle of such bursts: no acknowledged order is lost, stock and orders add up.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { Channel } from './lib/channel.mjs';
import { TorgServer } from './lib/server.mjs';

const SOCKETS = Number(process.env.TORG_BURST_SOCKETS ?? 200);
const BUYS = Number(process.env.TORG_BURST_BUYS ?? 10000);
const UNITS = 500;
const KILLS = Number(process.env.TORG_BURST_KILLS ?? 3);

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

async function allOrders(server) {
  const ids = new Set();
  for (let cursor = null; ; ) {
    const page = await server.ctl('order', 'list', ...(cursor ? ['--cursor', cursor] : []));
    for (const order of page.orders) ids.add(order.id);
    if (!page.next) return ids;
    cursor = page.next;
  }
}

test(`kill -9 in the middle of a burst, ${KILLS} times: nothing acknowledged is lost`, async (t) => {
  const server = await TorgServer.start();
  t.after(() => server.stop());
  let sku;
  const acknowledged = new Set(); // order ids
  let midway = 0; // rounds that died between the first answer and the last
  for (let round = 0; round < KILLS; round++) {
    const channels = await openAll(server); // new people: one person may only have so many of a SKU
    sku ??= deepestSku(channels[0]);
    await setStock(server, sku, round === 0 ? { set: UNITS } : { delta: UNITS });
    const acked = acknowledged.size;
    let unanswered = BUYS;
    // Another instant of the burst every round. By a process of its own: this one is busy sending.
    const delay = (0.03 + (round % 10) * 0.02).toFixed(3);
    spawn('sh', ['-c', `sleep ${delay}; kill -9 ${server.child.pid}`]);
    const asks = [];
    for (let i = 0; i < BUYS; i++) {
      const ask = channels[i % SOCKETS].ask({ op: 'buy', sku, qty: 1 }, 30000).then(
        (reply) => {
          unanswered--;
          if (reply.ok) acknowledged.add(reply.order.id);
        },
        () => {},
      );
      asks.push(ask);
      // Read answers between the frames, so that the kill finds acknowledged and open buys.
      if (i % SOCKETS === SOCKETS - 1) await new Promise(setImmediate);
    }
    await Promise.all(asks);
    assert.ok(unanswered > 0, 'the burst was over before the kill');
    await server.exited;
    await server.launch();
    if (acknowledged.size > acked) midway++;
    const kept = await allOrders(server);
    for (const id of acknowledged) assert.ok(kept.has(id), `acknowledged order ${id} is lost`);
    const audit = await server.ctl('stock', 'audit');
    assert.deepEqual(audit.differences, []);
    t.diagnostic(`kill ${round + 1}: ${acknowledged.size - acked} acknowledged, ${unanswered} unanswered, ${kept.size} orders on disk in all`);
  }
  assert.ok(midway >= KILLS / 3, `only ${midway} of ${KILLS} kills came between answers`);
});
