// A studio rig: real ffmpeg, real H.264 and AAC, pushed by RTMP.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const BITS = 16; // of the clock drawn into the picture: 10 ms units, Gray code, 655 s around
const CELL = 32; // pixels of one bit's square

/** Drawbox filters that write the wall clock into the top row of the picture, bit by bit. */
function clockFilter() {
  const parts = [`drawbox=x=0:y=0:w=${CELL * BITS}:h=${CELL}:color=black:t=fill`];
  for (let i = 0; i < BITS; i++) {
    // Bit i of the Gray code of n is bit 0 of floor((n + 2^i) / 2^(i+1)).
    const bit = `mod(floor((mod(time(0)*100,${2 ** BITS})+${2 ** i})/${2 ** (i + 1)}),2)`;
    parts.push(`drawbox=x=${CELL * i}:y=0:w=${CELL}:h=${CELL}:color=white:t=fill:enable='${bit}'`);
  }
  return parts.join(',');
}

/** Runs in the page: the clock in the video's frame, in ms modulo 655,360; -1 when unreadable. */
export function readClock(video) {
  const canvas = new OffscreenCanvas(512, 32);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const scale = video.videoWidth / 1280;
  context.drawImage(video, 0, 0, 512 * scale, 32 * scale, 0, 0, 512, 32);
  let gray = 0;
  for (let i = 0; i < 16; i++) {
    const level = context.getImageData(i * 32 + 16, 16, 1, 1).data[1];
    if (level > 90 && level < 165) return -1;
    if (level >= 165) gray |= 1 << i;
  }
  let n = gray;
  for (let shift = 1; shift < 16; shift <<= 1) n ^= n >> shift;
  return (n & 0xffff) * 10;
}

export class Source {
  /**
   * @param {string} url where to push
   * @param {{clock?: boolean, beat?: boolean, gop?: number, bitrate?: string, bframes?: number, size?: string}} options
   *   gop in frames at 30 per second; clock draws the wall clock into the picture; beat: a white box
   *   and a tone for 200 ms every two seconds, silence and black between.
   */
  constructor(url, options = {}) {
    const { clock = false, beat = false, gop = 60, bitrate = '2500k', bframes = 0, size = '1280x720' } = options;
    // The clock is drawn after -re's pacing: ffmpeg reads its inputs eight frames ahead.
    const box = (color, when) => `drawbox=x=0:y=0:w=64:h=64:color=${color}:t=fill${when}`;
    const draws = [...(clock ? [clockFilter()] : []), ...(beat ? [box('black', ''), box('white', ":enable='lt(mod(t,2),0.2)'")] : [])];
    const filter = draws.length > 0 ? ['-vf', `${draws.join(',')},format=yuv420p`] : ['-pix_fmt', 'yuv420p'];
    const sound = beat ? 'aevalsrc=0.5*sin(2*PI*1000*t)*lt(mod(t\\,2)\\,0.2):s=48000' : 'sine=frequency=440:sample_rate=48000';
    this.child = spawn('ffmpeg', [
      '-hide_banner', '-loglevel', 'error', '-re', '-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=30`,
      '-re', '-f', 'lavfi', '-i', sound,
      ...filter, '-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-profile:v', bframes ? 'main' : 'baseline',
      '-bf', String(bframes), '-g', String(gop), '-keyint_min', String(gop), '-sc_threshold', '0',
      '-b:v', bitrate, '-maxrate', bitrate, '-bufsize', bitrate, '-threads', '1',
      '-c:a', 'aac', '-b:a', '128k', '-ac', '2', '-f', 'flv', url,
    ], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.err = '';
    this.child.stderr.on('data', (d) => (this.err += d));
    this.exited = once(this.child, 'exit');
  }

  async stop() {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGKILL');
    await this.exited;
  }
}
