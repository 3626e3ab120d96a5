// Who may do what: every operation of openapi.json and of asyncapi.json by every kind of person. An
// operation that is missing here fails, and so does an answer that the documents do not describe.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import WebSocket from 'ws';
import { Channel } from './lib/channel.mjs';
import { Schemas } from './lib/schema.mjs';
import { TorgServer } from './lib/server.mjs';

const openapi = new Schemas('openapi');
const asyncapi = new Schemas('asyncapi');

/** @type {TorgServer} */
let server;
/** Tokens by person; '' = no Authorization header. */
const people = {};
let order; // alice's, in the show demo, paid by nobody
let other; // another of hers
let webhook; // one that leads nowhere
let message; // a ping of it
let keys = 0;

const payment = (of) => of.pay_url.split('/').at(-1);

async function mint(...args) {
  return (await server.ctl('token', 'create', ...args)).token;
}

before(async () => {
  server = await TorgServer.start();
  await server.ctl('show', 'create', 'other');
  const alice = await Channel.open(server);
  const bob = await Channel.open(server);
  const { sku } = alice.joined.products[1].variants[0];
  order = (await alice.ask({ op: 'buy', sku, qty: 1 })).order;
  other = (await alice.ask({ op: 'buy', sku, qty: 1 })).order;
  Object.assign(people, {
    nobody: '',
    wrong: `tg_${'A'.repeat(43)}`,
    key: await mint('--role', 'host', '--show', 'demo', '--publish-only'),
    alice: alice.joined.you.token,
    bob: bob.joined.you.token,
    moderator: await mint('--role', 'moderator'),
    host: await mint('--role', 'host', '--show', 'demo'),
    hostOther: await mint('--role', 'host', '--show', 'other'),
    merch: await mint('--role', 'merchandiser'),
    merchOther: await mint('--role', 'merchandiser', '--show', 'other'),
    adminOther: await mint('--role', 'admin', '--show', 'other'),
    admin: await mint('--role', 'admin'),
  });
  alice.close();
  bob.close();
  const admin = (path, json) => fetch(`${server.url}/api/v1/webhooks${path}`, {
    method: 'POST', body: JSON.stringify(json),
    headers: { authorization: `Bearer ${people.admin}`, 'content-type': 'application/json', 'idempotency-key': `k${keys++}` },
  });
  webhook = (await (await admin('', { url: 'https://shop.example/hooks' })).json()).id;
  message = (await (await admin(`/${webhook}/ping`, {})).json()).message;
});
after(() => server?.stop());

/** The same for everybody, but a stream key is refused and a token that is none is told so. */
const open = (status) => ({ ...all(status), key: 403, wrong: 401 });
const all = (status) => Object.fromEntries(Object.keys(people).map((name) => [name, status]));
/** Publishing: a stream key of the show, hosts and admins of it. */
const senders = (status) => ({ ...all(403), nobody: 401, wrong: 401, key: status, host: status, admin: status });
/** Who runs the show demo. */
const runners = (status) => ({ ...all(403), nobody: 401, wrong: 401, host: status, merch: status, admin: status });
/** Who sells in the show demo; for those of another show its orders do not exist. */
const sellers = (status) => ({ ...all(403), nobody: 401, wrong: 401, merch: status, admin: status, merchOther: 404, adminOther: 404 });
/** Who keeps the whole shop's goods. */
const keepers = (status) => ({ ...adminOnly(status), merch: status });
const adminOnly = (status) => ({ ...all(403), nobody: 401, wrong: 401, admin: status });

/** One import at a time: the one before has ended. */
async function importsOver() {
  const headers = { authorization: `Bearer ${people.admin}` };
  for (;;) {
    const { imports } = await (await fetch(`${server.url}/api/v1/imports`, { headers })).json();
    if (!imports.some(({ state }) => state === 'running')) return;
    await delay(50);
  }
}

