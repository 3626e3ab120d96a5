// torg passes its own conformance suites, SHOULDs included; and a server that is none does not.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import path from 'node:path';
import { test } from 'node:test';
import { TorgServer, top } from '../e2e/lib/server.mjs';

/** Runs a suite; resolves to its report and exit code. */
async function suite(name, ...args) {
  const child = spawn(process.execPath, [path.join(top, 'tests', 'interop', name, 'run.mjs'), '--json', '--strict', ...args]);
  let out = '';
  let err = '';
  child.stdout.on('data', (d) => (out += d));
  child.stderr.on('data', (d) => (err += d));
  const [code] = await once(child, 'close');
  return { code, err, report: out.startsWith('{') ? JSON.parse(out) : null };
}

async function passes(t, name, server, ...args) {
  const { code, err, report } = await suite(name, '--url', `${server.url}/${name}/demo`, ...args);
  assert.ok(report, err);
  const failed = report.checks.filter((row) => row.result === 'fail').map((row) => `${row.level} ${row.id} (${row.ref}): ${row.seen}`);
  t.diagnostic(report.text);
  for (const row of report.checks.filter((one) => one.result === 'skip')) t.diagnostic(`skipped ${row.id}: ${row.seen}`);
  assert.deepEqual(failed, []);
  assert.equal(code, 0);
  // What torg claims must not be skipped: only what is not configured here may be.
  const mayBeSkipped = new Set(['link-ice-server', 'retry-after', ...(name === 'whep' ? ['no-token', 'bearer', 'wrong-token'] : [])]);
  assert.deepEqual(report.checks.filter((row) => row.result === 'skip' && !mayBeSkipped.has(row.id)).map((row) => row.id), []);
}

test('WHEP', async (t) => {
  const server = await TorgServer.start();
  t.after(() => server.stop());
  await passes(t, 'whep', server);
});

test('WHIP', async (t) => {
  const server = await TorgServer.start();
  t.after(() => server.stop());
  await passes(t, 'whip', server, '--token', server.streamKey.split('key=')[1]);
});

test('a server that says 200 to everything fails', async (t) => {
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => response.writeHead(200, { 'content-type': 'application/sdp' }).end('v=0\r\n'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { code, report } = await suite('whip', '--url', `http://127.0.0.1:${server.address().port}/whip/x`);
  assert.equal(code, 1);
  assert.ok(report.mustFailed > 20, report.text);
});

test('a wrong command line and an absent server are exit code 2', async () => {
  assert.equal((await suite('whep')).code, 2);
  assert.equal((await suite('whep', '--url', 'http://127.0.0.1:9/whep/x')).code, 2);
});
