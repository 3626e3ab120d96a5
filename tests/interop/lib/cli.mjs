// The command line that both suites share.
import { parseArgs } from 'node:util';
import { Peers } from './peer.mjs';
import { heading, line, runAll, summary } from './report.mjs';
import { Session } from './session.mjs';

const help = (name, what) => `Checks a ${name} server by its URL and prints a report.

  node tests/interop/${name.toLowerCase()}/run.mjs --url https://host/${name.toLowerCase()}/show [options]

  --url URL       the ${name} endpoint; ${what}
  --token TOKEN   sent as Authorization: Bearer
  --insecure      accept any certificate
  --json          the report as JSON instead of a table
  --strict        exit 1 when a SHOULD fails, too
  --only REGEX    only checks whose id matches
  --list          print the checks and end
  --help          this text

Exit code: 0 when no MUST failed, 1 when one did, 2 for a wrong command line or no server.
Chromium is taken from /usr/bin/chromium or TORG_CHROMIUM; npm ci in tests/e2e brings the driver.`;

/** @param {{name: 'WHIP' | 'WHEP', what: string, way: 'send' | 'recv', checks: import('./report.mjs').Check[]}} suite */
export async function main({ name, what, way, checks }) {
  const options = { url: { type: 'string' }, token: { type: 'string' }, only: { type: 'string' } };
  for (const flag of ['insecure', 'json', 'strict', 'list', 'help']) options[flag] = { type: 'boolean', default: false };
  let args;
  try {
    args = parseArgs({ options }).values;
    if (args.help) {
      console.log(help(name, what));
      return 0;
    }
    if (args.list) {
      for (const check of checks) console.log(`${check.id.padEnd(24)} ${check.ref.padEnd(30)} ${check.level.padEnd(6)} ${check.title}`);
      return 0;
    }
    if (!args.url || !URL.canParse(args.url)) throw new Error('--url is missing or is no URL');
    args.only &&= new RegExp(args.only);
  } catch (error) {
    console.error(`${error.message}\n\n${help(name, what)}`);
    return 2;
  }
  const peers = await Peers.open(args);
  const session = new Session({ ...args, name, way, peers });
  try {
    await session.http.send('OPTIONS', args.url);
  } catch (error) {
    console.error(`no server at ${args.url}: ${error.message}`);
    await peers.close();
    return 2;
  }
  const began = Date.now();
  if (!args.json) console.log(`${name} conformance of ${args.url}\n\n${heading}`);
  const rows = await runAll(checks, session, { only: args.only, onRow: (row) => args.json || console.log(line(row)) });
  await peers.close();
  const total = summary(rows);
  if (args.json) console.log(JSON.stringify({ suite: name, url: args.url, seconds: (Date.now() - began) / 1000, ...total, checks: rows }, null, 2));
  else console.log(`\n${total.text} (${((Date.now() - began) / 1000).toFixed(0)} s)`);
  if (total.passed === 0) return 1; // a suite that checked nothing has shown nothing
  return total.mustFailed > 0 || (args.strict && total.shouldFailed > 0) ? 1 : 0;
}
