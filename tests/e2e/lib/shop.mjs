// A shop with as many SKUs as a test wants, and what must hold of its numbers whatever happened.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { TorgServer, buildDir } from './server.mjs';

export const skuName = (i) => `SKU-${i}`;

/** Environment of a server whose shop is in that database; null: SQLite in its own folder. */
const storeEnv = (postgres) => (postgres ? { TORG_STORE_URL: postgres.url } : {});

/**
 * A server with `skus` SKUs of `units` each, no other product, and a show "bench".
 * @param {{skus: number, units: number, postgres?: import("./postgres.mjs").Postgres | null, env?: Record<string, string>, fresh?: boolean}} what
 *   postgres: where the shop is; fresh: false when another node has filled it
 */
export async function startShop({ skus, units, postgres = null, env = {}, fresh = true }) {
  const fill = (dir) => {
    const where = ['--url', postgres ? postgres.url : path.join(dir, 'torg.db')];
    execFileSync(path.join(buildDir, 'tests', 'sale_shop'), [...where, '--skus', String(skus), '--units', String(units)], { stdio: ['ignore', 'ignore', 'inherit'] });
  };
  const server = await TorgServer.start({
    demo: false,
    env: { TORG_PAYMENTS_ALLOW_SANDBOX: 'true', ...storeEnv(postgres), ...env },
    prepare: async (dir) => fresh && fill(dir),
  });
  if (fresh) server.show = await server.newShow('bench');
  // Stock is the whole shop's: a token of one show may not change it.
  if (fresh) server.keeperToken = (await server.ctl('token', 'create', '--role', 'merchandiser')).token;
  return server;
}

/** Every number derived anew agrees. @param {TorgServer} server */
export async function assertAudit(server) {
  const audit = await server.ctl('stock', 'audit');
  assert.deepEqual(audit.differences, []);
  assert.equal(audit.ok, true);
  return audit;
}

/** A page; its readers may need a moment longer than the sale thread to find a database that came back. */
async function page(url, token) {
  for (const end = Date.now() + 15000; ; await new Promise((resolve) => setTimeout(resolve, 100))) {
    const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
    if (answer.status === 503 && Date.now() < end) continue;
    assert.equal(answer.status, 200, url);
    return answer.json();
  }
}

/** The show's report: orders and units by state. @param {TorgServer} server */
export const report = (server, show = 'bench') => page(`${server.url}/api/v1/reports/${show}`, server.show.deskToken);

/** Orders and units that still stand. */
export const standing = (server, show = 'bench') => sum(server, show, ['awaiting_payment', 'paid', 'fulfilled']);

/** ... that were ever made, also those that expired since. */
export const made = (server, show = 'bench') => sum(server, show, ['awaiting_payment', 'paid', 'fulfilled', 'expired']);

async function sum(server, show, names) {
  const all = await report(server, show);
  const states = names.map((name) => all[name] ?? { orders: 0, units: 0 });
  return { orders: states.reduce((sum, s) => sum + s.orders, 0), units: states.reduce((sum, s) => sum + s.units, 0) };
}

/** All order ids of the shop, by an admin's token over HTTP: there may be many. */
export async function listOrders(server) {
  const { token } = await server.ctl('token', 'create', '--role', 'admin');
  const ids = new Set();
  for (let cursor = ''; ; ) {
    const some = await page(`${server.url}/api/v1/orders?limit=100${cursor && `&cursor=${encodeURIComponent(cursor)}`}`, token);
    for (const order of some.orders) ids.add(order.id);
    if (!some.next) return ids;
    cursor = some.next;
  }
}
