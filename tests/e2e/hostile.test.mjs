// Everything a stranger can throw at the open ports: each gets the contract's clear error and a
// counter, costs bounded memory, and disturbs nobody. A well-behaved socket chats through all of it.
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, test } from 'node:test';
import WebSocket from 'ws';
import { Channel } from './lib/channel.mjs';
import { TorgServer } from './lib/server.mjs';
import { Source } from './lib/source.mjs';

/** @type {TorgServer} */
let server;
/** @type {Channel} */
let bystander;

before(async () => {
  server = await TorgServer.start();
  bystander = await Channel.open(server);
});
after(async () => {
  bystander?.close();
  await server?.stop();
});

async function metric(name) {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  const match = new RegExp(`^torg_${name} (\\d+)$`, 'm').exec(text);
  assert.ok(match, `no metric torg_${name}`);
  return Number(match[1]);
}

async function bystanderIsWell() {
  const reply = await bystander.ask({ op: 'ping' }, 5000);
  assert.equal(reply.ok, true);
}

/** Raw HTTP over a socket: what fetch would not send. */
function raw(text, waitMs = 3000) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(server.httpPort, '127.0.0.1', () => socket.write(text));
    let out = '';
    const timer = setTimeout(() => socket.destroy(), waitMs);
    socket.on('data', (d) => {
      out += d;
      if (out.includes('\r\n\r\n')) socket.end();
    });
    socket.on('error', (e) => (out ? null : reject(e)));
    socket.on('close', () => (clearTimeout(timer), resolve(out)));
  });
}

const offer = (body) =>
  fetch(`${server.url}/whep/demo`, { method: 'POST', headers: { 'content-type': 'application/sdp' }, body });

const goodOffer = [
  'v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0',
  'm=video 9 UDP/TLS/RTP/SAVPF 102', 'c=IN IP4 0.0.0.0', 'a=mid:0', 'a=recvonly', 'a=rtcp-mux',
  'a=ice-ufrag:abcd', 'a=ice-pwd:abcdefghijklmnopqrstuvwx', 'a=setup:actpass',
  `a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`,
  'a=rtpmap:102 H264/90000', 'a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f', '',
].join('\r\n');

test('an SDP without a usable codec is 422 in plain words', async () => {
  const response = await offer(goodOffer.replaceAll('H264/90000', 'H263/90000'));
  assert.equal(response.status, 422);
  assert.match(response.headers.get('content-type'), /application\/problem\+json/);
  assert.match((await response.json()).detail, /H\.?264/i);
});

test('bytes that are no SDP are 400; a wrong type is 415; an unknown show is 404', async () => {
  assert.equal((await offer('hello')).status, 400);
  const wrongType = await fetch(`${server.url}/whep/demo`, { method: 'POST', headers: { 'content-type': 'text/plain' }, body: goodOffer });
  assert.equal(wrongType.status, 415);
  const noShow = await fetch(`${server.url}/whep/nosuch`, { method: 'POST', headers: { 'content-type': 'application/sdp' }, body: goodOffer });
  assert.equal(noShow.status, 404);
  await bystanderIsWell();
});

test('an oversized body is 413 and a body without length 411', async () => {
  const response = await offer(goodOffer + 'a=x:y\r\n'.repeat(20000)).catch(() => null);
  if (response) assert.equal(response.status, 413);
  const head = 'POST /whep/demo HTTP/1.1\r\nHost: x\r\nContent-Type: application/sdp\r\n';
  assert.match(await raw(`${head}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`), /^HTTP\/1\.1 411/);
  assert.match(await raw(`${head}Content-Length: 99999999\r\n\r\n`), /^HTTP\/1\.1 413/);
  await bystanderIsWell();
});

/** WHIP with the demo's own key unless said. */
const publish = (body, headers = {}, path = '/whip/demo') =>
  fetch(server.url + path, {
    method: 'POST', body, redirect: 'manual',
    headers: { 'content-type': 'application/sdp', authorization: `Bearer ${server.streamKey.split('key=')[1]}`, ...headers },
  });

test('WHIP: junk, wrong types, wrong keys and other shows are told what is wrong', async () => {
  await server.ctl('show', 'create', 'other');
  for (const [status, ...args] of [
    [400, 'hello'], [400, ''], [422, goodOffer.replaceAll('H264/90000', 'H263/90000').replace('recvonly', 'sendonly')],
    [415, goodOffer, { 'content-type': 'text/plain' }], [415, goodOffer, { 'content-type': 'application/json' }],
    [401, goodOffer, { authorization: 'Bearer tg_wrong' }], [401, goodOffer, { authorization: 'Basic YTpi' }],
    [403, goodOffer, {}, '/whip/other'], [404, goodOffer, {}, '/whip/nosuch'], [405, goodOffer, {}, '/whip/demo/0.x'],
  ]) {
    const response = await publish(...args);
    assert.equal(response.status, status, `${args[0].slice(0, 5)} ${JSON.stringify(args.slice(1))}`);
    assert.match(response.headers.get('content-type'), /application\/problem\+json/);
    assert.equal((await response.json()).status, status);
  }
  const large = await publish(goodOffer + 'a=x:y\r\n'.repeat(20000)).catch(() => null);
  if (large) assert.equal(large.status, 413);
  await bystanderIsWell();
});

