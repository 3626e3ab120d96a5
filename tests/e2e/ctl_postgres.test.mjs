// The operator's tool where the shop is in PostgreSQL, as the configuration file says, and no server runs.
import assert from 'node:assert/strict';
import { access, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Postgres, postgresBin } from './lib/postgres.mjs';
import { TorgServer } from './lib/server.mjs';

const skip = postgresBin() === null ? 'PostgreSQL is not installed' : false;
/** @type {Postgres} */
let pg;
/** @type {TorgServer} */
let server;
let dir;

before(async () => {
  if (skip) return;
  pg = await Postgres.start();
  dir = await mkdtemp(path.join(tmpdir(), 'torg-ctl-pg-'));
  await writeFile(path.join(dir, 'torg.yaml'), `store:\n  url: "${pg.url}"\n`);
  server = await TorgServer.start({ args: ['--config', path.join(dir, 'torg.yaml')] });
});
after(async () => {
  await server?.stop();
  await pg?.stop();
  if (dir) await rm(dir, { recursive: true, force: true });
});

const shows = async () => (await server.ctl('show', 'list')).shows.map(({ id }) => id).sort();

test('a backup made while the server runs is restored into the database that it used', { skip }, async () => {
  const saved = path.join(dir, 'saved');
  await server.ctl('show', 'create', 'before');
  await server.ctl('backup', saved);
  assert.equal((await stat(saved)).mode & 0o777, 0o600);
  await server.ctl('show', 'create', 'after');
  await assert.rejects(server.ctl('restore', saved), /a server runs on/);
  server.child.kill('SIGTERM');
  await server.exited;
  assert.deepEqual(await shows(), ['after', 'before', 'demo']);
  const { into, kept } = await server.ctl('restore', saved);
  assert.equal(into, pg.url);
  assert.match(kept, /^public_before_\d+$/);
  assert.deepEqual(await shows(), ['before', 'demo']);
  assert.equal((await server.ctl('stock', 'audit')).ok, true);
  await assert.rejects(access(path.join(server.dir, 'torg.db')), 'nothing was made where the shop is not');
  await server.launch();
  assert.deepEqual(await shows(), ['before', 'demo']);
  assert.equal((await server.ctl('stock', 'audit')).ok, true);
});

test('doctor asks the database, its clock and whether it can be backed up', { skip }, async () => {
  const { ok, checks } = await server.ctl('doctor');
  assert.equal(ok, true, JSON.stringify(checks));
  assert.ok(checks.some(({ check, text }) => check === 'database' && text === `${pg.url} answers`));
  await pg.kill9();
  await assert.rejects(server.ctl('doctor'), /"check":"database","result":"bad"/);
  await pg.launch();
});
