// A rehearsal: live to staff only. The public is shown out and told why, staff watch on, and it
// outlives a restart.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Channel } from './lib/channel.mjs';
import { TorgServer } from './lib/server.mjs';

const offer = [
  'v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0',
  'm=video 9 UDP/TLS/RTP/SAVPF 96 102', 'c=IN IP4 0.0.0.0', 'a=ice-ufrag:abcd',
  'a=ice-pwd:abcdefghijklmnopqrstuv', `a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`,
  'a=setup:actpass', 'a=mid:0', 'a=recvonly', 'a=rtcp-mux', 'a=rtpmap:96 VP8/90000',
  'a=rtpmap:102 H264/90000', 'a=fmtp:102 packetization-mode=1;profile-level-id=42e01f', '',
].join('\r\n');

/** @type {TorgServer} */
let server;
let host;

before(async () => {
  server = await TorgServer.start();
  await server.ctl('show', 'create', 'try');
  host = (await server.ctl('token', 'create', '--role', 'host', '--show', 'try')).token;
});
after(() => server?.stop());

async function watch(token) {
  const answer = await fetch(`${server.url}/whep/try`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/sdp', ...(token && { Authorization: `Bearer ${token}` }) },
    body: offer,
  });
  return { status: answer.status, text: await answer.text() };
}

const state = async () => (await (await fetch(`${server.url}/api/v1/shows/try`)).json()).state;

test('the public is kept out until the show starts', async () => {
  const viewer = await Channel.open(server, 'try');
  const studio = await Channel.open(server, 'try', { token: host });
  assert.equal((await watch()).status, 201);
  assert.equal((await studio.ask({ op: 'show.rehearse', on: true })).ok, true);
  const event = await viewer.event((e) => e.ev === 'show' && e.state === 'rehearsal');
  assert.ok(event.seq > 0);
  const refused = await watch();
  assert.equal(refused.status, 403);
  assert.match(refused.text, /This show is being rehearsed\. It starts soon\./);
  assert.equal((await watch(host)).status, 201);
  assert.equal((await viewer.ask({ op: 'chat', text: 'is anybody there?' })).ok, true);
  viewer.close();
  studio.close();
});

test('a rehearsal goes on after a restart, and ends with the start', async () => {
  server.child.kill('SIGTERM');
  await server.exited;
  await server.launch();
  assert.equal(await state(), 'rehearsal');
  assert.equal((await watch()).status, 403);
  const studio = await Channel.open(server, 'try', { token: host });
  assert.equal(studio.joined.show.state, 'rehearsal');
  assert.equal((await studio.ask({ op: 'show.end' })).code, 'closed');
  assert.equal((await studio.ask({ op: 'show.start' })).ok, true);
  assert.equal((await watch()).status, 201);
  const again = await studio.ask({ op: 'show.rehearse', on: true });
  assert.equal(again.code, 'conflict');
  assert.match(again.message, /live/);
  assert.equal((await studio.ask({ op: 'show.end' })).ok, true);
  assert.equal((await studio.ask({ op: 'show.rehearse', on: true })).ok, true);
  assert.equal((await studio.ask({ op: 'show.rehearse', on: false })).ok, true);
  assert.equal((await watch()).status, 201);
  studio.close();
});
