// The command of tests/bench/fanout.
import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { cpus, release } from 'node:os';
import { parseArgs } from 'node:util';
import { buildDir, top } from '../e2e/lib/server.mjs';
import { film as makeFilm } from './lib/film.mjs';
import { Janus } from './lib/janus.mjs';
import { pin, sleep } from './lib/proc.mjs';
import { flashText, maxText, tableHead, tableRow } from './lib/report.mjs';
import { Torg } from './lib/torg.mjs';

const HELP = `Usage: tests/bench/fanout [options]
Measures how many WebRTC viewers one core serves: torg, and with --peer others beside it, in one go.
The server has core 1 for itself, sources and load generator have core 0 (--cores). One 720p30 H.264
stream of 2.5 Mbit/s, video only. Takes the build in TORG_BUILD_DIR (default build-asan; figures mean
something in a release build only).

  --viewers LIST     steps, e.g. 200,800,1600 (default: a ramp up to 4000); the run stops after the
                     first step that fails
  --peer NAME        also measure: janus (event_loops=1, its best), janus-default (as installed).
                     Again for more. Needs Debian's janus package
  --peer-viewers LIST  its steps (default: a ramp up to 500)
  --no-torg          only the peers
  --source rtmp|whip torg's source: ffmpeg with a file (default), or Chromium's encoder. Peers get RTP
  --seconds S        length of a step's window (default 10; the film's loop is 10)
  --settle S         between the last join and the window (default 3)
  --join-rate N      joins a second (default 100; peers 20)
  --gro              the generator receives runs of packets in one piece (UDP_GRO): on loopback that
                     also spares the server the kernel's segmentation
  --gro-above N      GRO for steps above N viewers only (a new generator, all join again)
  --twcc             viewers negotiate and send transport-wide feedback
  --verify-every K   every K-th viewer decrypts all it gets (default 20)
  --workers N        torg's rtc.workers (default 1)
  --cores S,G        the server's core and the generator's (default 1,0)
  --flash J --onto N J joins within one second onto N watching, instead of the ramp
  --json FILE        everything as JSON
  --smoke            20 viewers for 3 s; exit 1 unless all is there and nothing was lost
  --help
Exit: 0 measured; 1 something did not work (with --smoke: or was lost); 2 usage.`;

const RAMP = '50,200,400,800,1200,1600,2000,2200,2400,2600,2800,3000,3200,3400,3600,3800,4000';
const PEER_RAMP = '50,100,160,200,250,300,350,400,450,500';
const PEERS = { janus: { loops: 1 }, 'janus-default': { loops: 0 } };
const LOSS_MAX = 0.001;
const DELIVERED_MIN = 0.97;

function usage(why) {
  console.error(`fanout: ${why}\n${HELP}`);
  process.exit(2);
}

function count(text, name) {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) usage(`--${name} needs a number`);
  return value;
}

const list = (text, name) => text.split(',').map((part) => count(part, name));

function readOptions() {
  const text = (fallback) => ({ type: 'string', ...(fallback === undefined ? {} : { default: fallback }) });
  const flag = { type: 'boolean', default: false };
  let v;
  try {
    v = parseArgs({
      options: {
        viewers: text(), 'peer-viewers': text(PEER_RAMP), peer: { type: 'string', multiple: true, default: [] }, 'no-torg': flag,
        source: text('rtmp'), seconds: text(), settle: text(), 'join-rate': text(), gro: flag, 'gro-above': text(), twcc: flag,
        'verify-every': text(), workers: text('1'), cores: text('1,0'), flash: text(), onto: text('1000'), json: text(), smoke: flag, help: flag,
      },
    }).values;
  } catch (error) {
    usage(error.message);
  }
  if (v.help) {
    console.log(HELP);
    process.exit(0);
  }
  for (const name of v.peer) if (!PEERS[name]) usage(`no such peer: ${name}`);
  if (!['rtmp', 'whip'].includes(v.source)) usage('--source is rtmp or whip');
  if (v['no-torg'] && v.peer.length === 0) usage('--no-torg without --peer measures nothing');
  const [server, load] = list(v.cores, 'cores');
  return {
    viewers: list(v.viewers ?? (v.smoke ? '20' : RAMP), 'viewers'),
    peerViewers: list(v['peer-viewers'], 'peer-viewers'),
    peers: v.peer,
    torg: !v['no-torg'],
    source: v.source,
    seconds: count(v.seconds ?? (v.smoke ? '3' : '10'), 'seconds'),
    settle: count(v.settle ?? (v.smoke ? '1' : '3'), 'settle'),
    joinRate: v['join-rate'] === undefined ? undefined : count(v['join-rate'], 'join-rate'),
    gro: v.gro,
    groAbove: v['gro-above'] === undefined ? Infinity : count(v['gro-above'], 'gro-above'),
    twcc: v.twcc,
    verifyEvery: count(v['verify-every'] ?? (v.smoke ? '4' : '20'), 'verify-every'),
    workers: count(v.workers, 'workers'),
    cores: { server, load },
    flash: v.flash === undefined ? 0 : count(v.flash, 'flash'),
    onto: count(v.onto, 'onto'),
    json: v.json,
    smoke: v.smoke,
  };
}

