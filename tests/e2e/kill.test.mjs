// kill -9 under load: zero acknowledged orders lost, the audit is clean after each, and clients that ask again
// under their key end with exactly one order. long/kill.test.mjs does it a hundred times.
import { test } from 'node:test';
import { killAgainAndAgain } from './lib/kills.mjs';
import { postgresBin } from './lib/postgres.mjs';

const KILLS = Number(process.env.TORG_KILLS ?? 3);
const ENGINES = (process.env.TORG_KILL_ENGINES ?? 'sqlite,postgres').split(',');

for (const engine of ENGINES) {
  const skip = engine === 'postgres' && postgresBin() === null && 'PostgreSQL is not installed';
  test(`kill -9 in the middle of buying, ${KILLS} times, on ${engine}`, { skip }, (t) => killAgainAndAgain(t, { kills: KILLS, engine }));
}