/** By operationId: how to call it, and what each person gets. */
const operations = {
  listShows: () => ({ expect: open(200) }),
  getShow: () => ({ path: { show: 'demo' }, expect: open(200) }),
  createShow: () => ({ json: { id: 'made-here', title: 'Made' }, expect: adminOnly(201) }),
  showRules: () => ({ path: { show: 'demo' }, expect: runners(200) }),
  putShowRules: () => ({ path: { show: 'demo' }, json: { waiting: true, comments: true }, expect: runners(200) }),
  showItems: () => ({ path: { show: 'demo' }, expect: runners(200) }),
  showItem: () => ({ path: { show: 'demo', sku: order.lines[0].sku }, expect: runners(200) }),
  putShowItem: () => ({ path: { show: 'demo', sku: order.lines[0].sku }, json: { number: 77 }, expect: runners(200) }),
  deleteShowItem: () => ({ path: { show: 'demo', sku: order.lines[0].sku }, expect: runners(200) }),
  showWindow: () => ({ path: { show: 'demo', sku: order.lines[0].sku }, json: { open: true }, expect: runners(200) }),
  sellForSomebody: () => ({
    path: { show: 'demo' }, keyed: true, json: { sku: order.lines[0].sku, name: 'Ola' }, expect: { ...runners(201), host: 403 },
  }),
  listProducts: () => ({ expect: open(200) }),
  listOrders: () => ({ expect: { ...open(200), nobody: 401 } }),
  getOrder: () => ({
    path: { order: order.id },
    expect: { ...open(200), nobody: 401, bob: 404, hostOther: 404, merchOther: 404, adminOther: 404 },
  }),
  buy: () => ({ keyed: true, json: { sku: order.lines[0].sku, qty: 1 }, expect: { ...open(201), nobody: 401 } }),
  myCart: () => ({ expect: { ...open(200), nobody: 401 } }),
  setCartLine: () => ({ path: { sku: order.lines[0].sku }, json: { qty: 2 }, expect: { ...open(200), nobody: 401 } }),
  removeCartLine: () => ({ path: { sku: order.lines[0].sku }, expect: { ...open(200), nobody: 401 } }),
  mergeCart: () => ({ json: { token: people.bob }, expect: { ...open(200), nobody: 401 } }),
  checkoutCart: () => ({ keyed: true, json: {}, expect: { ...open(400), nobody: 401 } }), // nothing in it
  cancelOrder: () => ({
    path: { order: order.id },
    keyed: true,
    expect: { ...open(404), nobody: 401, alice: 200, merch: 200, admin: 200 },
  }),
  getOrderEvents: () => ({
    path: { order: order.id },
    expect: { ...open(200), nobody: 401, bob: 404, hostOther: 404, merchOther: 404, adminOther: 404 },
  }),
  // Nobody has paid for alice's order, so nothing of it can be sent, come back or be paid back.
  fulfilOrder: () => ({ path: { order: order.id }, keyed: true, json: { carrier: 'PostNord' }, expect: sellers(409) }),
  returnOrder: () => ({ path: { order: order.id }, keyed: true, json: { restock: true }, expect: sellers(409) }),
  refundOrder: () => ({ path: { order: order.id }, keyed: true, json: {}, expect: sellers(409) }),
  noteOrder: () => ({ path: { order: order.id }, keyed: true, json: { text: 'called her' }, expect: sellers(200) }),
  retryPayment: () => ({ path: { payment: payment(other) }, keyed: true, expect: sellers(409) }),
  giveUpPayment: () => ({
    path: { payment: payment(other) }, keyed: true, json: { intent: 1, reason: 'no answer for a week' }, expect: sellers(409), // nothing was asked
  }),
  listPayments: () => ({ expect: { ...sellers(200), merchOther: 200, adminOther: 200 } }),
  listReturns: () => ({ expect: { ...sellers(200), merchOther: 200, adminOther: 200 } }),
  getPayment: () => ({ path: { payment: payment(other) }, expect: open(200) }),
  paySandbox: () => ({ path: { payment: payment(other) }, keyed: true, json: { paid: false }, expect: open(200) }),
  getSession: () => ({ expect: open(200) }),
  login: () => ({ json: { token: people.alice }, expect: open(200) }),
  makeCode: () => ({ json: { show: 'demo' }, expect: runners(201) }),
  logout: () => ({ expect: open(204) }),
  listWebhooks: () => ({ expect: adminOnly(200) }),
  createWebhook: () => ({ keyed: true, json: { url: 'https://shop.example/hooks', topics: ['order.*'] }, expect: adminOnly(201) }),
  getWebhook: () => ({ path: { webhook }, expect: adminOnly(200) }),
  changeWebhook: () => ({ path: { webhook }, json: { description: 'ERP', enabled: true }, expect: adminOnly(200) }),
  rotateWebhook: () => ({ path: { webhook }, expect: adminOnly(200) }),
  pingWebhook: () => ({ path: { webhook }, expect: adminOnly(202) }),
  replayWebhook: () => ({ path: { webhook }, json: { since: '2026-01-01T00:00:00Z' }, expect: adminOnly(202) }),
  listDeliveries: () => ({ path: { webhook }, expect: adminOnly(200) }),
  getDelivery: () => ({ path: { webhook, message }, expect: adminOnly(200) }),
  replayDelivery: () => ({ path: { webhook, message }, expect: adminOnly(202) }),
  deleteWebhook: () => ({ path: { webhook: '00000000-0000-7000-8000-000000000000' }, expect: adminOnly(404) }),
  listStock: () => ({ expect: { ...adminOnly(200), merch: 200, moderator: 200 } }),
  changeStock: () => ({
    keyed: true,
    json: { rows: [{ sku: order.lines[0].sku, receive: 2, cause: 'delivery 7' }, { sku: order.lines[0].sku, adjust: -1 }] },
    expect: { ...adminOnly(200), merch: 200 },
  }),
  transferStock: () => ({
    keyed: true,
    json: { rows: [{ sku: order.lines[0].sku, transfer: 1, to: 'no-such' }] },
    expect: { ...adminOnly(404), merch: 404 },
  }),
  grantStock: () => ({
    keyed: true,
    json: { rows: [{ sku: order.lines[0].sku, grant: 1 }] },
    expect: { ...adminOnly(409), merch: 409 }, // torg counts here
  }),
  getStock: () => ({ path: { sku: order.lines[0].sku }, expect: { ...adminOnly(200), merch: 200 } }),
  changeStockItem: () => ({
    path: { sku: order.lines[0].sku },
    keyed: true,
    json: { adjust: 1, counted_at: '2026-05-28T20:26:40Z' },
    expect: { ...adminOnly(200), merch: 200 },
  }),
  putStockRules: () => ({
    path: { sku: order.lines[0].sku }, json: { safety: 0, order_max: 50 }, expect: { ...adminOnly(200), merch: 200 },
  }),
  listMovements: () => ({ path: { sku: order.lines[0].sku }, expect: { ...adminOnly(200), merch: 200, moderator: 200 } }),
  listLocations: () => ({ expect: open(200) }),
  createLocation: () => ({ keyed: true, json: { id: 'oslo', kind: 'store', name: 'Oslo', hours: '10-18' }, expect: adminOnly(201) }),
  putLocation: () => ({ path: { location: 'nowhere' }, json: { kind: 'store', name: 'Oslo' }, expect: adminOnly(404) }),
  createProduct: () => ({
    keyed: true,
    json: { id: 'cup', title: 'Cup', variants: [{ sku: 'CUP', price: { amount: 9900, currency: 'NOK' } }] },
    expect: { ...keepers(422), merch: 201 }, // the second time it is there
  }),
  getProduct: () => ({ path: { product: 'cup' }, expect: open(200) }),
  setProduct: () => ({ path: { product: 'cup' }, headers: { 'if-match': '*' }, json: { title: 'Big cup' }, expect: keepers(200) }),
  createVariant: () => ({ keyed: true, path: { product: 'nosuch' }, json: { sku: 'CUP-RED' }, expect: keepers(404) }),
  listVariants: () => ({ expect: keepers(200) }),
  getVariant: () => ({ path: { sku: order.lines[0].sku }, expect: keepers(200) }),
  setFlashPrice: () => ({ keyed: true, path: { sku: order.lines[0].sku }, json: { price: { amount: 100, currency: 'NOK' } }, expect: { ...keepers(200), merchOther: 200, adminOther: 200 } }),
  endFlashPrice: () => ({ path: { sku: order.lines[0].sku }, expect: { ...keepers(200), merchOther: 200, adminOther: 200 } }),
  getWaiting: () => ({ path: { sku: order.lines[0].sku }, expect: { ...open(200), nobody: 401 } }),
  joinWaiting: () => ({
    keyed: true, path: { sku: order.lines[0].sku }, json: { show: 'demo' },
    expect: { ...open(400), nobody: 401, hostOther: 403, merchOther: 403, adminOther: 403 }, // the show has no list
  }),
  leaveWaiting: () => ({ path: { sku: order.lines[0].sku }, expect: { ...open(404), nobody: 401 } }),
  archiveProduct: () => ({ path: { product: 'cup' }, expect: keepers(200) }),
  listImports: () => ({ expect: keepers(200) }),
  createImport: () => ({ ready: importsOver, keyed: true, text: '{"torg":1}\n', type: 'application/octet-stream', expect: keepers(202) }),
  getImport: () => ({ path: { import: 'i999' }, expect: keepers(404) }),
  listImportFaults: () => ({ path: { import: 'i999' }, expect: keepers(404) }),
  cancelImport: () => ({ path: { import: 'i999' }, expect: keepers(404) }),
  undoImport: () => ({ keyed: true, path: { import: 'i999' }, expect: keepers(404) }),
  exportCatalogue: () => ({ expect: keepers(202) }),
  getExport: () => ({ path: { export: 'x1' }, expect: keepers(404) }),
  getExportFile: () => ({ path: { export: 'x1' }, expect: keepers(404) }),
  getPrices: () => ({ path: { sku: order.lines[0].sku }, expect: { ...adminOnly(200), merch: 200 } }),
  setPrices: () => ({
    path: { sku: order.lines[0].sku }, headers: { 'if-match': '*' },
    json: { price: order.lines[0].price, compare_at: null }, expect: { ...adminOnly(200), merch: 200 },
  }),
  setVariant: () => ({
    path: { sku: order.lines[0].sku }, headers: { 'if-match': '"p1_1"' },
    json: { price: order.lines[0].price }, expect: { ...adminOnly(412), merch: 412 },
  }),
  listCodes: () => ({ expect: { ...adminOnly(200), merch: 200 } }),
  createCode: () => ({ keyed: true, json: { code: `C${keys++}`, percent_bp: 1000, show: 'demo', person_max: 1 }, expect: { ...adminOnly(409), merch: 201 } }), // the second time
  getCode: () => ({ path: { code: 'NOSUCH' }, expect: { ...adminOnly(404), merch: 404 } }),
  setCode: () => ({ path: { code: 'NOSUCH' }, json: { amount: 5000, currency: 'NOK' }, expect: { ...adminOnly(404), merch: 404 } }),
  endCode: () => ({ path: { code: 'NOSUCH' }, expect: { ...adminOnly(404), merch: 404 } }),
  listTokens: () => ({ expect: adminOnly(200) }),
  createToken: () => ({ keyed: true, json: { roles: ['host'], show: 'demo', expires: 60 }, expect: adminOnly(201) }),
  revokeToken: () => ({ path: { token: 't999999' }, expect: adminOnly(404) }),
  getReport: () => ({
    path: { show: 'demo' },
    expect: { ...open(200), nobody: 401, alice: 403, bob: 403, hostOther: 403, merchOther: 403, adminOther: 403 },
  }),
  getOpenapi: () => ({ expect: open(200) }),
  getAsyncapi: () => ({ expect: open(200) }),
  whepOffer: () => ({ path: { show: 'demo' }, text: 'hello', type: 'application/sdp', expect: open(400) }),
  whepGet: () => ({ path: { show: 'demo' }, expect: open(200) }),
  whepTrickle: () => ({
    path: { show: 'demo', session: '0.nosuch' }, text: 'a=end-of-candidates\r\n', type: 'application/trickle-ice-sdpfrag', expect: open(404),
  }),
  whepEnd: () => ({ path: { show: 'demo', session: '0.nosuch' }, expect: open(404) }),
  whepSessionGet: () => ({ path: { show: 'demo', session: '0.nosuch' }, expect: open(204) }),
  whepLayers: () => ({ path: { show: 'demo', session: '0.nosuch' }, expect: open(404) }),
  whepLayer: () => ({ path: { show: 'demo', session: '0.nosuch' }, json: { rid: 'auto' }, expect: open(404) }),
  whepEvents: () => ({ path: { show: 'demo', session: '0.nosuch' }, json: ['layers'], expect: open(404) }),
  whepEventStream: () => ({ path: { show: 'demo', session: '0.nosuch', stream: '1f00123456789abcdefABCD-_' }, expect: open(404) }),
  whepEventsEnd: () => ({ path: { show: 'demo', session: '0.nosuch', stream: '1f00123456789abcdefABCD-_' }, expect: open(404) }),
  whipNoShow: () => ({
    text: 'hello', type: 'application/sdp', redirect: 'manual',
    expect: { ...senders(307), hostOther: 307, adminOther: 307, admin: 404 },
  }),
  whipOffer: () => ({ path: { show: 'demo' }, text: 'hello', type: 'application/sdp', expect: senders(400) }),
  whipGet: () => ({ path: { show: 'demo' }, expect: { ...all(204), wrong: 401 } }),
  whipTrickle: () => ({
    path: { show: 'demo', session: '0.nosuch' }, text: 'a=end-of-candidates\r\n', type: 'application/trickle-ice-sdpfrag', expect: senders(404),
  }),
  whipEnd: () => ({ path: { show: 'demo', session: '0.nosuch' }, expect: senders(404) }),
  whipSessionGet: () => ({ path: { show: 'demo', session: '0.nosuch' }, expect: { ...all(204), wrong: 401 } }),
  healthz: () => ({ expect: all(200) }),
  readyz: () => ({ expect: all(200) }),
  metrics: () => ({ expect: open(200) }),
};

