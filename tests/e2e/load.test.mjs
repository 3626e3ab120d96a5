// A handful of viewers of one real stream: nobody loses a packet, and what frames cost in sends is
// bounded. Counts only: this runs under sanitizers. The real size is long/load.test.mjs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertNothingLost, watchTogether } from './lib/load.mjs';
import { TorgServer } from './lib/server.mjs';
import { Source } from './lib/source.mjs';

const VIEWERS = Number(process.env.TORG_LOAD_VIEWERS ?? 30);
const SECONDS = Number(process.env.TORG_LOAD_SECONDS ?? 5);

test(`${VIEWERS} viewers for ${SECONDS} s: no packet lost`, async (t) => {
  const server = await TorgServer.start();
  t.after(() => server.stop());
  const source = new Source(server.rtmpUrl);
  t.after(() => source.stop());
  const result = await watchTogether(server, { viewers: VIEWERS, seconds: SECONDS, ramp: 15 });
  assertNothingLost(result, VIEWERS);
  const { torg_fanout_packets_total: packets, torg_rtc_sends_total: sends } = result.during;
  // 30 frames of 8 or 9 packets a second in one send each, 50 of sound: about 4 packets a send.
  assert.ok(packets / sends > 3.6, `${packets} packets in ${sends} sends: whole frames leave in one`);
});
