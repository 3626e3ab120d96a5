// Many WHEP viewers by tests/support/whep_load, and what they cost the server.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { metrics, metricsUntil } from './metrics.mjs';
import { buildDir } from './server.mjs';

/** Where the generator is, if not with the server: one that a sanitizer slows would be measured itself. */
const toolsDir = process.env.TORG_TOOLS_DIR ?? buildDir;

/** Keeps a process with all its threads on one core, so that others' work is not counted as its own. */
export function pin(pid, core) {
  if (core < availableParallelism()) execFileSync('taskset', ['-acp', String(core), String(pid)], { stdio: 'ignore' });
}

/**
 * Runs whep_load to its end; resolves to its JSON line with `exitCode` and what it said.
 * @param {import('./server.mjs').TorgServer} server
 * @param {Record<string, number | true>} options by the names of its command line
 */
export async function whepLoad(server, options) {
  const args = Object.entries(options).flatMap(([name, value]) => (value === true ? [`--${name}`] : [`--${name}`, String(value)]));
  const child = spawn(path.join(toolsDir, 'tests', 'whep_load'), ['--http', `127.0.0.1:${server.httpPort}`, '--show', 'demo', ...args]);
  let out = '';
  let err = '';
  child.stdout.on('data', (data) => (out += data));
  child.stderr.on('data', (data) => (err += data));
  const [code, signal] = await once(child, 'close');
  if (!out.startsWith('{')) throw new Error(`whep_load ended with ${code ?? signal} and no result\n${err}`);
  return { ...JSON.parse(out), exitCode: code, said: err };
}

const between = (a, b) => Object.fromEntries(Object.keys(b).map((name) => [name, b[name] - a[name]]));

async function look(server) {
  return { ...(await metrics(server)), ...(await server.usage()), at: performance.now() / 1000 };
}

/** What the server does from now on for `seconds`: differences of counters and of CPU time. */
async function window(server, seconds) {
  const before = await look(server);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  return between(before, await look(server));
}

/**
 * `viewers` join and stay until a window of `seconds` with all of them is over. `others` of the
 * caller's may be there as well.
 * @returns {Promise<{load: object, idle: object, during: object, before: object, after: object}>} the
 *   generator's line; the server's window without viewers and with all; before and after everything
 */
export async function watchTogether(server, { viewers, seconds, ramp, core, others = 0 }) {
  // A source that has just come still wakes things up: let the media clock and the pipeline settle.
  await metricsUntil(server, (m) => m.torg_fanout_frames_in_total > 0);
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const idle = await window(server, Math.min(5, seconds));
  const before = await look(server);
  const joining = Math.ceil(viewers / ramp) + 2;
  const args = { viewers, ramp, seconds: joining + seconds + 3, 'verify-every': 10 };
  const running = whepLoad(server, core === undefined ? args : { ...args, cpu: core });
  running.catch(() => {}); // awaited below; the wait for viewers may throw first
  await metricsUntil(server, (m) => m.torg_rtc_connected_total - before.torg_rtc_connected_total >= viewers, joining * 1000 + 15000);
  await new Promise((resolve) => setTimeout(resolve, 1000)); // the last ones' way from the keyframe to the edge
  const during = await window(server, seconds);
  const load = await running;
  await metricsUntil(server, (m) => m.torg_fanout_viewers <= others && m.torg_rtc_sessions <= others);
  return { load, idle, during, before, after: await look(server) };
}

/** Every viewer saw the whole stream, and what was verified is what was sent. */
export function assertNothingLost({ load, during, after }, viewers) {
  const facts = `${JSON.stringify(load)}\n${load.said}`;
  assert.equal(load.exitCode, 0, facts);
  assert.deepEqual({ joined: load.joined, watching: load.watching, leaves: load.leaves }, { joined: viewers, watching: viewers, leaves: viewers }, facts);
  for (const name of ['failed', 'ended_by_server', 'stalled', 'lost', 'verified_lost', 'decrypt_errors', 'http_errors', 'overflows']) {
    assert.equal(load[name], 0, `${name}: ${facts}`);
  }
  assert.ok(load.verified > 0, 'some packets were decrypted');
  for (const name of ['fanout_frames_dropped', 'fanout_sync_lost', 'fanout_send_failed', 'fanout_nacks', 'rtc_send_dropped']) {
    assert.equal(during[`torg_${name}_total`], 0, name);
  }
  assert.ok(during.torg_fanout_packets_total > 0, 'the stream was on');
  assert.equal(after.torg_fanout_viewers, 0);
}
