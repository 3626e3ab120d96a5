// The one stream that every server of a comparison gets: 720p30, 2.5 Mbit/s, H.264 without B-frames.
import { execFile } from 'node:child_process';
import { access, mkdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { buildDir } from '../../e2e/lib/server.mjs';

const run = promisify(execFile);
const exists = (file) => access(file).then(() => true, () => false);
const ffmpeg = (...args) => run('ffmpeg', ['-hide_banner', '-loglevel', 'error', ...args]);

/** Ten seconds with a keyframe every two; a little noise makes the encoder use its bits. */
async function encode(file) {
  // What makes 308 packets a second of at most 1,200 bytes.
  const rate = ['-b:v', '2720k', '-maxrate', '2720k', '-bufsize', '1360k'];
  const shape = ['-preset', 'veryfast', '-profile:v', 'baseline', '-bf', '0', '-g', '60', '-keyint_min', '60', '-sc_threshold', '0', '-threads', '1'];
  await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=1280x720:rate=30', '-t', '10', '-vf', 'noise=alls=6:allf=t,format=yuv420p', '-c:v', 'libx264', ...shape, ...rate, '-f', 'h264', '-y', `${file}.part`);
  await rename(`${file}.part`, file);
}

/**
 * Made once a build folder.
 * @returns {Promise<{h264: string, flv: string, frames: number, packets: number, packets_per_s: number, mbit_per_s: number, key_packets_max: number}>}
 *   packets as torg and tests/support/rtp_source cut them
 */
export async function film() {
  const folder = path.join(buildDir, 'bench');
  const h264 = path.join(folder, 'fanout-720p30.h264');
  const flv = path.join(folder, 'fanout-720p30.flv');
  await mkdir(folder, { recursive: true });
  if (!(await exists(h264))) await encode(h264);
  if (!(await exists(flv))) {
    await ffmpeg('-r', '30', '-i', h264, '-c', 'copy', '-f', 'flv', '-y', `${flv}.part`);
    await rename(`${flv}.part`, flv);
  }
  const { stdout } = await run(path.join(buildDir, 'tests', 'rtp_source'), ['--describe', h264]);
  return { h264, flv, ...JSON.parse(stdout) };
}