test('WHIP: PATCH and DELETE of what is not there, with every odd tag, is a clear no', async () => {
  const auth = { authorization: `Bearer ${server.streamKey.split('key=')[1]}` };
  const frag = { ...auth, 'content-type': 'application/trickle-ice-sdpfrag' };
  const ask = async (method, path, headers, body) => (await fetch(server.url + path, { method, headers, body })).status;
  for (const session of ['0.nosuch', '99.nosuch', '-1.x', 'nodot', '0.', `0.${'x'.repeat(400)}`]) {
    assert.equal(await ask('DELETE', `/whip/demo/${session}`, auth), 404, session);
    assert.equal(await ask('PATCH', `/whip/demo/${session}`, frag, 'a=end-of-candidates\r\n'), 404, session);
  }
  for (const match of ['x', '"', '"a" "b"', '*, *', `"${'a'.repeat(2000)}"`]) {
    assert.equal(await ask('PATCH', '/whip/demo/0.nosuch', { ...frag, 'if-match': match }, 'a=x'), 400, match.slice(0, 9));
  }
  await bystanderIsWell();
});

test('viewers that never finish DTLS are bounded and go away', async () => {
  const sessions = [];
  for (let i = 0; i < 100; i++) sessions.push(await offer(goodOffer));
  assert.deepEqual([...new Set(sessions.map((r) => r.status))], [201]);
  const viewers = await fetch(`${server.url}${sessions[0].headers.get('location')}`, { method: 'DELETE' });
  assert.equal(viewers.status, 200);
  await bystanderIsWell();
});

test('junk on the media port is counted and answered by nothing', async () => {
  const socket = createSocket('udp4');
  let answers = 0;
  socket.on('message', () => answers++);
  const before = await metric('rtc_unknown_total');
  for (let i = 0; i < 500; i++) {
    const junk = Buffer.alloc(20 + (i % 60));
    for (let k = 0; k < junk.length; k++) junk[k] = (i * 31 + k * 17) & 0xff;
    junk[0] = [0x00, 0x01, 0x16, 0x80, 0xff][i % 5];
    socket.send(junk, server.rtcPort, '127.0.0.1');
  }
  await new Promise((r) => setTimeout(r, 500));
  socket.close();
  assert.equal(answers, 0);
  assert.ok((await metric('rtc_unknown_total')) > before);
  await bystanderIsWell();
});

test('a wrong stream key and a wrong show are refused and counted', async () => {
  const before = await metric('rtmp_auth_failures_total');
  for (const key of ['demo?key=tg_wrong', `nosuch?key=${server.streamKey.split('key=')[1]}`]) {
    const source = new Source(`rtmp://127.0.0.1:${server.rtmpPort}/live/${key}`);
    await source.exited;
    assert.notEqual(source.child.exitCode, 0);
  }
  assert.ok((await metric('rtmp_auth_failures_total')) >= before + 2);
});

test('RTMP junk closes that connection only', async () => {
  for (const junk of [Buffer.alloc(5000, 0xff), Buffer.concat([Buffer.from([3]), Buffer.alloc(3072, 7), Buffer.alloc(4000, 0x3f)])]) {
    const socket = net.connect(server.rtmpPort, '127.0.0.1');
    socket.on('error', () => {});
    socket.setTimeout(20000, () => assert.fail('the connection stayed open'));
    socket.write(junk);
    await once(socket, 'close');
  }
  await bystanderIsWell();
});

test('a foreign Origin may not open the channel', async () => {
  const socket = new WebSocket(`${server.wsUrl}/ws/demo`, 'torg.v1', { origin: 'https://evil.example' });
  const [error] = await once(socket, 'error');
  assert.match(String(error), /403/);
});

test('bad frames are named, the fifth within a minute closes with 1008', async () => {
  const channel = await Channel.open(server);
  const replies = [];
  channel.socket.on('message', (d) => replies.push(...JSON.parse(d).filter((x) => x.code)));
  for (const frame of ['{', '{"op":"dance","id":"a"}', '{"op":"chat","id":"b","text":5}', '{"op":"buy","id":"c","sku":"x","qty":-1}', '[]']) {
    channel.socket.send(frame);
  }
  const [code] = await once(channel.socket, 'close');
  assert.equal(code, 1008);
  assert.ok(replies.every((r) => r.code === 'bad_request'), JSON.stringify(replies));
  assert.match(JSON.stringify(replies), /text/);
  await bystanderIsWell();
});

test('viewers may not do what the desk may', async () => {
  const channel = await Channel.open(server);
  const { sku } = channel.joined.products[0].variants[0];
  for (const op of [{ op: 'pin', sku }, { op: 'price', sku, amount: 1 }, { op: 'stock', sku, set: 1 }, { op: 'hide', message: 'c1' }, { op: 'mute', person: 'p1' }, { op: 'show.end' }]) {
    const reply = await channel.ask(op);
    assert.equal(reply.code, 'forbidden', `${op.op}: ${JSON.stringify(reply)}`);
  }
  channel.close();
});

test('a socket that never reads is cut with a bounded queue', async () => {
  const before = await metric('ws_cut_slow_total');
  const key = Buffer.from('0123456789abcdef').toString('base64');
  const socket = net.connect(server.httpPort, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(`GET /ws/demo HTTP/1.1\r\nHost: 127.0.0.1:${server.httpPort}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nOrigin: ${server.url}\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: torg.v1\r\n\r\n`);
  await once(socket, 'data');
  const join = Buffer.from('{"op":"join"}');
  socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | join.length, 0, 0, 0, 0]), join]));
  socket.pause();
  // Staff may talk without a rate limit: long lines until the sleeper's queue is full.
  const desk = await Channel.open(server, 'demo', { token: server.deskToken });
  let cut = false;
  for (let i = 0; i < 60 && !cut; i++) {
    await Promise.all(Array.from({ length: 100 }, () => desk.ask({ op: 'chat', text: 'å'.repeat(500) })));
    cut = (await metric('ws_cut_slow_total')) > before;
  }
  assert.ok(cut, 'the sleeper was not cut');
  socket.destroy();
  desk.close();
  await bystanderIsWell();
});
