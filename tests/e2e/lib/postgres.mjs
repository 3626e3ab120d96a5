// A PostgreSQL server of a test's own: made in a temporary folder, on a free loopback port, and gone at the end.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

const ROOT = '/usr/lib/postgresql';

/** Where Debian keeps the newest version's programs; null = it is not installed. */
export function postgresBin() {
  if (!existsSync(ROOT)) return null;
  const versions = readdirSync(ROOT).filter((name) => existsSync(`${ROOT}/${name}/bin/initdb`)).sort((a, b) => Number(a) - Number(b));
  return versions.length > 0 ? `${ROOT}/${versions.at(-1)}/bin` : null;
}

async function freePort() {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** It refuses to run as root: then it is nobody's. */
const asNobody = process.getuid() === 0 ? ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups'] : [];

function command(program, args) {
  const all = [...asNobody, path.join(postgresBin(), program), ...args];
  return [all[0], all.slice(1)];
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Postgres {
  /** @param {{settings?: Record<string, string>, core?: number}} options settings of postgresql.conf; core: to run on */
  static async start(options = {}) {
    const pg = new Postgres();
    pg.options = options;
    pg.dir = await mkdtemp(path.join(tmpdir(), 'torg-pg-'));
    await chmod(pg.dir, 0o777); // its data are in a folder below, of its own
    pg.port = await freePort();
    const [initdb, args] = command('initdb', ['-D', pg.data, '-A', 'trust', '-U', 'torg', '--no-sync', '-E', 'UTF8', '--locale=C']);
    execFileSync(initdb, args, { stdio: ['ignore', 'ignore', 'pipe'], cwd: '/' });
    await pg.launch();
    execFileSync(path.join(postgresBin(), 'createdb'), ['-h', '127.0.0.1', '-p', String(pg.port), '-U', 'torg', 'torg']);
    return pg;
  }

  get data() {
    return path.join(this.dir, 'data');
  }

  get url() {
    return `postgresql://torg@127.0.0.1:${this.port}/torg`;
  }

  /** Start (again) on the same data. fsync is on, as PostgreSQL has it. */
  async launch() {
    const settings = { listen_addresses: '127.0.0.1', port: String(this.port), unix_socket_directories: this.dir, ...this.options.settings };
    const [program, args] = command('postgres', ['-D', this.data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])]);
    const pinned = this.options.core === undefined ? [program, args] : ['taskset', ['-c', String(this.options.core), program, ...args]];
    this.log = '';
    this.child = spawn(...pinned, { stdio: ['ignore', 'ignore', 'pipe'], cwd: '/' });
    this.exited = once(this.child, 'exit');
    this.child.stderr.on('data', (data) => (this.log = (this.log + data).slice(-20000)));
    for (const end = Date.now() + 60000; ; await sleep(50)) {
      if (this.ready()) return;
      if (this.child.exitCode !== null || Date.now() > end) throw new Error(`PostgreSQL did not start\n${this.log}`);
    }
  }

  ready() {
    try {
      execFileSync(path.join(postgresBin(), 'pg_isready'), ['-q', '-h', '127.0.0.1', '-p', String(this.port), '-U', 'torg'], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  }

  /** kill -9 of the server process; the kernel tells its children, which end at once. */
  async kill9() {
    this.child.kill('SIGKILL'); // setpriv and taskset became postgres by exec
    await this.gone();
  }

  /** After its death: its backends notice within a moment; until then a new server refuses to start. */
  async gone() {
    await this.exited;
    for (let i = 0; i < 200 && this.children().length > 0; i++) await sleep(20);
  }

  /** Its processes: the data directory is their working directory. */
  children() {
    return readdirSync('/proc').filter((name) => {
      if (!/^\d+$/.test(name)) return false;
      try {
        return readlinkSync(`/proc/${name}/cwd`) === this.data;
      } catch {
        return false;
      }
    });
  }

  /** Rows of a query as arrays of text. */
  query(sql) {
    const out = execFileSync(path.join(postgresBin(), 'psql'), ['-h', '127.0.0.1', '-p', String(this.port), '-U', 'torg', '-d', 'torg', '-AtF', '\t', '-c', sql], { encoding: 'utf8' });
    return out.trim().split('\n').filter(Boolean).map((line) => line.split('\t'));
  }

  async stop() {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill('SIGINT'); // fast shutdown
      const timer = setTimeout(() => this.child.kill('SIGQUIT'), 10000);
      await this.exited;
      clearTimeout(timer);
    }
    await rm(this.dir, { recursive: true, force: true });
  }
}
