// The command of tests/bench/sale.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { cpus, release, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { metrics } from '../e2e/lib/metrics.mjs';
import { Postgres, postgresBin } from '../e2e/lib/postgres.mjs';
import { assertAudit, made, skuName, startShop } from '../e2e/lib/shop.mjs';
import { buildDir, top } from '../e2e/lib/server.mjs';
import { Buyers } from './lib/buyers.mjs';
import { coreUse, familyCpuS, pin, sleep, usage } from './lib/proc.mjs';

const HELP = `Usage: tests/bench/sale [scenarios] [options]
Measures orders of one shop, end to end: buyers' WebSocket frames in, answers after the commit out, every
order on disk with fsync. The server has one core for itself, the generator (and PostgreSQL) the other.
Takes the build in TORG_BUILD_DIR (default build-asan; figures mean something in a release build only).
After each run the numbers of the shop are derived anew and must agree.

Scenarios (default: the first three):
  --sold-out         --intents buys of one SKU with --units units, within --within seconds
  --all-sell         the same with every unit sellable: durable orders/s
  --baseline         --all-sell once more with a transaction for each order (shop.batch_max: 1), fewer
                     intents; with --all-sell the ratio is printed
  --hook             --all-sell once more with a webhook endpoint that is told of every order
  --mixed            --rate/s for --seconds: 70 % buys over 1,000 SKUs, 20 % cart changes, 10 % stock
                     changes by staff; a tenth of the orders is paid by HTTP, the others expire after 30 s

  --engine NAME      sqlite (default), or postgres: a server of its own, made and ended here. Again for both
  --sockets N        buyers (default 5000; --mixed 1000)
  --intents N        (default 50000)
  --within S         over which they are spread (default 2; 0 = as fast as the generator can)
  --units N          of the SKU of --sold-out (default 500)
  --skus N           of --all-sell, bought at random (default 1)
  --baseline-intents N  (default 5000)
  --rate N --seconds S  of --mixed (default 5000 and 300)
  --runs N           of each scenario; the median by orders/s (mixed: by p99) is shown (default 1)
  --cores S,G        the server's core and the generator's (default 1,0)
  --workers N        web workers (default 1: as the server has one core)
  --dir DIR          where data are (default /var/tmp: on a disk)
  --json FILE        everything as JSON
  --smoke            all of them, small; exit 1 unless exact
  --help
Exit: 0 measured; 1 something was lost, sold twice or not answered; 2 usage.`;

const LIST = { type: 'string', multiple: true, default: [] };
const FLAG = { type: 'boolean', default: false };
const text = (fallback) => ({ type: 'string', ...(fallback === undefined ? {} : { default: fallback }) });

function usageError(why) {
  console.error(`sale: ${why}\n${HELP}`);
  process.exit(2);
}

function count(value, name) {
  const number = Number(value);
  if (!Number.isFinite(number) || number < 0) usageError(`--${name} needs a number`);
  return number;
}

function readOptions() {
  let v;
  try {
    v = parseArgs({
      options: {
        'sold-out': FLAG, 'all-sell': FLAG, baseline: FLAG, hook: FLAG, mixed: FLAG, smoke: FLAG, help: FLAG, engine: LIST, sockets: text(), intents: text(), within: text('2'), units: text(),
        skus: text('1'), 'baseline-intents': text(), rate: text(), seconds: text(), runs: text('1'), cores: text('1,0'), workers: text('1'), dir: text('/var/tmp'), json: text(),
      },
    }).values;
  } catch (error) {
    usageError(error.message);
  }
  if (v.help) {
    console.log(HELP);
    process.exit(0);
  }
  const engines = v.engine.length > 0 ? v.engine : ['sqlite'];
  for (const name of engines) if (!['sqlite', 'postgres'].includes(name)) usageError(`no such engine: ${name}`);
  if (engines.includes('postgres') && postgresBin() === null) usageError('PostgreSQL is not installed');
  const named = ['sold-out', 'all-sell', 'baseline', 'hook', 'mixed'].filter((name) => v[name]);
  const small = v.smoke ? { sockets: 100, intents: 2000, units: 50, baseline: 200, rate: 200, seconds: 3 } : { sockets: undefined, intents: 50000, units: 500, baseline: 5000, rate: 5000, seconds: 300 };
  const [server, load] = v.cores.split(',').map((part) => count(part, 'cores'));
  const number = (name, fallback) => (v[name] === undefined ? fallback : count(v[name], name));
  return {
    scenarios: named.length > 0 ? named : v.smoke ? ['sold-out', 'all-sell', 'baseline', 'hook', 'mixed'] : ['sold-out', 'all-sell', 'baseline'],
    engines, sockets: number('sockets', small.sockets), intents: number('intents', small.intents), within: number('within'), units: number('units', small.units), skus: number('skus'),
    baselineIntents: number('baseline-intents', small.baseline), rate: number('rate', small.rate), seconds: number('seconds', small.seconds), runs: number('runs'),
    cores: { server, load }, workers: number('workers'), dir: v.dir, json: v.json, smoke: v.smoke,
  };
}

