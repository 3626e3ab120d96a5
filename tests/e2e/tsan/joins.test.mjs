// The whole torgd under ThreadSanitizer while viewers, sockets and a publisher come and go: not one report.
// TORG_BUILD_DIR names a TG_BUILD=tsan folder, TORG_TOOLS_DIR one whose whep_load is not slowed by it.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { churnSockets } from '../lib/churn.mjs';
import { whepLoad } from '../lib/load.mjs';
import { metricsUntil } from '../lib/metrics.mjs';
import { top, TorgServer } from '../lib/server.mjs';
import { Source } from '../lib/source.mjs';

const JOINS = Number(process.env.TORG_TSAN_JOINS ?? 2000);
const TOGETHER = 60;
/** After so many joins it says how many reports there are. */
const ROUND = 5000;

async function reports(dir) {
  const texts = await Promise.all((await readdir(dir)).map((name) => readFile(path.join(dir, name), 'utf8')));
  return texts.join('\n');
}

test(`${JOINS} viewers and 200 sockets come and go under ThreadSanitizer`, { timeout: 7.2e6 }, async (t) => {
  const dir = await mkdtemp(path.join(tmpdir(), 'torg-tsan-'));
  t.after(() => rm(dir, { recursive: true }));
  const server = await TorgServer.start({
    env: {
      TSAN_OPTIONS: `halt_on_error=0:exitcode=0:ignore_noninstrumented_modules=1:log_path=${dir}/report`
        + `:suppressions=${top}/tests/support/tsan.supp`,
      G_SLICE: 'always-malloc', // its magazines hand memory on behind the sanitizer's back
    },
  });
  const source = new Source(server.rtmpUrl);
  try {
    await metricsUntil(server, (m) => m.torg_fanout_frames_in_total > 0);
    for (let done = 0; done < JOINS; done += ROUND) {
      const joins = Math.min(ROUND, JOINS - done);
      const load = await whepLoad(server, { viewers: TOGETHER, joins, 'hold-s': 1, ramp: TOGETHER, seconds: 60 + joins });
      t.diagnostic(`${done + joins} joins, ${load.failed} failed, ${(await reports(dir)).split('WARNING:').length - 1} reports`);
      assert.deepEqual({ joined: load.joined, failed: load.failed }, { joined: joins, failed: 0 }, load.said);
    }
    await churnSockets(server, 200, 20);
  } finally {
    await source.stop();
    await server.stop();
  }
  assert.equal(await reports(dir), '');
});
