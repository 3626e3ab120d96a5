#!/usr/bin/env node
// WHEP conformance of any server: node tests/interop/whep/run.mjs --help
import { common } from '../lib/checks.mjs';
import { main } from '../lib/cli.mjs';
import { mediaType } from '../lib/http.mjs';
import { need, skip } from '../lib/report.mjs';
import { attribute } from '../lib/sdp.mjs';
import { extensions, refusals } from './extensions.mjs';

const ref = (whip, whep) => `draft-ietf-wish-whep ${whep}`;

const own = [
  ...refusals,
  {
    id: 'head', ref: ref('', '4.2'), level: 'SHOULD', title: 'HEAD tells a player that this is WHEP',
    async run(s) {
      const response = await s.http.send('HEAD', s.url);
      need(response.status === 200 && mediaType(response) === 'application/sdp', `${response.status}, Content-Type ${response.headers['content-type']}`);
      return response.headers['content-type'];
    },
  },
  {
    id: 'answer-msid', ref: ref('', '4.6.2'), level: 'MUST', title: 'all m-lines belong to one MediaStream',
    async run(s) {
      const { answer } = await s.create();
      const streams = answer.media.filter((m) => m.port !== 0).map((m) => attribute({ session: [] }, m, 'msid')?.split(' ')[0]);
      need(streams.length > 0 && streams[0] && new Set(streams).size === 1, streams.join());
      return streams[0];
    },
  },
  {
    id: 'two-viewers', ref: ref('', '4.3'), level: 'MUST', title: 'two viewers have sessions of their own',
    async run(s) {
      const first = await s.create();
      const second = await s.create();
      need(first.location !== second.location, 'one Location for both');
      await s.delete(first.location);
      const reply = await s.http.send('DELETE', second.location);
      need(reply.status >= 200 && reply.status < 300, `the second ended with the first: ${reply.status}`);
      return 'one ends, the other stays';
    },
  },
  ...extensions,
  {
    id: 'media-flows', ref: ref('', '4'), level: 'MUST', title: 'pictures and sound arrive',
    async run(s) {
      const { id } = await s.connect();
      const began = Date.now();
      const stats = await s.peers.until(() => s.peers.call('stats', id), (now) => now.video.framesDecoded > 10 && now.audio.packetsReceived > 10, 15000);
      const now = stats ?? (await s.peers.call('stats', id));
      if (!stats && now.video.framesDecoded > 10) skip('the show has no sound now');
      need(stats, JSON.stringify(now));
      return `${now.video.framesDecoded} frames, ${now.audio.packetsReceived} audio packets after ${Date.now() - began} ms`;
    },
  },
  {
    id: 'media-two', ref: ref('', '4'), level: 'MUST', title: '... for two viewers, and one stays when one leaves',
    async run(s) {
      const a = await s.connect();
      const b = await s.connect();
      await s.delete(a.made.location);
      const before = await s.peers.call('stats', b.id);
      const after = await s.peers.until(() => s.peers.call('stats', b.id), (now) => now.video.framesDecoded > (before.video.framesDecoded ?? 0) + 10, 15000);
      need(after, JSON.stringify(await s.peers.call('stats', b.id)));
      return `${after.video.framesDecoded} frames`;
    },
  },
];

const checks = common({ whip: false, ref });
// Media last, and the limits after everything.
const at = checks.findIndex((check) => check.id === 'media-connected') + 1;
checks.splice(at, 0, ...own.filter((check) => check.id.startsWith('media')));
checks.splice(at - 1, 0, ...own.filter((check) => !check.id.startsWith('media')));

process.exitCode = await main({ name: 'WHEP', what: 'the show must be on air', way: 'recv', checks });