/** What each scenario asks for, and what must have come of it. */
function plan(scenario, o) {
  const crowd = { sockets: o.sockets ?? 5000, within: o.within };
  const all = Array.from({ length: scenario === 'mixed' ? 1000 : scenario === 'sold-out' ? 1 : o.skus }, (_, i) => skuName(i));
  switch (scenario) {
    case 'sold-out':
      return { ...crowd, skus: all, intents: o.intents, units: o.units, orders: o.units };
    case 'baseline':
      return { ...crowd, within: 0, sockets: Math.min(crowd.sockets, o.baselineIntents), skus: all, intents: o.baselineIntents, units: 10000000, orders: o.baselineIntents, batch: 1, wait: 600 };
    case 'mixed':
      return { sockets: o.sockets ?? 1000, within: o.seconds, skus: all, intents: o.rate * o.seconds, units: 10000000, orders: null, mix: [70, 20, 10], staff: 4, pay: 10, hold: 30 };
    case 'hook':
      return { ...crowd, skus: all, intents: o.intents, units: 10000000, orders: o.intents, hook: true };
    default:
      return { ...crowd, skus: all, intents: o.intents, units: 10000000, orders: o.intents };
  }
}

/** What was promised of a run, whatever the figures are. */
async function check(server, work, result) {
  const faults = [];
  const must = (holds, what) => holds || faults.push(what);
  const stands = await made(server);
  must(result.answered === result.sent && result.sent === work.intents, `${result.answered} of ${work.intents} answered`);
  must(result.doubled === 0, `${result.doubled} answered twice`);
  must(result.closed === 0, `${result.closed} sockets closed`);
  must(stands.orders === result.orders && stands.units === result.orders, `${result.orders} acknowledged, ${stands.orders} orders of ${stands.units} units on disk`);
  if (work.orders !== null) must(result.orders === work.orders, `${result.orders} orders, not ${work.orders}`);
  if (work.orders === null) must(result.orders === result.kinds.buy.answered, `buys refused: ${JSON.stringify(result.kinds.buy.codes)}`);
  const stock = result.kinds.stock;
  if (stock) must((stock.codes.ok ?? 0) === stock.answered, `stock changes refused: ${JSON.stringify(stock.codes)}`);
  for (const [kind, { codes }] of Object.entries(result.kinds)) must(!codes.busy, `${codes.busy} of ${kind} refused busy`);
  must(result.pay_failed === 0, `${result.pay_failed} payments failed`);
  try {
    await assertAudit(server);
  } catch (error) {
    faults.push(`audit: ${error.message}`);
  }
  return faults;
}

/** The shop's own system, which hears of every order. */
async function listenForHooks(server, hooks) {
  const { token } = await server.ctl('token', 'create', '--role', 'admin');
  const answer = await fetch(`${server.url}/api/v1/webhooks`, {
    method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': 'hook' },
    body: JSON.stringify({ url: `http://127.0.0.1:${hooks.address().port}/` }),
  });
  assert.equal(answer.status, 201);
}

async function hookReceiver() {
  const hooks = createServer((request, response) => {
    request.resume();
    request.once('end', () => response.writeHead(204).end());
  });
  await new Promise((resolve) => hooks.listen(0, '127.0.0.1', resolve));
  return hooks;
}

/** Microseconds of CPU an order (an answer, where few sell), of the whole server and of its threads by name. */
function perOrder(before, after, result) {
  const by = result.orders * 2 > result.answered ? result.orders : result.answered;
  const share = (seconds) => (seconds * 1e6) / Math.max(1, by);
  const threads = Object.entries(after.threads).map(([name, seconds]) => [name, share(seconds - (before.threads[name] ?? 0))]);
  const database = after.postgresS > 0 ? { postgresUs: share(after.postgresS - before.postgresS) } : {};
  return { ...database, cpuUs: share(after.cpuS - before.cpuS), threadUs: Object.fromEntries(threads.filter(([, us]) => us >= 0.1).sort((a, b) => b[1] - a[1])) };
}

