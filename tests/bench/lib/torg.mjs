// torg as a server of the comparison: one worker, all of torgd on one core.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { metrics, metricsUntil } from '../../e2e/lib/metrics.mjs';
import { TorgServer } from '../../e2e/lib/server.mjs';
import { Generator } from './generator.mjs';
import { SOURCE_FIRST, hurry, pin, sleep, start, stop, usage } from './proc.mjs';

/** Counters that must not move while nobody should lose anything. */
const QUIET = ['fanout_frames_dropped', 'fanout_sync_lost', 'fanout_send_failed', 'fanout_nacks', 'rtc_send_dropped'];

/** By default frames count as captured 100 ms before they come: the encoder's share, which is none of the server's. */
const ENV = { TORG_INGEST_LATENCY_MS: '0' };

async function rtmpSource(show, film) {
  const child = start('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-re', '-stream_loop', '-1', '-i', film.flv, '-c', 'copy', '-f', 'flv', show.rtmp]);
  hurry(child, SOURCE_FIRST);
  return { stop: () => stop(child) };
}

/** Chromium with a fake camera that plays a film: its packets are of many sizes, its rate is its own. */
async function whipSource(server, show, core) {
  const { BrowserPublisher, launchStudio, makeFilm } = await import('../../e2e/lib/whip.mjs');
  const browser = await launchStudio({ film: await makeFilm(path.join(server.dir, 'film.mjpeg')) });
  const publisher = await BrowserPublisher.start(browser, server, show, { kind: 'torg', maxBitrate: 2500000 });
  pinTree(core);
  await publisher.until((now) => now.width >= 1280, 60000);
  await sleep(10000); // its rate control finds the bitrate
  return { stop: () => browser.close() };
}

/** Chromium's processes are children of this one. */
function pinTree(core) {
  const children = (pid) => execFileSync('sh', ['-c', `cat /proc/${pid}/task/*/children 2>/dev/null || true`], { encoding: 'utf8' }).split(/\s+/).filter(Boolean);
  const walk = (pid) => children(pid).flatMap((child) => [child, ...walk(child)]);
  for (const pid of walk(process.pid)) {
    try {
      if (execFileSync('ps', ['-o', 'comm=', '-p', pid], { encoding: 'utf8' }).startsWith('chrom')) pin(Number(pid), core);
    } catch {
      // it has ended
    }
  }
}

export class Torg {
  name = 'torg';
  version = ''; // the commit tells
  /** Where joins are counted from, and whether every first frame is a keyframe. */
  firstFrameIsKey = true;

  /** @param {{film: object, source: 'rtmp' | 'whip', cores: {server: number, load: number}, options: object}} setup */
  static async start({ film, source, cores, options }) {
    const torg = new Torg();
    torg.source = source;
    torg.server = await TorgServer.start({ demo: false, env: { TORG_RTC_WORKERS: String(options.workers), ...ENV } });
    try {
      pin(torg.server.child.pid, cores.server);
      const show = await torg.server.newShow('bench');
      torg.publisher = source === 'whip' ? await whipSource(torg.server, show, cores.load) : await rtmpSource(show, film);
      await metricsUntil(torg.server, (m) => m.torg_fanout_frames_in_total > 30);
      await sleep(3000); // a source that has just come still wakes things up
    } catch (error) {
      await torg.stop().catch(() => {});
      throw error;
    }
    return torg;
  }

  generator(options) {
    return new Generator({ ...options, hurried: this.source !== 'whip', http: `127.0.0.1:${this.server.httpPort}`, show: 'bench' });
  }

  join(generator, viewers, perS) {
    return generator.grow(viewers, perS);
  }

  usage() {
    return usage(this.server.child.pid);
  }

  /** Counters, for differences over a window. */
  async counters() {
    const now = await metrics(this.server);
    return Object.fromEntries([...QUIET, 'fanout_packets'].map((name) => [name, now[`torg_${name}_total`] ?? 0]));
  }

  async stop() {
    await this.publisher?.stop();
    await this.server.stop();
  }
}
