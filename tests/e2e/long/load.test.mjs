// Many viewers of one 2.5 Mbit/s stream on one machine: none loses a packet, and what it costs.
// The server has the last core to itself, source and viewers share the first.
import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { assertNothingLost, pin, watchTogether } from '../lib/load.mjs';
import { TorgServer } from '../lib/server.mjs';
import { Source } from '../lib/source.mjs';

const VIEWERS = Number(process.env.TORG_LOAD_VIEWERS ?? 200);
const SECONDS = Number(process.env.TORG_LOAD_SECONDS ?? 30);

test(`${VIEWERS} viewers for ${SECONDS} s: no packet lost`, async (t) => {
  const server = await TorgServer.start();
  t.after(() => server.stop());
  pin(server.child.pid, availableParallelism() - 1);
  const source = new Source(server.rtmpUrl);
  t.after(() => source.stop());
  pin(source.child.pid, 0);
  const result = await watchTogether(server, { viewers: VIEWERS, seconds: SECONDS, ramp: 50, core: 0 });
  const { during } = result;
  report(t, result);
  // A fifth of that is used; with fewer viewers what the first of them cost would count most.
  if (VIEWERS >= 200) assert.ok((result.after.rssKiB - result.before.rssKiB) / VIEWERS <= 64, 'at most 64 KiB of memory a viewer');
  assertNothingLost(result, VIEWERS);
  assert.ok(during.torg_fanout_packets_total / during.torg_rtc_sends_total > 3.6, 'whole frames leave in one send');
  assert.ok(during.torg_fanout_bytes_total * 8 > 2e6 * VIEWERS * during.at, 'the stream was of about 2.5 Mbit/s');
});

function report(t, { load, idle, during, before, after }) {
  const viewerSeconds = load.viewers * during.at;
  const packets = during.torg_fanout_packets_total;
  const idleCpu = idle.cpuS / idle.at; // the source's pipeline: there with or without viewers
  const cpu = during.cpuS - idleCpu * during.at;
  const us = (seconds, per) => ((seconds * 1e6) / per).toFixed(2);
  t.diagnostic(`${during.at.toFixed(1)} s, ${packets} packets (${(packets / viewerSeconds).toFixed(0)}/s a viewer), ` +
    `${((during.torg_fanout_bytes_total * 8) / viewerSeconds / 1e6).toFixed(2)} Mbit/s a viewer, ` +
    `${(packets / during.torg_rtc_sends_total).toFixed(2)} packets a send call's message`);
  t.diagnostic(`torgd: ${us(during.cpuS, packets)} us CPU a packet, ${us(during.cpuS, viewerSeconds)} us a viewer-second; ` +
    `without the ${(idleCpu * 100).toFixed(1)} % of a core that the show takes alone: ${us(cpu, packets)} and ${us(cpu, viewerSeconds)}`);
  t.diagnostic(`first packet after the POST: p50 ${load.join_ms_p50} ms, p99 ${load.join_ms_p99} ms, max ${load.join_ms_max} ms; ` +
    `memory a viewer: ${((after.rssKiB - before.rssKiB) / load.viewers).toFixed(0)} KiB`);
  t.diagnostic(`verified ${load.verified} packets, lost ${load.lost}, ${JSON.stringify({ overflows: load.overflows, dropped: during.torg_rtc_send_dropped_total })}`);
}
