// People who come and go, many times: what is left behind when they are gone.
import assert from 'node:assert/strict';
import { Channel } from './channel.mjs';
import { whepLoad } from './load.mjs';
import { metrics, metricsUntil } from './metrics.mjs';

/** Memory and descriptors once nobody is there any more. */
export async function atRest(server) {
  await metricsUntil(server, (m) => m.torg_fanout_viewers === 0 && m.torg_rtc_sessions === 0 && m.torg_ws_joined === 0 && m.torg_ws_sockets === 0);
  await descriptorsSettle(server);
  return server.usage();
}

/** Connections of what asked last are closed a moment after their answer. */
async function descriptorsSettle(server) {
  let same = 0;
  for (let last = -1, tries = 0; same < 3 && tries < 100; tries++) {
    const { fds } = await server.usage();
    same = fds === last ? same + 1 : 0;
    last = fds;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/**
 * `cycles` viewers join by WHEP, watch a second and leave; every tenth takes the whole stream apart.
 * @param {number} together how many at the same time
 */
export async function churnViewers(server, cycles, together) {
  const load = await whepLoad(server, { viewers: together, joins: cycles, 'hold-s': 1, ramp: together, seconds: 60 + (3 * cycles) / together });
  assert.equal(load.exitCode, 0, load.said);
  assert.deepEqual({ joins: load.joins, joined: load.joined, failed: load.failed }, { joins: cycles, joined: cycles, failed: 0 }, load.said);
}

/** One socket's visit: join, say or react a little, leave; every third just cuts the line. */
async function visit(server, number) {
  const channel = await Channel.open(server);
  if (number % 2 === 0) {
    channel.send({ op: 'react', kind: 'heart', n: 3 }); // has no reply
  } else {
    const reply = await channel.ask({ op: 'chat', text: `hello ${number}` });
    assert.ok(reply.ok || reply.code === 'rate', JSON.stringify(reply)); // one address has one rate
  }
  if (number % 3 === 0) channel.socket.terminate();
  else channel.close();
}

/** `cycles` visits to the show channel, `together` at a time. */
export async function churnSockets(server, cycles, together) {
  const before = await metrics(server);
  for (let done = 0; done < cycles; done += together) {
    await Promise.all(Array.from({ length: Math.min(together, cycles - done) }, (_, i) => visit(server, done + i)));
  }
  const after = await metrics(server);
  assert.equal(after.torg_live_joins_total - before.torg_live_joins_total, cycles);
  assert.ok(after.torg_live_chat_lines_total > before.torg_live_chat_lines_total, 'some of them were heard');
}

/** Descriptors are the same; memory grew by less than 5 % + 4 MiB over `cycles`, over very many by less than 2 %. */
export function assertFlat(t, warm, after, cycles) {
  t.diagnostic(`${cycles} cycles after the warm-up: ${warm.rssKiB} -> ${after.rssKiB} KiB resident, ${warm.fds} -> ${after.fds} descriptors`);
  assert.equal(after.fds, warm.fds, 'descriptors');
  const most = cycles >= 10000 ? warm.rssKiB * 1.02 : warm.rssKiB * 1.05 + 4096;
  assert.ok(after.rssKiB <= most, `${warm.rssKiB} -> ${after.rssKiB} KiB`);
}
