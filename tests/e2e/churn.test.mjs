// A few viewers and sockets come and go: no session, member or descriptor stays behind. Memory is the
// leak checker's here, when the server ends; long/churn.test.mjs measures it at full size.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atRest, churnSockets, churnViewers } from './lib/churn.mjs';
import { metricsUntil } from './lib/metrics.mjs';
import { TorgServer } from './lib/server.mjs';
import { Source } from './lib/source.mjs';

const CYCLES = Number(process.env.TORG_CHURN_CYCLES ?? 50);

test(`${CYCLES} viewers and ${CYCLES} sockets come and go`, async (t) => {
  const server = await TorgServer.start();
  t.after(() => server.stop());
  const source = new Source(server.rtmpUrl, { size: '640x360', bitrate: '800k' });
  t.after(() => source.stop());
  await metricsUntil(server, (m) => m.torg_fanout_frames_in_total > 0);
  await churnSockets(server, 5, 5);
  await churnViewers(server, 5, 5);
  const warm = await atRest(server);
  await churnSockets(server, CYCLES, 10);
  await churnViewers(server, CYCLES, 10);
  assert.equal((await atRest(server)).fds, warm.fds, 'descriptors');
});
