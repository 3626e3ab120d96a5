// The operator's tool against a running server, and on the same data when none runs.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Channel } from './lib/channel.mjs';
import { buildDir, TorgServer, cleanEnv } from './lib/server.mjs';

/** @type {TorgServer} */
let server;
const folders = [];

before(async () => {
  server = await TorgServer.start();
});
after(async () => {
  await server?.stop();
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

async function folder() {
  const name = await mkdtemp(path.join(tmpdir(), 'torg-ctl-'));
  folders.push(name);
  return name;
}

async function run(program, args, env = {}) {
  const child = spawn(path.join(buildDir, program), args, { env: { ...cleanEnv(), ...env } });
  const said = { out: '', err: '' };
  child.stdout.on('data', (d) => (said.out += d));
  child.stderr.on('data', (d) => (said.err += d));
  const [code] = await once(child, 'exit');
  return { code, ...said };
}

/** The commands that must work in both worlds. */
async function operate(show) {
  assert.equal((await server.ctl('show', 'create', show, '--title', 'Høst')).id, show);
  assert.ok((await server.ctl('show', 'list')).shows.some((s) => s.id === show && s.title === 'Høst'));
  await server.ctl('show', 'start', show);
  const key = await server.ctl('token', 'create', '--role', 'host', '--show', show, '--publish-only');
  assert.match(key.token, /^tg_[\w-]{43}$/);
  assert.equal(key.publish_only, true);
  const listed = await server.ctl('token', 'list');
  assert.ok(listed.tokens.some((t) => t.id === key.id && t.show === show));
  assert.ok(!JSON.stringify(listed).includes(key.token), 'secrets are told once');
  await server.ctl('token', 'revoke', key.id);
  await assert.rejects(server.ctl('token', 'revoke', key.id), /no such token/);
  await assert.rejects(server.ctl('show', 'create', show), /already/);
}

test('stock set and adjust change the stock that everybody sees, and the audit agrees', async () => {
  const desk = await Channel.open(server, 'demo', { token: server.deskToken });
  const { sku } = desk.joined.products[0].variants[0];
  assert.equal((await server.ctl('stock', 'set', sku, '123')).on_hand, 123);
  const { value } = await desk.event((e) => e.ev === 'stock' && e.sku === sku && e.value <= 123);
  assert.equal((await server.ctl('stock', 'adjust', sku, '-3')).available, value - 3);
  await assert.rejects(server.ctl('stock', 'set', 'NO-SUCH', '1'), /no such product/i);
  await assert.rejects(server.ctl('stock', 'adjust', sku, '-1000000'), /cannot go below/);
  assert.equal((await server.ctl('stock', 'audit')).ok, true);
  desk.close();
});

test('the same commands work with the server and, when it is stopped, on its data', async () => {
  await operate('running');
  assert.equal((await server.ctl('show', 'status', 'running')).show.state, 'live');
  assert.equal((await stat(path.join(server.dir, 'torgd.sock'))).mode & 0o777, 0o600);
  server.child.kill('SIGTERM');
  await server.exited;
  assert.equal(server.child.exitCode, 0);
  await assert.rejects(access(path.join(server.dir, 'torgd.sock')));
  await operate('stopped');
  const { sku } = JSON.parse((await run('torgctl', ['--data', server.dir, '--json', 'stock', 'audit'])).out).ok && { sku: 'MUG-RED' };
  assert.equal((await server.ctl('stock', 'set', sku, '77')).on_hand, 77);
  await server.launch();
  assert.equal((await server.ctl('show', 'status', 'stopped')).show.state, 'live');
  assert.equal((await server.ctl('stock', 'adjust', sku, '1')).on_hand, 78);
});

test('a folder without a database is not made into a shop; usage errors exit with 2', async () => {
  const empty = await folder();
  const nothing = await run('torgctl', ['--data', empty, 'show', 'list']);
  assert.equal(nothing.code, 1);
  assert.match(nothing.err, /no server runs/);
  for (const words of [['dance'], ['show', 'create'], ['stock', 'set', 'X', 'many'], ['token', 'create', '--colour', 'red']]) {
    assert.equal((await run('torgctl', ['--data', empty, ...words])).code, 2, words.join(' '));
  }
});

test('a data directory serves one torgd; the other says so and exits with 1', async () => {
  const second = await run('torgd', ['--demo', '--data', server.dir]);
  assert.equal(second.code, 1);
  assert.match(second.err, /in use by another torgd/);
});

test('a bad configuration exits with 2 naming file, line and key; --check with 1', async () => {
  const dir = await folder();
  const file = path.join(dir, 'torg.yaml');
  await writeFile(file, 'http:\n  listen: "127.0.0.1:0"\n  colour: red\n');
  const bad = await run('torgd', ['--config', file, '--data', dir]);
  assert.equal(bad.code, 2);
  assert.match(bad.err, /torg\.yaml:3: http\.colour /);
  assert.equal((await run('torgd', ['--config', file, '--check'])).code, 1);
  assert.equal((await run('torgd', ['--check'], { TORG_HTTP_LISTEN: 'nonsense' })).code, 1);
  assert.equal((await run('torgd', ['--check'], { TORG_INGEST_PUBLISHERS_MAX: '65' })).code, 1, 'more than the table holds');
  assert.equal((await run('torgd', ['--check', '--config', path.join(dir, 'none.yaml')])).code, 1);
  for (const [name, value] of [
    ['HTTP_BASE_URL', 'live.shop.example'], ['EMBED_ORIGINS', 'https://shop.example/'], ['LIMITS_TRUSTED_NETWORKS', 'office'],
    ['LIMITS_TRUSTED_PROXIES', '300.1.1.1/8'], ['METRICS_ALLOW', '10.0.0.1/8'], ['RTC_ADVERTISE', 'live shop'],
    ['RTMP_LISTEN', 'localhost:1935'], ['RTC_LISTEN', 'localhost:8189'],
  ]) {
    const env = { [`TORG_${name}`]: value };
    const [check, start] = [await run('torgd', ['--check'], env), await run('torgd', ['--data', dir], env)];
    assert.deepEqual([check.code, start.code], [1, 2], name);
    assert.match(start.err, new RegExp(name.toLowerCase().replace('_', '\\.')));
  }
  await writeFile(file, 'log:\n  level: debug\n');
  assert.equal((await run('torgd', ['--config', file, '--check'])).code, 0);
});

test('a port in use is named and exits with 1', async () => {
  const busy = await run('torgd', ['--demo', '--data', await folder()], { TORG_HTTP_LISTEN: `127.0.0.1:${server.httpPort}` });
  assert.equal(busy.code, 1);
  assert.match(busy.err, /http\.listen.*in use/);
  const rtmp = await run('torgd', ['--demo', '--data', await folder()], {
    TORG_HTTP_LISTEN: '127.0.0.1:0', TORG_RTC_LISTEN: '127.0.0.1:0', TORG_RTMP_LISTEN: `127.0.0.1:${server.rtmpPort}`,
  });
  assert.equal(rtmp.code, 1, rtmp.err);
  assert.match(rtmp.err, /rtmp\.listen/);
});

test('SIGHUP reloads the log level and nothing ends', async () => {
  server.child.kill('SIGHUP');
  for (let i = 0; i < 50 && !/reloaded/.test(server.log); i++) await new Promise((r) => setTimeout(r, 100));
  assert.match(server.log, /reloaded/);
  assert.equal((await fetch(`${server.url}/healthz`)).status, 200);
});

test('an order is sent, partly cancelled and paid back from the command line', async () => {
  const desk = await Channel.open(server, 'demo', { token: server.deskToken });
  const { sku } = desk.joined.products[0].variants[0];
  const { order } = await desk.ask({ op: 'buy', sku, qty: 3 });
  desk.close();
  await assert.rejects(server.ctl('order', 'fulfil', String(order.number)), /only a paid one is sent/);
  await fetch(`${server.url}/api/v1/payments/${order.pay_url.split('/').at(-1)}/sandbox`, {
    method: 'POST', headers: { 'content-type': 'application/json', 'idempotency-key': 'ctl-pay' }, body: '{"paid":true}',
  });
  const sent = await server.ctl('order', 'fulfil', String(order.number), '--lines', '1x1', '--carrier', 'PostNord', '--tracking', 'SE1');
  assert.equal(sent.order.state, 'partly_fulfilled');
  await assert.rejects(server.ctl('order', 'cancel', order.id), /say why/i);
  const cancelled = await server.ctl('order', 'cancel', order.id, '--lines', '1x1', '--reason', 'damaged');
  assert.equal(cancelled.order.refunded.amount, order.lines[0].price.amount);
  await assert.rejects(server.ctl('order', 'refund', order.id), /nothing is due/i);
  const refunded = await server.ctl('order', 'refund', order.id, '--amount', '100', '--reason', 'a scratch');
  assert.equal(refunded.order.refunded.amount, order.lines[0].price.amount + 100);
  const shown = await server.ctl('order', 'show', String(order.number));
  assert.deepEqual(shown.events.map(({ kind }) => kind), ['created', 'paid', 'fulfilled', 'part_cancelled', 'refunded', 'refunded', 'note']);
  assert.ok((await server.ctl('order', 'list', '--state', 'partly_fulfilled')).orders.some(({ id }) => id === order.id));
  assert.equal((await server.ctl('stock', 'audit')).difference_count, 0);
});

/** Everything in the data directory is torgd's own alone. */
test('what the server writes is its own alone, and a directory open to others is warned of', async () => {
  for (const name of ['torg.db', 'torgd.yaml', 'lock']) {
    assert.equal((await stat(path.join(server.dir, name))).mode & 0o077, 0, name);
  }
  const file = path.join(await folder(), 'saved');
  await server.ctl('backup', file);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  const shop = await TorgServer.start({ demo: false, prepare: (dir) => chmod(dir, 0o755) });
  assert.match(shop.log, /data-directory-open-to-others/);
  await shop.stop();
});

/** A shop whose database is where the YAML file says, not in the data directory. */
async function elsewhere(run_with) {
  const dir = await folder();
  const file = path.join(dir, 'torg.yaml');
  await writeFile(file, `store:\n  url: "sqlite:${dir}/other.db"\nshop:\n  currency: SEK\n`);
  const shop = await TorgServer.start({ demo: false, args: ['--config', file] });
  try {
    await shop.ctl('show', 'create', 'there');
    await run_with(shop, dir, file);
  } finally {
    await shop.stop();
  }
}

test('without a server torgctl uses the database and the currency that torgd used', async () => {
  await elsewhere(async (shop, dir) => {
    const left = path.join(shop.dir, 'torgd.yaml');
    assert.equal((await stat(left)).mode & 0o777, 0o600);
    assert.match(await readFile(left, 'utf8'), /other\.db"/);
    const saved = path.join(dir, 'saved');
    await shop.ctl('backup', saved);
    shop.child.kill('SIGTERM');
    await shop.exited;
    assert.ok((await shop.ctl('show', 'list')).shows.some(({ id }) => id === 'there'));
    await shop.ctl('show', 'create', 'later');
    const restored = await shop.ctl('restore', saved);
    assert.equal(restored.into, path.join(dir, 'other.db'));
    assert.match(restored.kept, /other\.db\.before-restore/);
    assert.deepEqual((await shop.ctl('show', 'list')).shows.map(({ id }) => id), ['there']);
    await assert.rejects(access(path.join(shop.dir, 'torg.db')), 'nothing was made where the shop is not');
    // Prices of a file without a currency are the shop's.
    const csv = path.join(dir, 'in.csv');
    await writeFile(csv, 'Handle,Title,Variant SKU,Variant Price,Variant Inventory Qty\nhat,Hat,HAT-1,199.00,4\n');
    await assert.rejects(shop.ctl('catalog', 'import', csv, '--format', 'excel'), /is no format/);
    await shop.ctl('catalog', 'import', csv, '--format', 'shopify');
    const out = path.join(dir, 'out.xml');
    await shop.ctl('catalog', 'export', out, '--format', 'google');
    assert.match(await readFile(out, 'utf8'), /199\.00 SEK/);
  });
});

test('torgctl does not guess when the environment leads to another database', async () => {
  await elsewhere(async (shop, dir, file) => {
    shop.child.kill('SIGTERM');
    await shop.exited;
    const env = { TORG_STORE_URL: `sqlite:${dir}/third.db` };
    const guess = await run('torgctl', ['--data', shop.dir, 'show', 'list'], env);
    assert.equal(guess.code, 1);
    assert.match(guess.err, /last in .*other\.db, but TORG_STORE_URL says .*third\.db.*--config/);
    const said = await run('torgctl', ['--data', shop.dir, '--config', file, 'show', 'list']);
    assert.equal(said.code, 0, said.err);
    assert.match(said.out, /there/);
    const wrong = await run('torgctl', ['--data', shop.dir, '--config', path.join(dir, 'none.yaml'), 'show', 'list']);
    assert.equal(wrong.code, 1);
    assert.match(wrong.err, /none\.yaml: cannot be opened/);
  });
});

test('an import that runs is cancelled and undone, here and over the API', async () => {
  const dir = await folder();
  const file = path.join(dir, 'many.jsonl');
  const rows = Array.from({ length: 30_000 }, (_, i) => JSON.stringify({ id: `many-${i}`, title: '=1+1', variants: [{ sku: `MANY-${i}`, price: 100 }] }));
  await writeFile(file, rows.join('\n'));
  const { token } = await server.ctl('token', 'create', '--role', 'merchandiser');
  let keys = 0;
  const api = async (method, where, body) => {
    const answer = await fetch(`${server.url}/api/v1${where}`, {
      method, body, headers: { authorization: `Bearer ${token}`, 'idempotency-key': `k${keys++}`, ...(body && { 'content-type': 'application/octet-stream' }) },
    });
    const isJson = /^application\/(problem\+)?json(;|$)/.test(answer.headers.get('content-type'));
    return { status: answer.status, headers: answer.headers, body: isJson ? await answer.json() : await answer.text() };
  };
  const { body: { import: { id } } } = await api('POST', '/imports?format=torg', await readFile(file));
  const ended = await api('DELETE', `/imports/${id}`);
  assert.equal(ended.status, 200);
  assert.equal(ended.body.import.state, 'cancelled');
  assert.deepEqual((await api('GET', `/imports/${id}`)).body, ended.body);
  const again = await api('DELETE', `/imports/${id}`);
  assert.deepEqual([again.status, again.body.field], [409, 'import']);
  assert.equal((await api('DELETE', '/imports/i999')).status, 404);
  assert.equal((await api('DELETE', '/imports/nonsense')).status, 404);
  // Whoever waits for it is told.
  const waiting = run('torgctl', ['--data', server.dir, 'catalog', 'import', file]);
  for (;;) {
    const [newest] = (await server.ctl('catalog', 'list')).imports;
    if (newest.id !== id && newest.state === 'running') break;
  }
  const url = ['--url', server.url, '--token', token];
  const cancelled = await run('torgctl', [...url, '--json', 'catalog', 'cancel']);
  assert.equal(JSON.parse(cancelled.out).import.state, 'cancelled');
  const told = await waiting;
  assert.equal(told.code, 1);
  assert.match(told.err + told.out, /cancelled/);
  await assert.rejects(server.ctl('catalog', 'cancel'), /No import is running/);
  await assert.rejects(server.ctl('catalog', 'cancel', '--import', id), /over already/);
  assert.match((await run('torgctl', [...url, 'catalog', 'cancel'])).err, /No import is running/);
  const undone = [];
  for (let i = 0; i < 2; i++) {
    const { out, err } = await run('torgctl', [...url, '--json', 'catalog', 'undo']);
    undone.push(JSON.parse(out).import?.state ?? err);
  }
  assert.deepEqual(undone, ['undone', 'undone']); // the newest that is left, each time
  // A file that is saved by its name, read by nobody else's cache, run by no spreadsheet.
  await server.ctl('catalog', 'import', await (async () => {
    await writeFile(file, rows[0]);
    return file;
  })());
  for (const [format, type, ending] of [['torg', 'application/jsonl', 'jsonl'], ['google', 'application/xml', 'xml'], ['woocommerce', 'text/csv', 'csv']]) {
    const { headers } = await api('POST', `/exports?format=${format}`);
    let job;
    do job = (await api('GET', headers.get('location').replace('/api/v1', ''))).body.export; while (job.state !== 'done');
    const got = await api('GET', job.file.replace('/api/v1', ''));
    assert.equal(got.status, 200);
    assert.equal(got.headers.get('content-type').split(';')[0], type);
    assert.equal(got.headers.get('cache-control'), 'no-store');
    assert.equal(got.headers.get('content-disposition'), `attachment; filename="catalogue-${format}-${job.ended.slice(0, 10)}.${ending}"`);
    assert.equal(got.body.includes("'=1+1"), ending === 'csv');
    assert.ok(got.body.includes('=1+1'));
  }
});

/** The doctor's findings of one kind, as "result text". */
const of = (answer, check) => answer.checks.filter((c) => c.check === check).map((c) => `${c.result} ${c.text}`);

test('doctor finds nothing bad where torgd runs, and says what it looked at', async () => {
  const well = await server.ctl('doctor');
  assert.equal(well.ok, true);
  for (const check of ['configuration', 'data directory', 'free disk', 'database', 'clock', 'ports', 'certificate', 'codecs']) {
    assert.ok(of(well, check).length > 0, check);
  }
  assert.deepEqual(of(well, 'codecs'), ['good all that torg uses are installed']);
  assert.match(of(well, 'ports').join('\n'), new RegExp(`good http.listen: TCP port ${server.httpPort} is in use, and torgd runs`));
  const people = await run('torgctl', ['--data', server.dir, 'doctor']);
  assert.match(people.out, /^good +database +.*torg\.db was read through$/m);
});

test('doctor names ports in use, an open directory, a damaged database and a wrong certificate', async () => {
  const dir = await folder();
  await chmod(dir, 0o755);
  await writeFile(path.join(dir, 'torg.db'), 'a letter to my aunt, and nothing else at all\n'.repeat(100));
  await writeFile(path.join(dir, 'cert.pem'), 'no certificate');
  const ill = await run('torgctl', ['--json', '--data', dir, 'doctor'], {
    TORG_HTTP_LISTEN: `127.0.0.1:${server.httpPort}`, TORG_RTMP_LISTEN: '192.0.2.1:1935', TORG_RTC_LISTEN: '127.0.0.1:0',
    TORG_HTTP_TLS: 'files', TORG_HTTP_CERT: path.join(dir, 'cert.pem'), TORG_HTTP_KEY: path.join(dir, 'none.pem'),
  });
  assert.equal(ill.code, 1);
  const answer = JSON.parse(ill.out);
  assert.match(of(answer, 'ports').join('\n'), /bad http\.listen: .* in use by another program/);
  assert.match(of(answer, 'ports').join('\n'), /bad rtmp\.listen: .*assign/);
  assert.match(of(answer, 'data directory')[0], /warning .*chmod 700/);
  assert.match(of(answer, 'database')[0], /bad .*torg\.db/);
  assert.match(of(answer, 'certificate')[0], /bad http\.cert: .*holds no PEM certificate/);
  const bad = await run('torgctl', ['--json', '--data', dir, 'doctor'], { TORG_HTTP_LISTEN: 'nonsense' });
  assert.match(of(JSON.parse(bad.out), 'configuration')[0], /bad .*http\.listen/);
});

test('from another machine the same commands go over HTTP, as far as the token may', async () => {
  const dir = await folder();
  const secret = path.join(dir, 'token');
  await writeFile(secret, `${server.adminToken}\n`);
  const far = async (...words) => {
    const { code, out, err } = await run('torgctl', ['--url', `${server.url}/`, '--token', `@${secret}`, '--json', ...words]);
    assert.equal(err, '');
    return { code, ...JSON.parse(out) };
  };
  assert.equal((await far('show', 'create', 'far', '--title', 'Fjern')).id, 'far');
  assert.ok((await far('show', 'list')).shows.some(({ title }) => title === 'Fjern'));
  const key = await far('token', 'create', '--role', 'host', '--show', 'far', '--publish-only', '--expires', '1h');
  assert.match(key.token, /^tg_/);
  assert.equal((await far('token', 'revoke', key.id)).code, 0);
  const { products } = await (await fetch(`${server.url}/api/v1/products`)).json();
  const { sku } = products[0].variants[0];
  assert.equal((await far('stock', 'set', sku, '50')).on_hand, 50);
  assert.equal((await far('stock', 'adjust', sku, '-1')).on_hand, 49);
  assert.ok((await far('stock', 'locations', '--sku', sku)).locations.length > 0);
  const hook = await far('webhook', 'create', 'https://example.com/a?b=c', '--topics', 'order.paid order.cancelled');
  assert.deepEqual(hook.topics, ['order.paid', 'order.cancelled']);
  assert.equal((await far('webhook', 'delete', hook.id)).code, 0);

  const desk = await Channel.open(server, 'demo', { token: server.deskToken });
  const { order } = await desk.ask({ op: 'buy', sku, qty: 2 });
  desk.close();
  assert.equal((await far('order', 'show', String(order.number))).order.id, order.id);
  const cancelled = await far('order', 'cancel', String(order.number), '--lines', '1x1', '--reason', 'far away');
  assert.equal(cancelled.order.lines[0].cancelled, 1);
  assert.ok((await far('order', 'list')).orders.some(({ id }) => id === order.id));

  const csv = path.join(dir, 'hats & caps.csv');
  await writeFile(csv, 'Handle,Title,Variant SKU,Variant Price,Variant Inventory Qty\nfar-hat,Far hat,FAR-1,199.00,4\n');
  const done = await far('catalog', 'import', csv, '--format', 'shopify');
  assert.equal(done.import.state, 'done', JSON.stringify(done));
  assert.equal(done.import.file, 'hats & caps.csv');
  assert.equal((await far('catalog', 'undo')).import.state, 'undone');

  for (const words of [['stock', 'audit'], ['backup', path.join(dir, 'x')], ['show', 'start', 'far']]) {
    const no = await far(...words);
    assert.equal(no.code, 1);
    assert.match(no.message, /not done over HTTP/, words.join(' '));
  }
  const nobody = await run('torgctl', ['--url', server.url, '--token', 'wrong', 'token', 'list']);
  assert.equal(nobody.code, 1);
  const down = await run('torgctl', ['--url', 'http://127.0.0.1:9', 'show', 'list']);
  assert.equal(down.code, 1);
  assert.match(down.err, /127\.0\.0\.1:9: /);
});
