import assert from 'node:assert/strict';
import { test } from 'node:test';
import { credentials, restartFragment, stereoOpus, withFragment } from '../lib/sdp.js';

const lines = (/** @type {string[]} */ ...all) => `${all.join('\r\n')}\r\n`;
const offer = lines('v=0', 'a=group:BUNDLE 0 1', 'm=video 9 UDP/TLS/RTP/SAVPF 102', 'a=ice-ufrag:abcd', 'a=ice-pwd:0123456789012345678901', 'a=mid:0',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'a=ice-ufrag:abcd', 'a=ice-pwd:0123456789012345678901', 'a=mid:1', 'a=rtpmap:111 opus/48000/2', 'a=fmtp:111 minptime=10;useinbandfec=1');
const answer = lines('v=0', 'm=video 9 UDP/TLS/RTP/SAVPF 102', 'a=ice-ufrag:srv1', 'a=ice-pwd:srvpwd0123456789012345', 'a=candidate:1 1 udp 1 192.0.2.1 8189 typ host', 'a=end-of-candidates', 'a=mid:0',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'a=ice-ufrag:srv1', 'a=ice-pwd:srvpwd0123456789012345', 'a=mid:1');

test('stereo is asked for once, beside what stands there', () => {
  const sdp = stereoOpus(offer);
  assert.match(sdp, /a=fmtp:111 minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1;maxaveragebitrate=128000\r\n/);
  assert.equal(stereoOpus(sdp), sdp);
});

test('stereo where there is no fmtp line, and no opus', () => {
  const bare = offer.replace(/a=fmtp:111[^\r]*\r\n/, '');
  assert.match(stereoOpus(bare, 96000), /a=rtpmap:111 opus\/48000\/2\r\na=fmtp:111 stereo=1;sprop-stereo=1;maxaveragebitrate=96000\r\n$/);
  assert.equal(stereoOpus(answer), answer);
});

test('the restart fragment carries credentials, bundle, one m-line', () => {
  assert.equal(restartFragment(offer), lines('a=ice-options:trickle ice2', 'a=group:BUNDLE 0 1', 'm=video 9 UDP/TLS/RTP/SAVPF 102', 'a=mid:0', 'a=ice-ufrag:abcd', 'a=ice-pwd:0123456789012345678901'));
  assert.equal(restartFragment('v=0\r\n'), null);
});

test("the server's fragment renews credentials and candidates of the answer", () => {
  const fragment = lines('a=ice-ufrag:srv2', 'a=ice-pwd:newpwd01234567890123456', 'm=video 9 UDP/TLS/RTP/SAVPF 102', 'a=mid:0', 'a=candidate:1 1 udp 1 192.0.2.1 8190 typ host', 'a=end-of-candidates');
  const renewed = withFragment(answer, fragment) ?? '';
  assert.deepEqual(credentials(renewed), { ufrag: 'srv2', pwd: 'newpwd01234567890123456' });
  assert.equal(renewed.match(/ice-ufrag:srv2/g)?.length, 2);
  assert.equal(renewed.match(/8190 typ host/g)?.length, 1);
  assert.ok(!renewed.includes('8189 typ host') && !renewed.includes('srv1'));
  assert.ok(!/[^\r]\n/.test(renewed), 'line ends');
});

test('a fragment without new credentials restarts nothing', () => {
  assert.equal(withFragment(answer, lines('a=ice-ufrag:srv1', 'a=ice-pwd:srvpwd0123456789012345')), null);
  assert.equal(withFragment(answer, ''), null);
});