const difference = (a, b) => Object.fromEntries(Object.keys(b).map((name) => [name, b[name] - a[name]]));
const latest = (steps) => steps.at(-1);

/** Server and generator over `seconds`. */
async function window(server, generator, seconds) {
  const before = { ...(await server.usage()), counters: await server.counters() };
  await generator.mark();
  const beganCpu = (await server.usage()).cpuS;
  await sleep(seconds * 1000);
  const cpuS = (await server.usage()).cpuS - beganCpu;
  const seen = await generator.look();
  const after = { ...(await server.usage()), counters: await server.counters() };
  return { seen, cpuS, rssKiB: after.rssKiB, counters: difference(before.counters, after.counters) };
}

function verdict(step) {
  if (step.overflows > 0) return 'invalid: generator saturated';
  if (step.failed > 0 || step.watching < step.viewers) return `${step.viewers - step.watching} not watching`;
  if (step.lossPercent >= LOSS_MAX * 100) return 'loss';
  // Frames left out leave no gap in the numbers.
  if (step.deliveredPercent < DELIVERED_MIN * 100 || step.counters.fanout_frames_dropped > 0) return 'behind';
  return 'ok';
}

/**
 * What a window says of a step. rate: packets a second that the source makes for each viewer; null: an
 * encoder with a mind of its own, so the viewer that got most tells.
 */
function judge(server, viewers, grown, { seen, cpuS, rssKiB, counters }, { idle, rate, gro }) {
  const made = viewers * (rate === null ? seen.packets_max : rate * seen.seconds);
  const step = {
    server: server.name,
    source: server.source,
    viewers,
    watching: seen.viewers,
    failed: grown.failed + seen.failed,
    endedByServer: seen.ended_by_server,
    seconds: seen.seconds,
    packets: seen.packets,
    lost: seen.lost,
    lossPercent: (100 * seen.lost) / Math.max(1, seen.packets + seen.lost),
    deliveredPercent: (100 * seen.packets) / Math.max(1, made),
    packetsMin: seen.packets_min,
    packetsPerS: seen.packets / seen.seconds,
    packetsPerViewerS: seen.packets / seen.seconds / Math.max(1, seen.viewers),
    usPerPacket: (cpuS * 1e6) / Math.max(1, seen.all_packets),
    serverCpuPercent: (100 * cpuS) / seen.seconds,
    idleCpuPercent: idle.cpuPercent,
    rssKiBPerViewer: (rssKiB - idle.rssKiB) / viewers,
    latencyMs: seen.latency_ms,
    firstPacketMs: seen.first_packet_ms,
    firstFrameMs: seen.first_frame_ms,
    // Where every first frame is a keyframe, all viewers tell; else those who decrypt.
    firstKeyMs: server.firstFrameIsKey ? seen.first_frame_ms : seen.first_key_ms,
    firstKeySamples: seen.first_key_ms.count,
    verified: seen.verified,
    decryptErrors: seen.decrypt_errors,
    generatorCpuPercent: (100 * seen.cpu_s) / seen.seconds,
    overflows: seen.overflows,
    gro,
    counters,
  };
  return { ...step, verdict: verdict(step) };
}

async function idleWindow(server, seconds) {
  const before = await server.usage();
  await sleep(seconds * 1000);
  const after = await server.usage();
  return { cpuPercent: (100 * (after.cpuS - before.cpuS)) / seconds, rssKiB: after.rssKiB };
}

/** Steps until one fails; GRO from where it is asked for, with a generator of its own. */
async function ramp(server, viewers, { film, options, joinRate }) {
  const run = { server: server.name, version: server.version, source: server.source, steps: [], max: 0, stoppedBy: null };
  const idle = await idleWindow(server, Math.min(5, options.seconds));
  const known = { idle, rate: server.source === 'whip' ? null : film.packets_per_s };
  run.idle = idle;
  for (const gro of [false, true]) {
    const mine = viewers.filter((n) => (options.gro || n > options.groAbove) === gro);
    if (mine.length === 0 || run.stoppedBy) continue;
    const generator = server.generator({ viewers: Math.max(...mine), verifyEvery: options.verifyEvery, gro, twcc: options.twcc });
    try {
      for (const n of mine) {
        const grown = await server.join(generator, n, joinRate);
        await sleep(options.settle * 1000);
        const looked = await window(server, generator, options.seconds);
        const step = judge(server, n, grown, looked, { ...known, gro });
        run.steps.push(step);
        console.log(tableRow(step));
        if (step.verdict !== 'ok') {
          run.stoppedBy = { viewers: n, verdict: step.verdict };
          break;
        }
        run.max = n;
      }
    } finally {
      run.totals = await generator.end();
      if (latest(run.steps)?.verdict !== 'ok') run.generatorSaid = generator.child.said.slice(-2000);
    }
  }
  return run;
}

