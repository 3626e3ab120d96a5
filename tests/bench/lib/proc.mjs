// Processes of a benchmark: what they use, and their end.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readdir } from 'node:fs/promises';
import { cpus } from 'node:os';

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Keeps a process with all its threads on one core; where there is no such core, nothing happens. */
export function pin(pid, core) {
  if (core < cpus().length) execFileSync('taskset', ['-acp', String(core), String(pid)], { stdio: 'ignore' });
}

/**
 * Before whatever else runs on its core, by real-time priority (root only, else nothing happens): the
 * source before the generator, or a crowd of handshakes in the generator makes frames late that the
 * server is then blamed for; the generator before the rest of the machine, or it reads too late.
 */
export function hurry(child, priority) {
  spawnSync('chrt', ['-a', '-r', '-p', String(priority), String(child.pid)], { stdio: 'ignore' });
}
export const SOURCE_FIRST = 2;
export const GENERATOR_NEXT = 1;

/** A child that is ended with this process; `said` keeps what it wrote to stderr. */
export function start(command, args, options = {}) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], ...options });
  child.said = '';
  child.stderr?.on('data', (data) => (child.said = (child.said + data).slice(-20000)));
  child.exited = new Promise((resolve) => child.once('close', (code, signal) => resolve(code ?? signal)));
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  child.exited.then(() => process.removeListener('exit', end));
  return child;
}

/** SIGTERM, and SIGKILL when that takes over 10 s. */
export async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 10000);
  await exit;
  clearTimeout(timer);
}

/** Nanoseconds that a thread ran, by the scheduler; where the kernel does not say, by its ticks of 10 ms. */
async function ranNs(task) {
  try {
    return Number((await readFile(`${task}/schedstat`, 'utf8')).split(' ')[0]);
  } catch {
    const [, user, system] = /^(?:\S+ ){13}(\d+) (\d+)/.exec((await readFile(`${task}/stat`, 'utf8')).replace(/\(.*\)/, 'x')) ?? [];
    return (Number(user) + Number(system)) * 1e7;
  }
}

/** CPU seconds so far (user and system): of all threads, and by their names; and resident memory in KiB. */
export async function usage(pid) {
  const threads = {};
  let cpuS = 0;
  for (const tid of await readdir(`/proc/${pid}/task`)) {
    const task = `/proc/${pid}/task/${tid}`;
    const name = (await readFile(`${task}/comm`, 'utf8')).trim();
    const seconds = (await ranNs(task)) / 1e9;
    threads[name] = (threads[name] ?? 0) + seconds;
    cpuS += seconds;
  }
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return { cpuS, threads, rssKiB: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) };
}

/** CPU seconds so far of a process and of its children that are there. */
export async function familyCpuS(pid) {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ').filter(Boolean);
  const all = await Promise.all([pid, ...children].map((one) => usage(one).catch(() => ({ cpuS: 0 }))));
  return all.reduce((sum, { cpuS }) => sum + cpuS, 0);
}

/** Seconds that a core has worked so far, for anybody, and not: idle, waiting for a disk, taken by the hypervisor. */
export async function coreUse(core) {
  const text = await readFile('/proc/stat', 'utf8');
  const [user, nice, system, idle, iowait, irq, softirq, steal] = new RegExp(`^cpu${core} (.*)$`, 'm').exec(text)?.[1].trim().split(/\s+/).map((ticks) => Number(ticks) / 100) ?? [];
  return { busyS: user + nice + system + irq + softirq, idleS: idle + iowait, stolenS: steal };
}
