// What was measured, for people.
const fixed = (value, digits) => (value === null || value === undefined || value < 0 || !Number.isFinite(value) ? 'n/a' : value.toFixed(digits));
const pair = (times, digits = 1) => (times && times.count > 0 ? `${fixed(times.p50, digits)} / ${fixed(times.p99, digits)}` : 'n/a');

const COLUMNS = [
  ['server', (s) => s.server],
  ['source', (s) => s.source],
  ['viewers', (s) => s.viewers],
  ['µs CPU/packet', (s) => fixed(s.usPerPacket, 2)],
  ['loss %', (s) => fixed(s.lossPercent, 3)],
  ['delivered %', (s) => fixed(s.deliveredPercent, 1)],
  ['packets/s', (s) => fixed(s.packetsPerS, 0)],
  ['server CPU %', (s) => fixed(s.serverCpuPercent, 0)],
  ['KiB/viewer', (s) => fixed(s.rssKiBPerViewer, 0)],
  ['latency p50 / p99 ms', (s) => pair(s.latencyMs)],
  ['first packet p50 / p99 ms', (s) => pair(s.firstPacketMs, 0)],
  ['first keyframe p50 / p99 ms', (s) => pair(s.firstKeyMs, 0)],
  ['generator CPU %', (s) => fixed(s.generatorCpuPercent, 0)],
  ['GRO', (s) => (s.gro ? 'yes' : 'no')],
  ['verdict', (s) => s.verdict],
];

export const tableHead = () => `| ${COLUMNS.map(([name]) => name).join(' | ')} |\n|${COLUMNS.map(() => ' --- |').join('')}`;
export const tableRow = (step) => `| ${COLUMNS.map(([, show]) => show(step)).join(' | ')} |`;

/** Lines about a flash crowd. */
export function flashText(flash) {
  return [
    `flash crowd on ${flash.server}: ${flash.joins} joins asked within ${fixed(flash.askedS, 2)} s, all watching after ${fixed(flash.joinedS, 2)} s, onto ${flash.onto} watching (GRO ${flash.gro ? 'yes' : 'no'})`,
    `  watching: until 1 s later: ${flash.lost} packets lost, the least got ${fixed(flash.leastPercent, 1)} % of the most; latency p50 / p99 / max ${pair(flash.latencyMs)} / ${fixed(flash.latencyMs?.max, 1)} ms`,
    `  joining: ${flash.failed} failed, first packet ${pair(flash.firstPacketMs, 0)} ms, first keyframe complete ${pair(flash.firstKeyMs, 0)} ms (p50 / p99)`,
    `  generator: ${fixed(flash.generatorCpuPercent, 0)} % CPU, ${flash.overflows} packets not read in time${flash.overflows > 0 ? ' - INVALID' : ''}`,
  ].join('\n');
}

export function maxText(run) {
  const why = run.stoppedBy ? ` (stopped: ${run.stoppedBy.verdict} at ${run.stoppedBy.viewers})` : ' (the ramp ended there)';
  return `${run.server}: most viewers with < 0.1 % loss and >= 97 % of the packets: ${run.max}${why}`;
}