function described() {
  return Object.entries(openapi.doc.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })));
}

async function call({ path, method }, how, token) {
  const headers = { ...(token && { authorization: `Bearer ${token}` }), ...how.headers };
  let body = how.text;
  if (how.type) headers['content-type'] = how.type;
  if (how.json) (headers['content-type'] = 'application/json'), (body = JSON.stringify(how.json));
  if (how.keyed) headers['idempotency-key'] = how.key ?? `k${keys++}`;
  const url = path.replace(/\{(\w+)\}/g, (_, name) => how.path[name]);
  return fetch(server.url + url, { method: method.toUpperCase(), headers, body, redirect: how.redirect ?? 'follow' });
}

/** The answer's body fits what the document says of this status. */
async function checkAnswer(name, operation, response) {
  const named = operation.responses[response.status];
  const promise = named?.$ref ? openapi.doc.components.responses[named.$ref.split('/').pop()] : named;
  const text = await response.text();
  assert.ok(promise, `${name}: ${response.status} is not documented: ${text}`);
  const type = response.headers.get('content-type')?.split(';')[0];
  if (response.status >= 400 && text) assert.equal(type, 'application/problem+json', name);
  const schema = promise.content?.[type]?.schema;
  if (!text || !/json/.test(type ?? '')) return text;
  assert.ok(schema, `${name}: ${response.status} has no schema for ${type}`);
  const value = JSON.parse(text);
  assert.equal(openapi.fault(schema, value), null, `${name} ${response.status}`);
  return value;
}

