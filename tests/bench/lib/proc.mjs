// Processes of a benchmark: what they use, and their end.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
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

/** CPU seconds so far (user and system, all threads) and resident memory in KiB. */
export async function usage(pid) {
  const stat = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/\(.*\)/, 'x');
  const [, user, system] = /^(?:\S+ ){13}(\d+) (\d+)/.exec(stat) ?? [];
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return { cpuS: (Number(user) + Number(system)) / 100, rssKiB: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) };
}
