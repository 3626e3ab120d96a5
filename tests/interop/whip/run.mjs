#!/usr/bin/env node
// WHIP conformance of any server: node tests/interop/whip/run.mjs --help
import { common } from '../lib/checks.mjs';
import { main } from '../lib/cli.mjs';
import { need, skip } from '../lib/report.mjs';
import { all, attribute, parse } from '../lib/sdp.mjs';

const ref = (whip) => `RFC 9725 ${whip}`;
const brief = (response) => `${response.status} ${response.text.slice(0, 100)}`;

/** The offer with its video m-line twice, the second under another mid. */
function twoVideos(offer) {
  const at = offer.indexOf('m=video');
  const video = offer.slice(at).replace(/a=(ssrc|ssrc-group):.*\r\n/g, '');
  const mid = /a=mid:(.*)\r\n/.exec(video)[1];
  return offer.replace(/a=group:BUNDLE (.*)\r\n/, 'a=group:BUNDLE $1 second\r\n') + video.replace(`a=mid:${mid}\r\n`, 'a=mid:second\r\n').replace(/a=msid:(\S+) \S+/, 'a=msid:$1 another-track');
}

const own = [
  {
    id: 'half-usable', ref: ref('4.4.3'), level: 'SHOULD', title: 'an offer of which one m-line is of no use is refused whole',
    async run(s) {
      const offer = await s.offerText();
      const at = offer.indexOf('m=video');
      const response = await s.post(offer.slice(0, at) + offer.slice(at).replace(/a=rtpmap:(\d+) [^/]+\/90000/g, 'a=rtpmap:$1 X-NONE/90000'));
      need(response.status === 422 || response.status === 400, brief(response));
      return brief(response);
    },
  },
  {
    id: 'two-videos', ref: ref('4.4.2'), level: 'MUST', title: 'more tracks than are supported: 422 or 400',
    async run(s) {
      const response = await s.post(twoVideos(await s.offerText()));
      if (response.status === 201 && parse(response.text).media.every((m) => m.port !== 0)) skip('two videos are supported');
      need(response.status === 422 || response.status === 400, brief(response));
      return brief(response);
    },
  },
  {
    id: 'setup-active', ref: ref('4.4.4'), level: 'SHOULD', title: 'setup:active is taken, or refused with 422 or 400',
    async run(s) {
      const response = await s.post((await s.offerText()).replaceAll('a=setup:actpass', 'a=setup:active'));
      if (response.status === 201) {
        const answer = parse(response.text);
        need(attribute(answer, answer.media[0], 'setup') === 'passive', `201 with setup ${attribute(answer, answer.media[0], 'setup')}`);
        return '201, passive';
      }
      need(response.status === 422 || response.status === 400, brief(response));
      return brief(response);
    },
  },
  {
    id: 'simulcast', ref: ref('4.8'), level: 'MUST', title: 'a simulcast offer is answered by RFC 8853',
    async run(s) {
      const { sdp } = await s.peers.offer('send', true);
      const { answer } = await s.create(sdp);
      const offered = parse(sdp).media.find((m) => m.kind === 'video');
      const video = answer.media.find((m) => m.kind === 'video');
      const [simulcast] = all(video, 'simulcast');
      if (simulcast === undefined) skip('one encoding is taken');
      const rids = all(video, 'rid').map((rid) => rid.split(' '));
      const known = all(offered, 'rid').map((rid) => rid.split(' ')[0]);
      need(/^recv /.test(simulcast), simulcast);
      need(rids.length > 0 && rids.every(([id, way]) => known.includes(id) && way === 'recv'), `rids ${rids.map((rid) => rid.join(' ')).join()}`);
      return `simulcast:${simulcast}`;
    },
  },
  {
    id: 'two-publishers', ref: ref('4.2'), level: 'SHOULD', title: 'a second publisher is taken or refused in order',
    async run(s) {
      const first = await s.create();
      const second = await s.post(await s.offerText());
      if (second.status === 201) {
        need(new URL(second.headers.location, s.url).href !== first.location, 'one Location for both');
        return 'taken';
      }
      need(second.status >= 400, brief(second));
      return brief(second);
    },
  },
  {
    id: 'media-flows', ref: ref('4'), level: 'MUST', title: 'the server reports what it received',
    async run(s) {
      const { id } = await s.connect();
      const began = Date.now();
      const stats = await s.peers.until(() => s.peers.call('stats', id), (now) => now.video.reports > 0 && now.audio.reports > 0 && now.video.packetsSent > 100, 15000);
      need(stats, `receiver reports: ${JSON.stringify(await s.peers.call('stats', id))}`);
      return `${stats.video.packetsSent} video packets sent, ${stats.video.packetsLost} lost, after ${Date.now() - began} ms`;
    },
  },
  {
    id: 'media-simulcast', ref: ref('4.8'), level: 'MUST', title: 'a simulcast publisher connects and is heard',
    async run(s) {
      const { id } = await s.connect({ simulcast: true });
      const stats = await s.peers.until(() => s.peers.call('stats', id), (now) => now.video.reports > 0, 15000);
      need(stats, `receiver reports: ${JSON.stringify(await s.peers.call('stats', id))}`);
      return `${stats.video.reports} encodings reported`;
    },
  },
];

const checks = common({ whip: true, ref });
const at = checks.findIndex((check) => check.id === 'media-connected') + 1;
checks.splice(at, 0, ...own.filter((check) => check.id.startsWith('media')));
checks.splice(at - 1, 0, ...own.filter((check) => !check.id.startsWith('media')));

process.exitCode = await main({ name: 'WHIP', what: 'a show that may be published to', way: 'send', checks });
