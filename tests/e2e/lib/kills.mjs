// kill -9 in the middle of buying, again and again: what was acknowledged is there, every key made one order.
import assert from 'node:assert/strict';
import { Postgres } from './postgres.mjs';
import { assertAudit, listOrders, skuName, standing, startShop } from './shop.mjs';
import { StubbornBuyer } from './stubborn.mjs';

const SKUS = 20;
const UNITS = 15; // added each round, of each SKU: fewer than are wanted

/**
 * @param {import('node:test').TestContext} t
 * @param {{kills: number, engine: 'sqlite' | 'postgres', buyers?: number, wants?: number}} plan wants: of each buyer
 */
export async function killAgainAndAgain(t, { kills, engine, buyers = 40, wants = 10 }) {
  const postgres = engine === 'postgres' ? await Postgres.start() : null;
  t.after(() => postgres?.stop());
  const server = await startShop({ skus: SKUS, units: 0, postgres, env: { TORG_SHOP_HOLD_S: '86400' } });
  t.after(() => server.stop());
  const run = { server, postgres, buyers, wants, acknowledged: new Map(), refused: 0, midway: 0, repeats: 0 };
  for (let round = 0; round < kills; round++) await killOnce(t, run, round);
  await finish(run);
  assert.ok(run.midway >= kills / 3, `only ${run.midway} of ${kills} kills came between answers`);
  t.diagnostic(`${engine}: ${kills} kills, ${run.midway} between answers; ${run.acknowledged.size} orders acknowledged, ${run.refused} refused, ${run.repeats} asked again`);
}

/** Who dies in this round: with PostgreSQL also the database, and both at once. */
function victims({ server, postgres }, round) {
  const all = [[server], ...(postgres ? [[postgres], [server, postgres]] : [])];
  return all[round % all.length];
}

async function fillUp(server) {
  for (let i = 0; i < SKUS; i++) await server.ctl('stock', 'adjust', skuName(i), String(UNITS));
}

/** Says itself that it can sell again. */
async function ready(server) {
  for (const end = Date.now() + 15000; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
    const answer = await fetch(`${server.url}/readyz`).catch(() => null);
    if (answer?.status === 200) return;
    if (Date.now() > end) assert.fail(`not ready: ${answer && (await answer.text())}`);
  }
}

async function killOnce(t, run, round) {
  const { server, postgres } = run;
  await fillUp(server);
  const crowd = Array.from({ length: run.buyers }, (_, b) => new StubbornBuyer({
    server: () => server, show: 'bench',
    wants: Array.from({ length: run.wants }, (_, w) => ({ id: `k${round}-${b}-${w}`, sku: skuName(Math.floor(Math.random() * SKUS)) })),
  }));
  const dying = victims(run, round);
  const settled = () => crowd.reduce((sum, buyer) => sum + buyer.settled.size, 0);
  await Promise.all(crowd.map((buyer) => buyer.connect()));
  // At another answer every round, and while others are under way.
  let left = 1 + Math.floor(Math.random() * (run.buyers * run.wants - run.buyers));
  const kill = () => --left === 0 && dying.forEach((who) => who.child.kill('SIGKILL'));
  for (const buyer of crowd) buyer.onSettled = kill;
  const all = Promise.all(crowd.map((buyer) => buyer.run()));
  all.catch(() => {}); // awaited below
  await Promise.all(dying.map((who) => who.exited));
  const before = settled();
  if (dying.includes(postgres)) {
    await postgres.gone();
    await postgres.launch();
  }
  if (dying.includes(server)) await server.launch();
  await all;
  await ready(server);
  if (before > 0 && before < run.buyers * run.wants) run.midway++;
  for (const buyer of crowd) {
    run.repeats += buyer.asked - buyer.wants.length;
    for (const [id, reply] of buyer.settled) {
      if (reply.ok) run.acknowledged.set(id, reply.order.id);
      else if (reply.code === 'sold_out' || reply.code === 'limit') run.refused++;
      else assert.fail(`${id}: ${JSON.stringify(reply)}`);
    }
  }
  await assertAudit(server);
  const stands = await standing(server);
  // Every want has its answer: an order that nobody was told of would be one too many.
  assert.equal(stands.orders, run.acknowledged.size, `round ${round}: orders on disk`);
  t.diagnostic(`kill ${round + 1} (${dying.map((who) => (who === postgres ? 'PostgreSQL' : 'torgd')).join(', ')}): ${before} answered before, ${stands.orders} orders in all`);
}

async function finish({ server, acknowledged }) {
  const kept = await listOrders(server);
  assert.equal(new Set(acknowledged.values()).size, acknowledged.size, 'one order a key');
  for (const [key, id] of acknowledged) assert.ok(kept.has(id), `the order of ${key} is lost`);
  assert.equal(kept.size, acknowledged.size);
}