/** What the server's core did in the run: for the server, for others (a quiet machine has none), nothing. */
function core(before, after) {
  const serverS = after.cpuS - before.cpuS;
  return { serverS, othersS: Math.max(0, after.core.busyS - before.core.busyS - serverS), idleS: after.core.idleS - before.core.idleS, stolenS: after.core.stolenS - before.core.stolenS };
}

async function measure(scenario, engine, o) {
  const work = plan(scenario, o);
  const postgres = engine === 'postgres' ? await Postgres.start({ core: o.cores.load }) : null;
  const hooks = work.hook ? await hookReceiver() : null;
  let server;
  let figures;
  try {
    server = await startShop({
      skus: work.skus.length, units: work.units, postgres,
      env: { TORG_HTTP_WORKERS: String(o.workers), TORG_SHOP_PERSON_MAX: '100', TORG_SHOP_HOLD_S: String(work.hold ?? 600), TORG_SHOP_BATCH_MAX: String(work.batch ?? 1024), TORG_RTC_WORKERS: '1', TORG_LOG_LEVEL: 'warn', TORG_WEBHOOKS_ALLOW_NETWORKS: '127.0.0.0/8' },
    });
    if (hooks) await listenForHooks(server, hooks);
    pin(server.child.pid, o.cores.server);
    const buyers = new Buyers(server, { ...work, core: o.cores.load });
    await buyers.ready();
    await sleep(1500); // the joins' last events
    const before = { ...(await usage(server.child.pid)), postgresS: postgres ? await familyCpuS(postgres.child.pid) : 0, core: await coreUse(o.cores.server), counters: await metrics(server) };
    buyers.go();
    const result = await buyers.done();
    const after = { ...(await usage(server.child.pid)), postgresS: postgres ? await familyCpuS(postgres.child.pid) : 0, core: await coreUse(o.cores.server), counters: await metrics(server) };
    const faults = await check(server, work, result);
    const commits = after.counters.torg_sale_commits_total - before.counters.torg_sale_commits_total;
    figures = {
      scenario, engine, intents: work.intents, sockets: work.sockets, within: work.within, skus: work.skus.length, batch: work.batch ?? 1024, workers: o.workers, ...result,
      ordersPerS: result.orders / Math.max(result.last_order_s, 1e-3), answersPerS: result.answered / Math.max(result.last_answer_s, 1e-3), commits, perCommit: result.orders / Math.max(1, commits),
      core: core(before, after), ...perOrder(before, after, result), serverCpuS: after.cpuS - before.cpuS, serverRssKiB: after.rssKiB, faults,
    };
    return figures;
  } finally {
    const began = performance.now();
    await server?.stop().catch((error) => figures?.faults.push(`the server's stop: ${error.message.split('\n')[0]}`));
    if (figures) figures.stopS = (performance.now() - began) / 1000;
    await postgres?.stop();
    hooks?.closeAllConnections();
    hooks?.close();
  }
}

const median = (runs, value) => [...runs].sort((a, b) => value(a) - value(b))[runs.length >> 1];

function machine(o) {
  const git = (...args) => {
    try {
      return execFileSync('git', ['-C', top, ...args], { encoding: 'utf8' }).trim();
    } catch {
      return '';
    }
  };
  let fsync = null; // the price of a commit
  try {
    const said = execFileSync('sh', ['-c', `dd if=/dev/zero of='${o.dir}/torg-bench-fsync' bs=4k count=200 oflag=dsync 2>&1; rm -f '${o.dir}/torg-bench-fsync'`], { encoding: 'utf8' });
    fsync = (Number(/, ([\d.]+) s,/.exec(said)?.[1]) * 1000) / 200;
  } catch {
    // no dd
  }
  const build = /TG_BUILD:[^=]*=(\w+)/.exec(readFileSync(`${buildDir}/CMakeCache.txt`, 'utf8'))?.[1] ?? '';
  return {
    cpu: cpus()[0]?.model ?? '', cores: cpus().length, memoryGiB: Math.round(totalmem() / 2 ** 30), kernel: release(), node: process.version, build, fsyncMs: fsync,
    postgres: o.engines.includes('postgres') ? execFileSync(`${postgresBin()}/postgres`, ['--version'], { encoding: 'utf8' }).trim() : null,
    commit: git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '--untracked-files=no') ? '+' : ''), date: new Date().toISOString(),
  };
}

