// Every make of WHIP publisher sends for a while; a Chromium viewer must decode nearly all of it.
import assert from 'node:assert/strict';
import { studio } from './uplink.mjs';
import { BrowserPublisher, GstPublisher, StudioPublisher, Viewer, compare, sleep, table } from './whip.mjs';

const makes = {
  'studio page': ({ hosts, server }, show) => StudioPublisher.start(hosts, server, show),
  'web/lib/whip.js': ({ hosts, server }, show) => BrowserPublisher.start(hosts, server, show, { kind: 'torg' }),
  'whip-whep 1.2.0': ({ hosts, server }, show) => BrowserPublisher.start(hosts, server, show, { kind: 'whip-whep' }),
  '@eyevinn/whip-web-client 1.1.7': ({ hosts, server }, show) => BrowserPublisher.start(hosts, server, show, { kind: 'eyevinn' }),
  'webrtcbin 1.22': ({ server }, show) => GstPublisher.start(server, show),
};

/** @param {{seconds: number, share: number}} bars */
export async function publishers(t, { seconds, share }) {
  const rig = await studio(t);
  const rows = [];
  for (const [make, start] of Object.entries(makes)) {
    await t.test(make, async () => {
      const show = await rig.server.newShow(`p${rows.length + 1}`);
      const publisher = await start(rig, show);
      try {
        for (const end = Date.now() + 15000; !((await publisher.stats()).framesEncoded > 30); await sleep(100)) assert.ok(Date.now() < end, `it does not publish: ${JSON.stringify(await publisher.stats())}`);
        const viewer = await Viewer.start(rig.viewers, rig.server, show);
        await viewer.playing();
        await sleep(1500);
        const got = await compare(publisher, viewer, seconds);
        rows.push({ publisher: make, seconds: got.seconds.toFixed(0), encoded: got.encoded, decoded: got.decoded, share: `${(100 * got.share).toFixed(1)} %`, sound: got.sound ? 'yes' : 'no', picture: `${got.width}x${got.height}`, codec: got.sent.codec.replace('video/', '') });
        await viewer.stop();
        assert.ok(got.encoded > seconds * 10, `only ${got.encoded} frames were encoded`);
        assert.ok(got.share >= share, `${got.decoded} of ${got.encoded} frames`);
        assert.ok(got.sound, 'sound is heard');
        assert.ok(got.width >= 640, `${got.width}x${got.height}`);
        if (publisher.page) assert.deepEqual(publisher.page.faults, []);
      } finally {
        const result = await publisher.stop();
        if (result) assert.deepEqual({ post: result.post, delete: result.delete, error: result.error }, { post: 201, delete: 200, error: '' });
      }
    });
  }
  if (rows.length) for (const line of table(rows)) t.diagnostic(line);
}