test('every HTTP operation gives every person what the document says', async () => {
  const wrong = [];
  for (const at of described()) {
    const id = at.operation.operationId;
    assert.ok(operations[id], `no row for ${id} (${at.method} ${at.path})`);
    const { expect, ...how } = operations[id]();
    for (const [person, token] of Object.entries(people)) {
      await how.ready?.();
      const response = await call(at, how, token);
      if (response.status !== expect[person]) wrong.push(`${id} by ${person}: ${response.status}, not ${expect[person]}`);
      await checkAnswer(`${id} by ${person}`, at.operation, response);
    }
  }
  assert.deepEqual(wrong, []);
});

test('people see their own orders, staff of the whole shop all, staff of one show none of the others', async () => {
  const list = async (token) => (await (await fetch(`${server.url}/api/v1/orders`, { headers: { authorization: `Bearer ${token}` } })).json()).orders;
  const hers = (await list(people.alice)).map((o) => o.id);
  assert.equal(hers.length, 3); // two before, one by the operation `buy`
  assert.ok((await list(people.moderator)).filter((o) => hers.includes(o.id)).length === 3);
  for (const person of ['bob', 'hostOther', 'merchOther', 'adminOther'])
    assert.deepEqual((await list(people[person])).filter((o) => hers.includes(o.id)), [], person);
});

