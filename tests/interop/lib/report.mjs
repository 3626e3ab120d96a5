// What was checked and what was seen: one line a check.

export class Failed extends Error {}
export class Skipped extends Error {}
/** The check failed: what was seen. @returns {never} */
export const fail = (seen) => { throw new Failed(seen); };
/** The check does not apply: why. @returns {never} */
export const skip = (why) => { throw new Skipped(why); };
export function need(condition, seen) {
  if (!condition) fail(seen);
}

/**
 * @typedef {{id: string, ref: string, level: 'MUST' | 'SHOULD', title: string, run: (s: any) => Promise<string> | string}} Check
 * @typedef {{id: string, ref: string, level: string, title: string, result: 'pass' | 'fail' | 'skip', seen: string}} Row
 */

/** Runs the checks in order; `only` picks by id. @param {Check[]} checks @returns {Promise<Row[]>} */
export async function runAll(checks, session, { only, onRow = () => {} } = {}) {
  const rows = [];
  for (const { run, ...check } of checks) {
    if (only && !only.test(check.id)) continue;
    const row = { ...check, result: 'pass', seen: '' };
    try {
      row.seen = (await run(session)) ?? '';
    } catch (error) {
      row.result = error instanceof Skipped ? 'skip' : 'fail';
      row.seen = error instanceof Failed || error instanceof Skipped ? error.message : `${error}`;
    } finally {
      await session.tidy();
    }
    rows.push(row);
    onRow(row);
  }
  return rows;
}

const cut = (text, width) => (text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width));

/** One row of the table. */
export function line(row) {
  const seen = row.seen.replace(/\s+/g, ' ');
  return `${cut(row.id, 24)} ${cut(row.ref, 30)} ${cut(row.level, 6)} ${row.result.toUpperCase()}  ${row.title}${seen ? ` -- ${seen.length > 160 ? `${seen.slice(0, 159)}…` : seen}` : ''}`;
}

export const heading = `${'check'.padEnd(24)} ${'specification'.padEnd(30)} level  result`;

/** @param {Row[]} rows */
export function summary(rows) {
  const count = (level, result) => rows.filter((row) => row.level === level && row.result === result).length;
  const text = ['MUST', 'SHOULD'].map((level) => `${level}: ${count(level, 'pass')} passed, ${count(level, 'fail')} failed, ${count(level, 'skip')} skipped`).join('; ');
  return { text, mustFailed: count('MUST', 'fail'), shouldFailed: count('SHOULD', 'fail'), passed: rows.filter((row) => row.result === 'pass').length };
}
