// 1,000 viewers and 1,000 sockets come and go, and publishers too: memory stays, no descriptor does.
// To be run on a release build: a sanitizer keeps freed memory on purpose.
import { test } from 'node:test';
import { assertFlat, atRest, churnSockets, churnViewers } from '../lib/churn.mjs';
import { metricsUntil } from '../lib/metrics.mjs';
import { TorgServer } from '../lib/server.mjs';
import { Source } from '../lib/source.mjs';

const CYCLES = Number(process.env.TORG_CHURN_CYCLES ?? 1000);
const WARM_UP = Math.floor(CYCLES * 0.3);
/** At the same time; TORG_CHURN_CYCLES=40000 with 60 of them takes twelve minutes. */
const TOGETHER = Number(process.env.TORG_CHURN_TOGETHER ?? 20);
const PUBLISHES = Number(process.env.TORG_CHURN_PUBLISHES ?? 30);

async function withSource(t) {
  const server = await TorgServer.start();
  t.after(() => server.stop());
  const source = new Source(server.rtmpUrl);
  t.after(() => source.stop());
  await metricsUntil(server, (m) => m.torg_fanout_frames_in_total > 0);
  return server;
}

test(`${CYCLES} viewers come and go`, async (t) => {
  const server = await withSource(t);
  await churnViewers(server, WARM_UP, TOGETHER);
  const warm = await atRest(server);
  await churnViewers(server, CYCLES - WARM_UP, TOGETHER);
  assertFlat(t, warm, await atRest(server), CYCLES - WARM_UP);
});

test(`${CYCLES} sockets come and go`, async (t) => {
  const server = await withSource(t);
  await churnSockets(server, WARM_UP, 20);
  const warm = await atRest(server);
  await churnSockets(server, CYCLES - WARM_UP, 20);
  assertFlat(t, warm, await atRest(server), CYCLES - WARM_UP);
});

test(`${PUBLISHES} publishers come and go`, async (t) => {
  const server = await TorgServer.start();
  t.after(() => server.stop());
  const publish = async (times) => {
    for (let i = 0; i < times; i++) await oneBroadcast(server);
  };
  await publish(Math.ceil(PUBLISHES * 0.3));
  const warm = await atRest(server);
  await publish(PUBLISHES - Math.ceil(PUBLISHES * 0.3));
  assertFlat(t, warm, await atRest(server), PUBLISHES - Math.ceil(PUBLISHES * 0.3));
});

/** Until a second of frames has come through the pipeline; then the line is cut or closed. */
async function oneBroadcast(server) {
  const before = await metricsUntil(server, (m) => m.torg_rtmp_sessions === 0);
  const source = new Source(server.rtmpUrl, { size: '640x360', bitrate: '800k' });
  await metricsUntil(server, (m) => m.torg_rtmp_publishes_total > before.torg_rtmp_publishes_total
    && m.torg_rtmp_frames_total >= before.torg_rtmp_frames_total + 60);
  await source.stop();
  await metricsUntil(server, (m) => m.torg_rtmp_sessions === 0);
}