const fixed = (value, digits = 0) => (value === null || value === undefined || !Number.isFinite(value) || value < 0 ? 'n/a' : value.toFixed(digits));
const threadsText = (r) => Object.entries(r.postgresUs ? { ...r.threadUs, 'and PostgreSQL': r.postgresUs } : r.threadUs).filter(([, us]) => us >= 0.5).map(([name, us]) => `${name} ${fixed(us, 1)}`).join(', ');
const COLUMNS = [
  ['scenario', (r) => r.scenario], ['engine', (r) => r.engine], ['intents', (r) => r.intents], ['sockets', (r) => r.sockets], ['orders', (r) => r.orders],
  ['answered', (r) => r.answered], ['sent in s', (r) => fixed(r.sent_s, 2)], ['last answer s', (r) => fixed(r.last_answer_s, 2)], ['orders/s', (r) => fixed(r.ordersPerS)], ['answers/s', (r) => fixed(r.answersPerS)],
  ['buy p50 / p99 / max ms', (r) => `${fixed(r.kinds.buy?.p50_ms, 1)} / ${fixed(r.kinds.buy?.p99_ms, 1)} / ${fixed(r.kinds.buy?.max_ms, 1)}`],
  ['orders/commit', (r) => fixed(r.perCommit, 1)], ['server CPU s', (r) => fixed(r.serverCpuS, 2)], ['CPU us/order', (r) => fixed(r.cpuUs, 1)], ['of them', (r) => threadsText(r)], ['core: others / idle s', (r) => `${fixed(r.core.othersS, 2)} / ${fixed(r.core.idleS, 2)}`], ['generator CPU s', (r) => fixed(r.cpu_s, 2)], ['exact', (r) => (r.faults.length === 0 ? 'yes' : 'NO')],
];
const head = () => `| ${COLUMNS.map(([name]) => name).join(' | ')} |\n|${COLUMNS.map(() => ' --- |').join('')}`;
const row = (r) => `| ${COLUMNS.map(([, show]) => show(r)).join(' | ')} |`;

function kindsText(r) {
  return Object.entries(r.kinds).map(([name, k]) => `  ${name}: ${k.answered} answered, p50 ${fixed(k.p50_ms, 2)} p99 ${fixed(k.p99_ms, 2)} p99.9 ${fixed(k.p999_ms, 2)} max ${fixed(k.max_ms, 1)} ms, ${JSON.stringify(k.codes)}`).join('\n');
}

async function main() {
  const o = readOptions();
  process.env.TMPDIR = o.dir;
  pin(process.pid, o.cores.load); // and whatever it starts, but the server
  const about = machine(o);
  const all = [];
  const shown = [];
  console.log(`${about.cpu}, ${about.cores} cores, ${about.memoryGiB} GiB, Linux ${about.kernel}; torg ${about.commit}, ${about.build} build; a 4 KiB synchronous write in ${o.dir}: ${fixed(about.fsyncMs, 2)} ms${about.postgres ? `; ${about.postgres}` : ''}`);
  console.log(`server on core ${o.cores.server} (${o.workers} web worker), generator and PostgreSQL on core ${o.cores.load}\n${head()}`);
  for (const engine of o.engines) {
    for (const scenario of o.scenarios) {
      const runs = [];
      for (let i = 0; i < o.runs; i++) runs.push(await measure(scenario, engine, o));
      const middle = median(runs, scenario === 'mixed' || scenario === 'sold-out' ? (r) => r.kinds.buy.p99_ms : (r) => r.ordersPerS);
      all.push(...runs);
      shown.push(middle);
      console.log(row(middle));
      for (const r of runs) for (const fault of r.faults) console.log(`  WRONG: ${fault}\n${r.said}`);
      if (scenario === 'mixed') console.log(kindsText(middle));
    }
    const of = (name) => shown.find((r) => r.engine === engine && r.scenario === name);
    if (of('all-sell') && of('baseline')) {
      const ratio = of('all-sell').ordersPerS / of('baseline').ordersPerS;
      of('baseline').ratio = ratio;
      console.log(`${engine}: batches ${fixed(of('all-sell').ordersPerS)} orders/s, a transaction for each order ${fixed(of('baseline').ordersPerS)}/s: ${fixed(ratio, 1)} times`);
    }
  }
  if (o.json) await writeFile(o.json, `${JSON.stringify({ about, options: o, shown, all }, null, 2)}\n`);
  assert.ok(shown.length > 0);
  process.exitCode = all.some((r) => r.faults.length > 0) ? 1 : 0;
}

await main();