/** `options.flash` joins within a second while `options.onto` watch. */
async function flash(server, { options, joinRate }) {
  const total = options.onto + options.flash;
  const generator = server.generator({ viewers: total, verifyEvery: options.verifyEvery, gro: options.gro || total > options.groAbove, twcc: options.twcc });
  try {
    await server.join(generator, options.onto, joinRate);
    await sleep(options.settle * 1000);
    await generator.mark();
    const began = performance.now();
    const grown = await server.join(generator, total, options.flash);
    const joinedS = (performance.now() - began) / 1000;
    await sleep(1000); // the last ones' catching up
    const seen = await generator.look();
    return {
      server: server.name, onto: options.onto, joins: options.flash, askedS: grown.asked_s, joinedS, seconds: seen.seconds, gro: options.gro || total > options.groAbove, failed: grown.failed,
      watching: seen.viewers, lost: seen.lost, leastPercent: (100 * seen.packets_min) / Math.max(1, seen.packets_max), endedByServer: seen.ended_by_server,
      latencyMs: seen.latency_ms, firstPacketMs: seen.first_packet_ms, firstFrameMs: seen.first_frame_ms,
      firstKeyMs: server.firstFrameIsKey ? seen.first_frame_ms : seen.first_key_ms, generatorCpuPercent: (100 * seen.cpu_s) / seen.seconds, overflows: seen.overflows,
    };
  } finally {
    await generator.end();
  }
}

async function measure(starting, viewers, context) {
  const server = await starting;
  try {
    if (context.options.flash > 0) {
      const result = await flash(server, context);
      console.log(flashText(result));
      return { server: server.name, version: server.version, source: server.source, flash: result, steps: [], max: 0 };
    }
    return await ramp(server, viewers, context);
  } finally {
    await server.stop();
  }
}

function machine() {
  const git = (...args) => {
    try {
      return execFileSync('git', ['-C', top, ...args], { encoding: 'utf8' }).trim();
    } catch {
      return '';
    }
  };
  return {
    cpu: cpus()[0]?.model ?? '', cores: cpus().length, kernel: release(), node: process.version, build: buildDir,
    commit: git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '--untracked-files=no') ? '+' : ''), date: new Date().toISOString(),
  };
}

/** With --smoke: what must hold on any machine. Returns what does not. */
function faults(runs) {
  const out = [];
  for (const run of runs) {
    for (const s of run.steps) {
      if (s.verdict !== 'ok' && s.verdict !== 'behind') out.push(`${s.server}: ${s.verdict}`);
      if (s.lost !== 0 || s.decryptErrors !== 0 || s.endedByServer !== 0) out.push(`${s.server}: ${s.lost} lost, ${s.decryptErrors} not decrypted, ${s.endedByServer} ended`);
      if (!(s.watching === s.viewers && s.packets > 0 && s.verified > 0)) out.push(`${s.server}: ${s.watching} of ${s.viewers} watched, ${s.packets} packets, ${s.verified} verified`);
      for (const name of ['latencyMs', 'firstPacketMs', 'firstKeyMs']) if (!(s[name].count > 0 && s[name].p50 >= 0)) out.push(`${s.server}: no ${name}`);
      if (!(s.usPerPacket > 0)) out.push(`${s.server}: no CPU time`);
    }
    if (run.steps.length === 0 && !run.flash) out.push(`${run.server}: no step`);
  }
  return out;
}

async function main() {
  const options = readOptions();
  pin(process.pid, options.cores.load); // and whatever it starts
  const film = await makeFilm();
  const about = machine();
  const context = { film, options };
  const runs = [];
  console.log(`${about.cpu}, ${about.cores} cores, Linux ${about.kernel}; torg ${about.commit}, ${about.build}`);
  console.log(`source: ${film.packets_per_s.toFixed(0)} packets/s, ${film.mbit_per_s.toFixed(2)} Mbit/s, keyframe up to ${film.key_packets_max} packets; server on core ${options.cores.server}, generator and source on core ${options.cores.load}`);
  if (options.flash === 0) console.log(tableHead());
  if (options.torg) runs.push(await measure(Torg.start({ film, source: options.source, cores: options.cores, options }), options.viewers, { ...context, joinRate: options.joinRate ?? 100 }));
  for (const name of options.peers) runs.push(await measure(Janus.start({ film, cores: options.cores, ...PEERS[name] }), options.peerViewers, { ...context, joinRate: options.joinRate ?? 20 }));
  const [torg, ...peers] = options.torg ? runs : [null, ...runs];
  const ratios = peers.filter((p) => torg?.max > 0 && p.max > 0).map((p) => ({ peer: p.server, torg: torg.max, peerMax: p.max, ratio: torg.max / p.max }));
  if (options.json) await writeFile(options.json, `${JSON.stringify({ machine: about, film, options, runs, ratios }, null, 2)}\n`);
  if (options.flash === 0) for (const run of runs) console.log(maxText(run));
  for (const r of ratios) console.log(`ratio torg / ${r.peer}: ${r.torg} / ${r.peerMax} = ${r.ratio.toFixed(1)}`);
  if (options.smoke) {
    const wrong = faults(runs);
    for (const line of wrong) console.error(line);
    process.exitCode = wrong.length > 0 ? 1 : 0;
  }
}

await main();
