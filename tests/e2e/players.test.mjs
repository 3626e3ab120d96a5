// Players of every make watch one show: this project's own client, whip-whep and Eyevinn's player.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { studio } from './lib/uplink.mjs';
import { BrowserPublisher, PlayerPage, sleep } from './lib/whip.mjs';

const makes = ['torg', 'whip-whep', 'eyevinn-player'];

test('players of every make', { timeout: 180000 }, async (t) => {
  const rig = await studio(t);
  const show = await rig.server.newShow('players');
  const host = await BrowserPublisher.start(rig.hosts, rig.server, show, { video: 'clock' });
  await host.until((now) => now.framesEncoded > 30);
  for (const make of makes) {
    await t.test(make, async () => {
      const player = await PlayerPage.start(rig.viewers, rig.server, show, make);
      const from = await player.playing();
      await sleep(5000);
      const now = await player.look();
      t.diagnostic(`${make}: ${now.width}x${now.height}, ${now.frames - from.frames} frames in 5 s, first after ${from.firstMs.toFixed(0)} ms`);
      await player.stop();
      assert.ok(now.frames - from.frames > 100, `${now.frames - from.frames} frames in 5 s`);
      assert.ok(now.energy > from.energy, 'sound is heard');
      assert.equal(`${now.width}x${now.height}`, '1280x720');
      // whip-whep 1.2.0 trickles without the ETag that it was given, and says so when it is refused.
      assert.deepEqual(player.page.faults.filter((fault) => make !== 'whip-whep' || !fault.includes('428')), []);
    });
  }
  await host.stop();
});
