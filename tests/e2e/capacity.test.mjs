// The capacity guard: a line that is full refuses newcomers with a place in the waiting room, those
// inside lose nothing, and who leaves makes room for the one who waited longest.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { whepLoad } from './lib/load.mjs';
import { metrics, metricsUntil } from './lib/metrics.mjs';
import { TorgServer } from './lib/server.mjs';
import { Source } from './lib/source.mjs';

const OFFER = [
  'v=0', 'o=- 1 2 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0',
  'm=video 9 UDP/TLS/RTP/SAVPF 102 103', 'c=IN IP4 0.0.0.0', 'a=rtcp:9 IN IP4 0.0.0.0',
  'a=ice-ufrag:abcd', 'a=ice-pwd:abcdefghijklmnopqrstuvwx', 'a=ice-options:trickle',
  `a=fingerprint:sha-256 ${Array.from({ length: 32 }, () => 'AB').join(':')}`, 'a=setup:actpass', 'a=mid:0',
  'a=recvonly', 'a=rtcp-mux', 'a=rtcp-rsize', 'a=rtpmap:102 H264/90000', 'a=rtcp-fb:102 nack',
  'a=rtcp-fb:102 nack pli', 'a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f',
  'a=rtpmap:103 rtx/90000', 'a=fmtp:103 apt=102', '',
].join('\r\n');

/** An offer by hand: what the server answers, and the headers that count. */
async function offer(server, ticket) {
  const headers = { 'Content-Type': 'application/sdp', ...(ticket ? { 'Torg-Ticket': ticket } : {}) };
  const response = await fetch(`${server.url}/whep/demo`, { method: 'POST', headers, body: OFFER });
  const text = await response.text();
  const session = response.headers.get('location');
  return {
    status: response.status, session, retryAfter: Number(response.headers.get('retry-after')),
    ticket: response.headers.get('torg-ticket'), body: response.status === 503 ? JSON.parse(text) : text,
  };
}

async function refused(server, position, ticket) {
  const answer = await offer(server, ticket);
  assert.equal(answer.status, 503, JSON.stringify(answer));
  assert.equal(answer.body.position, position, JSON.stringify(answer));
  assert.equal(answer.body.ticket, answer.ticket);
  if (ticket) assert.equal(answer.ticket, ticket, 'the place is kept');
  assert.ok(answer.retryAfter >= 2 && answer.retryAfter <= 3, `Retry-After: ${answer.retryAfter}`);
  assert.match(answer.body.detail, new RegExp(`number ${position} in line`));
  return answer;
}

test('a full line: newcomers wait in order, those inside lose nothing', async (t) => {
  // 90 % of 8 Mbit/s carry two viewers of 2.5 Mbit/s and sound, not three.
  const server = await TorgServer.start({ env: { TORG_RTC_EGRESS_MBPS: '8', TORG_RTC_CPU_MAX_PERCENT: '100' } });
  t.after(() => server.stop());
  const source = new Source(server.rtmpUrl);
  t.after(() => source.stop());
  await metricsUntil(server, (m) => m.torg_rtmp_publishes_total > 0);
  await new Promise((resolve) => setTimeout(resolve, 6000)); // its rate is measured

  const stays = whepLoad(server, { viewers: 1, seconds: 24, 'verify-every': 5 });
  const leaves = whepLoad(server, { viewers: 1, seconds: 9, 'verify-every': 5 });
  for (const load of [stays, leaves]) load.catch(() => {});
  await metricsUntil(server, (m) => m.torg_rtc_connected_total === 2);
  const first = await refused(server, 1);
  const second = await refused(server, 2);
  assert.notEqual(first.ticket, second.ticket);
  assert.equal((await metrics(server)).torg_fanout_waiting, 2);

  // Both ask again and again; when there is room it is the first one's.
  let entered;
  for (const end = Date.now() + 20000; entered === undefined; ) {
    assert.ok(Date.now() < end, 'the first one is admitted when a viewer has left');
    const watching = (await metrics(server)).torg_fanout_viewers;
    const ahead = await offer(server, second.ticket);
    assert.equal(ahead.status, 503, 'nobody overtakes');
    const answer = await offer(server, first.ticket);
    if (answer.status === 201) {
      assert.equal(watching, 1, 'one had left');
      entered = answer;
    } else {
      assert.equal(answer.body.position, 1);
    }
    await new Promise((resolve) => setTimeout(resolve, 700));
  }
  await refused(server, 1, second.ticket);
  const gone = await fetch(`${server.url}${entered.session}`, { method: 'DELETE' });
  assert.equal(gone.status, 200);
  const next = await offer(server, second.ticket);
  assert.equal(next.status, 201, 'the next one, at once: the room of who never connected is free');
  assert.equal((await metrics(server)).torg_fanout_waiting, 0);

  for (const load of await Promise.all([stays, leaves])) {
    const facts = `${JSON.stringify(load)}\n${load.said}`;
    assert.equal(load.exitCode, 0, facts);
    for (const name of ['failed', 'ended_by_server', 'stalled', 'lost', 'verified_lost', 'decrypt_errors']) assert.equal(load[name], 0, `${name}: ${facts}`);
    assert.ok(load.packets > 1000, facts);
  }
  const end = await metrics(server);
  assert.equal(end.torg_fanout_admitted_total, 4);
  assert.equal(end.torg_fanout_sync_lost_total, 0);
  assert.ok(end.torg_fanout_waits_total >= 4);
});

test('SIGHUP applies another limit; who waits comes in, staff always does', async (t) => {
  const dir = await mkdtemp(path.join(tmpdir(), 'torg-capacity-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const config = path.join(dir, 'torg.yaml');
  await writeFile(config, 'rtc:\n  egress_mbps: 1\n'); // less than one viewer of ingest.start_kbps
  const server = await TorgServer.start({ args: ['--config', config] });
  t.after(() => server.stop());
  const { ticket } = await refused(server, 1);
  assert.equal((await fetch(`${server.url}/whep/demo`, {
    method: 'POST', headers: { 'Content-Type': 'application/sdp', Authorization: `Bearer ${server.deskToken}` }, body: OFFER,
  })).status, 201, 'staff');

  await writeFile(config, 'rtc:\n  egress_mbps: none\n');
  server.child.kill('SIGHUP');
  while (!server.log.includes('reload_refused')) await new Promise((resolve) => setTimeout(resolve, 50));
  await refused(server, 1, ticket);
  await writeFile(config, 'rtc:\n  egress_mbps: 1000\n');
  server.child.kill('SIGHUP');
  while (!server.log.includes('egress_mbps=1000')) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal((await offer(server, ticket)).status, 201);
});
