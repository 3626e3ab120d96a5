// What the tests of pages share: a server that knows a little, axe, sizes and colour schemes.
import { AxeBuilder } from '@axe-core/playwright';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { desktop, phone, shot } from './browser.mjs';
import { joined, shows } from './stage.mjs';

const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
export const staffYou = { id: 's1', name: 'Desk', roles: ['merchandiser', 'host'] };

/** Server of most tests: knows the show, has no picture; `more` answers first. */
export function api(more = () => undefined) {
  return (method, path, request) => more(method, path, request)
    ?? (path === '/api/v1/shows' ? { json: { shows } } : undefined)
    ?? (path.startsWith('/api/v1/shows/') ? answerShow(path) : undefined)
    ?? (path === '/api/v1/orders' ? { json: { orders: [] } } : undefined)
    ?? (path.startsWith('/whep/') ? { status: 503, json: { title: 'Service Unavailable' } } : undefined);
}

function answerShow(path) {
  const show = shows.find(({ id }) => id === path.split('/').at(-1));
  return show && { json: show };
}

/** Answers `join` with `joined`, then asks `other`. */
export function channel(over = {}, other = () => {}) {
  return (op, say) => op.op === 'join' ? say(joined(over)) : other(op, say);
}

/** axe over the page as it is now; animations are given time to end first. */
export async function noViolations(page, name) {
  await page.evaluate(() => Promise.all(document.getAnimations().map((a) => a.effect?.getTiming().iterations === Infinity ? null : a.finished.catch(() => null))));
  await page.waitForTimeout(350); // animations inside shadow roots are not in the document's list
  await shot(page, name);
  const { violations } = await new AxeBuilder({ page }).withTags(tags).analyze();
  const told = violations.map((v) => `${v.id}: ${v.help}\n${v.nodes.map((n) => `   ${JSON.stringify(n.target)} ${n.failureSummary}`).join('\n')}`);
  assert.equal(violations.length, 0, `${name}\n${told.join('\n')}`);
  assert.deepEqual(page.faults, [], name);
}

/** `browser()` is asked when the test runs. Runs `act` in a light phone and a dark desk; with `all`, in every combination. */
export function inBoth(browser, name, act, { all = false } = {}) {
  for (const [size, open] of [['phone', phone], ['desk', desktop]]) {
    for (const colorScheme of all ? ['light', 'dark'] : [size === 'phone' ? 'light' : 'dark']) {
      test(`${name}, ${size}, ${colorScheme}`, async () => {
        const page = await open(browser(), { colorScheme, reducedMotion: 'reduce' });
        try {
          await act(page, `${name.replaceAll(' ', '-')}-${size}-${colorScheme}`);
        } finally {
          await page.context().close();
        }
      });
    }
  }
}

/** The sheet in front. Its content is slotted, so it is found by the element, not inside <dialog>. */
export const sheet = (page) => page.locator('torg-sheet[open]');

/** One phone page for a behaviour. */
export function onPhone(browser, name, act) {
  test(name, async () => {
    const page = await phone(browser(), { reducedMotion: 'reduce' });
    try {
      await act(page);
      assert.deepEqual(page.faults, []);
    } finally {
      await page.context().close();
    }
  });
}

/** Waits for something on this side; fails after 10 s. */
export async function until(condition) {
  const deadline = Date.now() + 10000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`did not happen: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
