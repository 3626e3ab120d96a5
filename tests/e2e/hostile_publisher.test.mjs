// Publishers that mean harm, each with a session in good order: another show with an RTMP publisher
// and viewers that decrypt and count every packet must be untouched, memory bounded, and afterwards
// nothing is left. TORG_HOSTILE_SECONDS: how long each attack lasts.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { metrics, metricsUntil } from './lib/metrics.mjs';
import { TorgServer, buildDir } from './lib/server.mjs';
import { Source } from './lib/source.mjs';

const SECONDS = Number(process.env.TORG_HOSTILE_SECONDS ?? 2);
/** All that the attacks may leave resident, KiB. */
const GROWTH_KIB = 160 * 1024;
/** A sanitizer keeps freed memory, 256 MiB by itself: here it may keep little, so that growth is ours. */
const env = { ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? 'detect_leaks=1'}:quarantine_size_mb=8:thread_local_quarantine_size_kb=64` };

/** @type {TorgServer} */
let server;
let good;
let bad;
let source;

/** Runs a tool of tests/support; resolves to its JSON line. */
async function tool(name, args) {
  const child = spawn(path.join(buildDir, 'tests', name), args);
  let out = '';
  let err = '';
  child.stdout.on('data', (d) => (out += d));
  child.stderr.on('data', (d) => (err += d));
  const [code, signal] = await once(child, 'close');
  if (!out.startsWith('{')) throw new Error(`${name} ended with ${code ?? signal} and no result\n${err}`);
  return { ...JSON.parse(out), exitCode: code, said: err };
}

const attack = (mode, more = []) => tool('whip_hostile', ['--http', `127.0.0.1:${server.httpPort}`, '--show', bad.id, '--token', bad.key, '--mode', mode, '--seconds', String(SECONDS), '--seed', '11', ...more]);

/** Two viewers of the good show for `seconds`, each decrypting everything. */
const watchGood = (seconds) => tool('whep_load', ['--http', `127.0.0.1:${server.httpPort}`, '--show', good.id, '--viewers', '2', '--seconds', String(Math.ceil(seconds)), '--verify-every', '1']);

function assertUntouched(load) {
  const facts = `${JSON.stringify(load)}\n${load.said}`;
  assert.equal(load.exitCode, 0, facts);
  for (const name of ['failed', 'ended_by_server', 'stalled', 'lost', 'verified_lost', 'decrypt_errors']) assert.equal(load[name], 0, `${name}: ${facts}`);
  assert.equal(load.watching, 2, facts);
  assert.ok(load.verified > 50, facts);
}

before(async () => {
  server = await TorgServer.start({ demo: false, env });
  good = await server.newShow('good');
  bad = await server.newShow('bad');
  source = new Source(good.rtmp, { bitrate: '1000k', gop: 30 });
  await metricsUntil(server, (m) => m.torg_fanout_frames_in_total > 30);
});
after(async () => {
  await source?.stop();
  await server?.stop();
});

/** Attacks while the good show is watched; the sessions of the attack are gone afterwards. */
async function survives(t, mode, { more = [], expect = () => {}, restMs = 10000 } = {}) {
  const rest = await metrics(server);
  const usage = await server.usage();
  const [hurt, load] = await Promise.all([attack(mode, more), watchGood(SECONDS + 2)]);
  t.diagnostic(`${mode}: ${JSON.stringify({ ...hurt, said: undefined })}`);
  assert.equal(hurt.exitCode, 0, JSON.stringify(hurt));
  expect(hurt);
  assertUntouched(load);
  await metricsUntil(server, (m) => m.torg_rtc_sessions <= rest.torg_rtc_sessions && m.torg_fanout_viewers === 0, restMs);
  const now = await server.usage();
  assert.ok(now.rssKiB - usage.rssKiB < GROWTH_KIB / 2, `${usage.rssKiB} -> ${now.rssKiB} KiB`);
  assert.equal((await fetch(`${server.url}/healthz`)).status, 200);
}

let restKiB = 0;
test('at rest', async () => {
  assertUntouched(await watchGood(3));
  restKiB = (await server.usage()).rssKiB;
});

const sends = (least) => (hurt) => assert.ok(hurt.sent >= least, `${hurt.sent} packets were sent`);
for (const [mode, options] of Object.entries({
  random: { expect: sends(500) },
  gaps: { expect: sends(500) },
  ssrcs: { more: ['--rate', '3000'], expect: sends(1000) },
  rids: { more: ['--rate', '3000'], expect: sends(1000) },
  rtx: { expect: sends(500) },
  // More than TG_FRAME_SIZE_MAX (4 MiB) of one frame without an end.
  oversize: { more: ['--rate', '3000', '--seconds', String(Math.max(SECONDS, 2))], expect: sends(4000) },
  payloads: { expect: sends(500) },
  reports: { expect: sends(500) },
  feedback: { more: ['--rate', '500'], expect: sends(200) },
  'rtcp-noise': { expect: sends(500) },
  byes: { expect: sends(500) },
  silent: { expect: (hurt) => assert.equal(hurt.connected, true) },
})) test(`a publisher that sends ${mode}`, (t) => survives(t, mode, options));

test('a publisher that never finishes DTLS is given up', async (t) => {
  // Without a DELETE: the server's own time limit (10 s) ends it.
  await survives(t, 'no-dtls', { more: ['--no-delete'], restMs: 30000 });
});

test('a publisher that vanishes without a word is given up', async (t) => {
  const rest = await metrics(server);
  const hurt = await attack('gaps', ['--no-delete', '--rate', '50']);
  assert.equal(hurt.connected, true, JSON.stringify(hurt));
  t.diagnostic(JSON.stringify({ ...hurt, said: undefined }));
  // Consent runs out after 30 s (RFC 7675); the show itself may wait for its host for longer.
  await metricsUntil(server, (m) => m.torg_rtc_sessions <= rest.torg_rtc_sessions, 75000);
});

test('a hundred offers that nobody follows up', async (t) => {
  const rest = await metrics(server);
  const [hurt, load] = await Promise.all([attack('posts', ['--posts', '100']), watchGood(SECONDS + 2)]);
  t.diagnostic(JSON.stringify({ ...hurt, said: undefined }));
  assert.equal(hurt.created + hurt.refused, 100, JSON.stringify(hurt));
  assertUntouched(load);
  await metricsUntil(server, (m) => m.torg_rtc_sessions <= rest.torg_rtc_sessions, 40000);
});

test('after all that: the good show plays, a good publisher gets the bad show, memory is bounded', async (t) => {
  assertUntouched(await watchGood(3));
  const { rssKiB } = await server.usage();
  t.diagnostic(`${restKiB} -> ${rssKiB} KiB resident`);
  assert.ok(rssKiB - restKiB < GROWTH_KIB, `${restKiB} -> ${rssKiB} KiB`);
  const honest = await attack('silent');
  assert.equal(honest.status, 201, JSON.stringify(honest));
  assert.equal(source.child.exitCode, null, 'the good publisher was never cut');
});