test('a stream key or an unknown token cannot log in, and a cookie counts on our own pages only', async () => {
  const login = (token, headers = {}) => fetch(`${server.url}/api/v1/session`, {
    method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify({ token }),
  });
  assert.equal((await login(people.key)).status, 403);
  assert.equal((await login(people.wrong)).status, 401);
  assert.equal((await login(people.admin, { origin: 'https://evil.example' })).status, 403);
  const setCookie = (await login(people.admin, { origin: server.url })).headers.get('set-cookie');
  assert.match(setCookie, /^torg_session=tg_[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Strict$/);
  const cookie = setCookie.split(';')[0];
  const tokens = async (headers) => (await fetch(`${server.url}/api/v1/tokens`, { headers })).status;
  assert.equal(await tokens({ cookie, origin: server.url }), 200);
  assert.equal(await tokens({ cookie }), 401);
  assert.equal(await tokens({ cookie, origin: 'https://evil.example' }), 401);
  const make = (origin) => fetch(`${server.url}/api/v1/shows`, {
    method: 'POST', headers: { cookie, origin, 'content-type': 'application/json' }, body: '{"id":"forged","title":"x"}',
  });
  assert.equal((await make('https://evil.example')).status, 403);
  assert.equal((await make(server.url)).status, 201);
  const socket = new WebSocket(`${server.wsUrl}/ws/demo`, 'torg.v1', { headers: { cookie } }); // no Origin
  await once(socket, 'open');
  socket.send('{"op":"join"}');
  const [data] = await once(socket, 'message');
  assert.deepEqual(JSON.parse(data)[0].you.roles, ['viewer']);
  socket.close();
});

test('metrics through an unknown proxy need an admin', async () => {
  const scrape = (token) => fetch(`${server.url}/metrics`, { headers: { 'x-forwarded-for': '203.0.113.9', authorization: `Bearer ${token}` } });
  assert.equal((await scrape(people.merch)).status, 403);
  assert.equal((await scrape(people.adminOther)).status, 403);
  assert.equal((await scrape(people.admin)).status, 200);
});

test('idempotency keys: needed, repeated, not reused', async () => {
  const pay = (paid, headers) => fetch(`${server.url}/api/v1/payments/${payment(other)}/sandbox`, {
    method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify({ paid }),
  });
  assert.equal((await pay(false, {})).status, 400);
  const first = await (await pay(false, { 'idempotency-key': 'same' })).text();
  assert.equal(await (await pay(false, { 'idempotency-key': 'same' })).text(), first);
  assert.equal((await pay(true, { 'idempotency-key': 'same' })).status, 422);
});

test('a key sent twice at once makes one order, and pages follow their Link', async () => {
  const headers = { authorization: `Bearer ${people.bob}` };
  const mine = async (query) => fetch(`${server.url}/api/v1/orders?${query}`, { headers });
  const buy = (_, index, all, key = 'at-once') => fetch(`${server.url}/api/v1/orders`, {
    method: 'POST', headers: { ...headers, 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify({ sku: order.lines[0].sku, qty: 1, show: 'demo' }),
  });
  const before = (await (await mine('limit=100')).json()).orders.length;
  const all = await Promise.all(Array.from({ length: 8 }, buy));
  assert.ok(all.every((r) => r.status === 201 || r.status === 409), all.map((r) => r.status).join());
  const text = await (await buy()).text();
  for (const r of all) if (r.status === 201) assert.equal(await r.text(), text);
  assert.equal((await (await mine('limit=100')).json()).orders.length, before + 1);
  assert.equal((await buy(0, 0, 0, 'another')).status, 201);
  const first = await mine('limit=1');
  const link = /^<([^>]+)>; rel="next"$/.exec(first.headers.get('link'))?.[1];
  assert.match(link, /limit=1&cursor=/);
  const second = await (await fetch(server.url + link, { headers })).json();
  assert.notEqual(second.orders[0].id, (await first.json()).orders[0].id);
  assert.equal((await mine('limit=101')).status, 400);
  assert.equal((await mine('cursor=1002')).status, 400);
});

test('HTTP manners: 405 with Allow, HEAD like GET, OPTIONS, problem details', async () => {
  for (const [method, path, allow] of [
    ['DELETE', '/api/v1/shows', 'GET, HEAD, POST, OPTIONS'],
    ['PUT', '/whep/demo', 'GET, HEAD, POST, OPTIONS'],
    ['POST', '/whep/demo/0.x', 'GET, HEAD, PATCH, DELETE, OPTIONS'],
    ['PATCH', '/whip/demo', 'GET, HEAD, POST, OPTIONS'],
    ['PUT', '/whip/demo/0.x', 'GET, HEAD, PATCH, DELETE, OPTIONS'],
  ]) {
    const response = await fetch(server.url + path, { method });
    assert.equal(response.status, 405);
    assert.deepEqual(response.headers.get('allow').split(', ').sort(), allow.split(', ').sort(), `${method} ${path}`);
    const problem = await response.json();
    assert.equal(openapi.fault({ $ref: '#/components/schemas/Problem' }, problem), null);
    assert.equal(problem.status, 405);
  }
  const head = await fetch(`${server.url}/api/v1/shows`, { method: 'HEAD' });
  assert.equal(head.status, 200);
  assert.equal(await head.text(), '');
  assert.ok(Number(head.headers.get('content-length')) > 0);
  for (const path of ['/whep/demo', '/whip/demo', '/whip/demo/0.x']) {
    const options = await fetch(server.url + path, { method: 'OPTIONS', headers: { origin: 'https://any.example' } });
    assert.equal(options.status, 200);
    assert.equal(options.headers.get('accept-post'), 'application/sdp');
    assert.equal(options.headers.get('access-control-allow-origin'), '*');
  }
});

/** An offer of one H.264 section; WHIP's and WHEP's differ in the direction. */
const offer = (direction) => [
  'v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0',
  'm=video 9 UDP/TLS/RTP/SAVPF 102', 'c=IN IP4 0.0.0.0', 'a=mid:0', `a=${direction}`, 'a=rtcp-mux', 'a=rtcp-mux-only',
  'a=ice-ufrag:abcd', 'a=ice-pwd:abcdefghijklmnopqrstuvwx', 'a=setup:actpass', 'a=msid:s v',
  `a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`,
  'a=rtpmap:102 H264/90000', 'a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f', '',
].join('\r\n');

for (const [door, direction] of [['whep', 'recvonly'], ['whip', 'sendonly']]) {
  test(`a ${door.toUpperCase()} session is known by its Location, its tag and its ICE credentials`, async () => {
    const auth = door === 'whip' ? { authorization: `Bearer ${people.key}` } : {};
    const made = await fetch(`${server.url}/${door}/demo`, { method: 'POST', headers: { 'content-type': 'application/sdp', ...auth }, body: offer(direction) });
    assert.equal(made.status, 201, await made.clone().text());
    assert.match(made.headers.get('content-type'), /^application\/sdp/);
    const [location, etag] = [made.headers.get('location'), made.headers.get('etag')];
    assert.match(location, new RegExp(`^/${door}/demo/\\d+\\.[\\w-]{22}$`));
    assert.match(etag, /^"[^"]+"$/);
    if (door === 'whip') assert.ok(made.headers.get('torg-publisher'));
    const send = (ufrag, match, path = location) => fetch(server.url + path, {
      method: 'PATCH',
      headers: { 'content-type': 'application/trickle-ice-sdpfrag', ...auth, ...(match && { 'if-match': match }) },
      body: `a=ice-ufrag:${ufrag}\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\nm=video 9 UDP/TLS/RTP/SAVPF 102\r\na=mid:0\r\na=end-of-candidates\r\n`,
    });
    const patch = async (...args) => (await send(...args)).status;
    assert.equal(await patch('abcd'), 428);
    assert.equal(await patch('wxyz'), 428, 'an ICE restart needs If-Match');
    assert.equal(await patch('abcd', etag), 204);
    assert.equal(await patch('abcd', `"another", ${etag}`), 204);
    assert.equal(await patch('abcd', '"another"'), 412);
    assert.equal(await patch('abcd', `W/${etag}`), 412, 'a weak tag never matches');
    assert.equal(await patch('abcd', etag.replaceAll('"', '')), 400, 'a tag has quotes');
    assert.equal(await patch('abcd', etag, location.replace('/demo/', '/other/')), door === 'whip' ? 403 : 404);
    assert.equal(await patch('abcd', etag, location.replace(door, door === 'whip' ? 'whep' : 'whip')), door === 'whip' ? 403 : 401);
    const restarted = await send('wxyz', '*');
    assert.equal(restarted.status, 200, 'an ICE restart');
    assert.equal(restarted.headers.get('content-type'), 'application/trickle-ice-sdpfrag');
    assert.match(await restarted.text(), /a=ice-ufrag:/);
    const newTag = restarted.headers.get('etag');
    assert.match(newTag, /^"[^"]+"$/);
    assert.notEqual(newTag, etag);
    assert.equal(await patch('wxyz', etag), 412, 'the tag before the restart');
    assert.equal(await patch('wxyz', newTag), 204);
    const end = async () => (await fetch(server.url + location, { method: 'DELETE', headers: { ...auth, 'if-match': '"any"' } })).status;
    assert.equal(await end(), 200);
    assert.equal(await patch('wxyz', newTag), 404);
    assert.equal(await end(), 404);
  });
}

test('a key alone knows its show, and a slash at the end changes nothing', async () => {
  for (const [path, token, to] of [['/whip', people.key, '/whip/demo'], ['/whip', people.hostOther, '/whip/other'],
    ['/whip/demo/', people.key, '/whip/demo'], ['/whep/demo/', '', '/whep/demo']]) {
    const answer = await fetch(server.url + path, {
      method: 'POST', redirect: 'manual', body: 'v=0', headers: { 'content-type': 'application/sdp', ...(token && { authorization: `Bearer ${token}` }) },
    });
    assert.equal(answer.status, 307, path);
    assert.equal(answer.headers.get('location'), to);
  }
});

test('a code opens the studio on a phone once, as a token that can be revoked', async () => {
  const headers = { authorization: `Bearer ${people.merch}`, 'content-type': 'application/json' };
  const made = await (await fetch(`${server.url}/api/v1/session/code`, { method: 'POST', headers, body: '{"show":"demo"}' })).json();
  assert.equal(made.url, `${server.url}/studio/demo#code=${made.code}`);
  const minutes = (Date.parse(made.expires) - Date.now()) / 60e3;
  assert.ok(minutes > 4.5 && minutes <= 5, `${minutes} minutes`);
  const login = (code) => fetch(`${server.url}/api/v1/session`, {
    method: 'POST', headers: { 'content-type': 'application/json', origin: server.url }, body: JSON.stringify({ code }),
  });
  const phone = await login(made.code);
  assert.equal(phone.status, 200);
  const { you } = await phone.json();
  assert.deepEqual(you.roles.sort(), ['host', 'merchandiser', 'viewer']);
  assert.equal(you.show, 'demo');
  const cookie = phone.headers.get('set-cookie').split(';')[0];
  assert.match(phone.headers.get('set-cookie'), /HttpOnly; Secure; SameSite=Strict; Max-Age=43\d\d\d$/);
  assert.equal((await login(made.code)).status, 401);
  assert.equal((await login('tc_AAAAAAAAAAAAAAAAAAAAAA')).status, 401);
  const who = async () => (await (await fetch(`${server.url}/api/v1/session`, { headers: { cookie, origin: server.url } })).json()).you;
  assert.equal((await who()).id, you.id);
  const admin = { authorization: `Bearer ${people.admin}` };
  const { tokens } = await (await fetch(`${server.url}/api/v1/tokens?limit=100`, { headers: admin })).json();
  const mine = tokens.find((token) => token.id === you.id.replace('s', 't'));
  assert.equal(mine.label, 'phone');
  assert.equal(mine.show, 'demo');
  assert.equal((await fetch(`${server.url}/api/v1/tokens/${mine.id}`, { method: 'DELETE', headers: admin })).status, 204);
  assert.deepEqual((await who()).roles, ['viewer']);
  assert.ok(!server.log.includes(made.code));
});

// --- the show channel ---------------------------------------------------------------------------

/** One socket for a person that tells what the server answers, and checks every frame's shape. */
async function enter(show, token) {
  const socket = new WebSocket(`${server.wsUrl}/ws/${show}`, 'torg.v1', { origin: server.url });
  const items = [];
  const wake = new Set();
  socket.on('message', (data) => {
    const frame = JSON.parse(data.toString());
    assert.equal(asyncapi.fault({ $ref: '#/components/schemas/ServerFrame' }, frame), null);
    items.push(...frame);
    for (const w of wake) w();
  });
  await once(socket, 'open');
  const find = async (match) => {
    for (let end = Date.now() + 10000; Date.now() < end;) {
      const item = items.find(match);
      if (item) return item;
      await new Promise((resolve) => {
        const timer = setTimeout(done, 500);
        function done() {
          clearTimeout(timer);
          wake.delete(done);
          resolve();
        }
        wake.add(done);
      });
    }
    throw new Error(`nothing like ${match} in ${JSON.stringify(items.slice(-5))}`);
  };
  const ask = (op) => {
    const id = `q${keys++}`;
    socket.send(JSON.stringify({ ...op, id }));
    return find((item) => item.re === id);
  };
  socket.send(JSON.stringify({ op: 'join', ...(token && { token }) }));
  const first = await find((item) => item.ev === 'joined' || item.re === null);
  return { socket, first, ask, find };
}

const staffOps = { pin: ['host', 'merch', 'admin'], price: ['merch', 'admin'], hide: ['moderator', 'host', 'merch', 'admin'] };
const sku = 'MUG-RED';
/** By op: what to send, and who may; everybody when not said. null = no reply to look at. */
const channelOps = {
  join: { send: null },
  chat: { send: { text: 'hello' } },
  react: { send: null },
  buy: { send: { sku, qty: 1 } },
  'cart.set': { send: { sku, qty: 1 } },
  checkout: { send: {} },
  ping: { send: {} },
  pin: { send: { sku }, may: staffOps.pin },
  unpin: { send: { sku }, may: staffOps.pin },
  price: { send: { sku, amount: 100 }, may: staffOps.price },
  stock: { send: { sku, delta: 1 }, may: staffOps.price },
  wait: { send: { sku, leave: true } },
  window: { send: { sku, open: true }, may: staffOps.pin },
  sell: { send: { sku, name: 'Ola' }, may: staffOps.price },
  hide: { send: { message: 'c1' }, may: staffOps.hide },
  mute: { send: { person: 'pNobody', seconds: 1 }, may: staffOps.hide },
  'show.start': { send: {}, may: staffOps.pin },
  'show.rehearse': { send: { on: true }, may: staffOps.pin }, // live by now: conflict for those
  'show.end': { send: null, may: staffOps.pin }, // last, below
};

function opsOf(schema) {
  const s = asyncapi.resolve(schema);
  if (!s.properties) return s.oneOf.flatMap(opsOf);
  const op = asyncapi.resolve(s.properties.op);
  return op.const ? [op.const] : op.enum;
}

test('every channel operation is for the roles that the contract names', async () => {
  const later = new Set(asyncapi.resolve({ $ref: '#/components/schemas/Later' }).properties.op.enum);
  const known = opsOf({ $ref: '#/components/schemas/ClientFrame' });
  for (const op of known) assert.ok(channelOps[op] || later.has(op), `no row for ${op}`);
  const wrong = [];
  for (const person of ['nobody', 'alice', 'bob', 'moderator', 'host', 'merch', 'admin']) {
    const { socket, first, ask } = await enter('demo', people[person]);
    assert.equal(first.ev, 'joined', person);
    for (const [op, row] of Object.entries(channelOps)) {
      const may = !row.may || row.may.includes(person);
      if (!row.send && (may || !row.may)) continue;
      const reply = await ask({ op, ...row.send });
      if ((reply.code !== 'forbidden') !== may) wrong.push(`${op} by ${person}: ${reply.code ?? 'done'}`);
    }
    for (const op of later) assert.equal((await ask({ op })).code, 'bad_request', op);
    socket.close();
  }
  assert.deepEqual(wrong, []);
  const desk = await enter('demo', people.host);
  assert.equal((await desk.ask({ op: 'show.end' })).ok, true);
  assert.equal((await desk.ask({ op: 'show.start' })).ok, true);
  desk.socket.close();
});

test('who may not join is told why', async () => {
  for (const [person, show, code] of [
    ['key', 'demo', 'forbidden'], ['wrong', 'demo', 'unauthorized'], ['hostOther', 'demo', 'forbidden'],
    ['merchOther', 'demo', 'forbidden'], ['adminOther', 'demo', 'forbidden'], ['host', 'other', 'forbidden'],
  ]) {
    const { socket, first } = await enter(show, people[person]);
    assert.equal(first.code, code, `${person} in ${show}`);
    socket.close();
  }
  const { first, socket } = await enter('other', people.hostOther);
  assert.equal(first.ev, 'joined');
  assert.equal(first.you.token, undefined, 'staff get no resume secret');
  socket.close();
});

test('a token that is revoked or expires ends its sockets and its requests', async () => {
  const made = await server.ctl('token', 'create', '--role', 'merchandiser');
  const short = await mint('--role', 'merchandiser', '--expires', '2');
  const [revoked, expired] = [await enter('demo', made.token), await enter('demo', short)];
  const closed = [once(revoked.socket, 'close'), once(expired.socket, 'close')];
  await server.ctl('token', 'revoke', made.id);
  for (const end of closed) assert.equal((await end)[0], 1008);
  for (const token of [made.token, short]) {
    const response = await fetch(`${server.url}/api/v1/session`, { headers: { authorization: `Bearer ${token}` } });
    assert.equal(response.status, 401);
    assert.equal(response.headers.get('www-authenticate'), 'Bearer error="invalid_token"');
  }
});

test('no secret stands in the log', () => {
  assert.doesNotMatch(server.log, /t[gp]_[\w-]{43}|tc_[\w-]{22}/);
  for (const [person, token] of Object.entries(people)) if (token) assert.ok(!server.log.includes(token), person);
});
