// The player's own controls, without a server: the choice of a size, and the line before the door.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launchBrowser } from './lib/browser.mjs';
import { pictureHost } from './lib/picture.mjs';
import { order, origin, stage } from './lib/stage.mjs';
import { api, channel, inBoth as inBothOf, noViolations, onPhone as onPhoneOf, until } from './lib/states.mjs';

let browser;
let host;
before(async () => {
  browser = await launchBrowser();
  host = await pictureHost(browser);
});
after(async () => {
  await host?.close();
  await browser?.close();
});
const inBoth = (...rest) => inBothOf(() => browser, ...rest);
const onPhone = (...rest) => onPhoneOf(() => browser, ...rest);

const LAYER = 'urn:ietf:params:whep:ext:core:layer';
const sizes = [[1280, 720, 2000000], [848, 480, 900000], [426, 240, 250000]];

/**
 * A WHEP endpoint with layers. `refuse()` answers offers first; `seen` collects what was asked.
 */
function whep({ count = 3, refuse = () => undefined } = {}) {
  const seen = { offers: [], choices: [], asks: 0, ends: 0, pinned: 'auto' };
  const layers = () => ({ json: { 0: sizes.slice(0, count).map(([width, height, bitrate], i) => ({
    rid: String(i), width, height, bitrate, ...(i === 0 && { current: true }), ...(String(i) === seen.pinned && { pinned: true }),
  })) } });
  const whepAnswer = async (method, path, request) => {
    if (method === 'POST' && path === '/whep/demo') {
      seen.offers.push(request.headers());
      const no = refuse(seen.offers.length);
      if (no) return no;
      const headers = { Location: '/whep/demo/0.x', ETag: '"e"', Link: `<stun:stun.example>; rel="ice-server", </whep/demo/0.x/layer>; rel="${LAYER}"` };
      return { status: 201, headers: { ...headers, 'Content-Type': 'application/sdp' }, body: await host.answer(request.postData()) };
    }
    if (path !== '/whep/demo/0.x/layer') {
      if (method === 'DELETE') seen.ends++;
      return { json: {} };
    }
    if (method === 'GET') seen.asks++;
    else {
      seen.choices.push(request.postDataJSON());
      seen.pinned = request.postDataJSON().rid;
    }
    return layers();
  };
  const answer = (method, path, request) => path.startsWith('/whep/') ? whepAnswer(method, path, request) : undefined;
  return { seen, answer };
}

const full = (position, retryS = 1) => ({
  status: 503, headers: { 'Retry-After': String(retryS) },
  json: { type: 'about:blank', title: 'Service Unavailable', status: 503, detail: 'No room.', position, ticket: '0123456789abcdefABCD-_', retry_s: retryS },
});

describe('choice of a size', { concurrency: 1 }, () => {
  inBoth('watch quality menu', async (page, name) => {
    const { answer } = whep();
    await stage(page, { api: api(answer), channel: channel() });
    await page.goto(`${origin}/s/demo`);
    await page.getByRole('button', { name: 'Picture quality: Automatic' }).click();
    await page.getByRole('radio', { name: 'Automatic (now 720p)' }).waitFor();
    assert.equal(await page.locator('torg-quality').getByRole('radio').count(), 4);
    // All of the menu is inside the picture.
    const outside = await page.evaluate(() => {
      const player = document.querySelector('torg-watch-page').shadowRoot.querySelector('torg-player');
      const box = player.getBoundingClientRect();
      const menu = player.shadowRoot.querySelector('torg-quality').shadowRoot.querySelector('fieldset').getBoundingClientRect();
      return menu.top < box.top || menu.bottom > box.bottom || menu.left < box.left || menu.right > box.right;
    });
    assert.equal(outside, false);
    await noViolations(page, name);
  });

  onPhone('by keyboard: chosen, told to the server, remembered', async (page) => {
    const { seen, answer } = whep();
    await stage(page, { api: api(answer), channel: channel() });
    await page.goto(`${origin}/s/demo`);
    const button = page.getByRole('button', { name: 'Picture quality: Automatic' });
    await button.focus();
    await page.keyboard.press('Enter');
    const auto = page.getByRole('radio', { name: /^Automatic/ });
    await until(() => auto.evaluate((input) => input.getRootNode().activeElement === input));
    assert.equal(await auto.isChecked(), true);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await until(() => seen.choices.length === 2);
    assert.deepEqual(seen.choices, [{ rid: '0' }, { rid: '1' }]);
    await page.keyboard.press('Escape');
    await page.locator('torg-quality').getByRole('radio').first().waitFor({ state: 'detached' });
    const chosen = page.getByRole('button', { name: 'Picture quality: 480p' });
    await until(() => chosen.evaluate((b) => b.getRootNode().activeElement === b));
    assert.equal(await page.evaluate(() => localStorage.getItem('torg.quality')), '480');

    seen.pinned = 'auto'; // a new session begins with the server's choice
    await page.reload();
    await until(() => seen.choices.length === 3);
    assert.deepEqual(seen.choices[2], { rid: '1' });
    await chosen.click();
    await page.getByRole('radio', { name: /^Automatic/ }).click();
    await until(() => seen.choices.length === 4);
    assert.deepEqual(seen.choices[3], { rid: 'auto' });
    assert.equal(await page.evaluate(() => localStorage.getItem('torg.quality')), '');
    await page.getByRole('heading', { name: 'Evening market' }).dispatchEvent('pointerdown');
  });

  onPhone('no menu where there is one size, and none for the rest', async (page) => {
    const { seen, answer } = whep({ count: 1 });
    await stage(page, { api: api(answer), channel: channel() });
    await page.goto(`${origin}/s/demo`);
    await page.locator('torg-player[state=playing]').waitFor();
    await until(() => seen.asks > 0);
    assert.equal(await page.getByRole('button', { name: /Picture quality/ }).count(), 0);
  });
});

describe('the line before the door', { concurrency: 1 }, () => {
  inBoth('watch waiting room', async (page, name) => {
    const { answer } = whep({ refuse: () => full(12, 60) });
    await stage(page, { api: api(answer), channel: channel() });
    await page.goto(`${origin}/s/demo`);
    await page.getByText('You are number 12 in line').waitFor();
    await page.getByText('You can shop and chat meanwhile').waitFor();
    await page.getByRole('button', { name: 'Buy now' }).waitFor();
    await noViolations(page, name);
  });

  onPhone('the place is kept by its ticket; one can buy meanwhile; the picture comes by itself', async (page) => {
    const positions = [12, 3, 1];
    const bought = [];
    let open = false;
    const { seen, answer } = whep({ refuse: (n) => open ? undefined : full(positions[Math.min(n, 3) - 1]) });
    await stage(page, { api: api(answer), channel: channel({}, (op, say) => op.op === 'buy' && (bought.push(op), say({ re: op.id, ok: true, order: order() }))) });
    await page.goto(`${origin}/s/demo`);
    await page.getByText('You are number 12 in line').waitFor();
    await page.getByText('You are number 3 in line').waitFor();
    await page.getByText('You are next in line').waitFor();
    await page.getByRole('button', { name: 'Buy now' }).click();
    await page.getByText('It is yours').waitFor();
    assert.equal(bought.length, 1);
    open = true;
    await page.locator('torg-player[state=playing]').waitFor();
    assert.equal(await page.getByText('in line').count(), 0);
    assert.equal(seen.offers[0]['torg-ticket'], undefined);
    assert.ok(seen.offers.slice(1).every((headers) => headers['torg-ticket'] === '0123456789abcdefABCD-_'));
  });

  onPhone('the show ends for who waits: no words of a line, no more offers', async (page) => {
    const { seen, answer } = whep({ refuse: () => full(4) });
    const { say } = await stage(page, { api: api(answer), channel: channel() });
    await page.goto(`${origin}/s/demo`);
    await page.getByText('You are number 4 in line').waitFor();
    say({ ev: 'show', seq: 8, at: 60100, state: 'ended' });
    await page.getByText('The show is over').first().waitFor();
    await until(async () => await page.getByText('in line').count() === 0);
    assert.equal(await page.locator('torg-player').getAttribute('state'), 'idle');
    const offers = seen.offers.length;
    await page.waitForTimeout(2500); // twice the pause that was told
    assert.equal(seen.offers.length, offers);
  });

  onPhone('who is refused leaves the line; a busy server is none of that', async (page) => {
    const answers = [full(7), { status: 503, json: { title: 'Busy' }, headers: { 'Retry-After': '1' } }, { status: 400, json: { title: 'Bad ticket' } }];
    const { seen, answer } = whep({ refuse: (n) => answers[n - 1] });
    await stage(page, { api: api(answer), channel: channel() });
    await page.goto(`${origin}/s/demo`);
    await page.getByText('You are number 7 in line').waitFor();
    await page.locator('torg-player[state=playing]').waitFor();
    const tickets = seen.offers.map((headers) => headers['torg-ticket']);
    assert.deepEqual(tickets, [undefined, full(7).json.ticket, full(7).json.ticket, undefined]);
  });

  onPhone('the room and the line are full: not before the server says', async (page) => {
    const times = [];
    const { answer } = whep({ refuse: (n) => {
      times.push(Date.now());
      return n === 1 ? { status: 503, json: { title: 'Service Unavailable' }, headers: { 'Retry-After': '4' } } : undefined;
    } });
    await stage(page, { api: api(answer), channel: channel() });
    await page.goto(`${origin}/s/demo`);
    await page.locator('torg-player[state=playing]').waitFor();
    assert.ok(times[1] - times[0] >= 3900, `${times[1] - times[0]} ms`);
  });

  onPhone('a 503 without a place is a fault that passes', async (page) => {
    const { answer } = whep({ refuse: (n) => n < 3 ? { status: 503, json: { title: 'Service Unavailable' } } : undefined });
    await stage(page, { api: api(answer), channel: channel() });
    await page.goto(`${origin}/s/demo`);
    await page.getByText('Waiting for the picture').waitFor();
    await page.locator('torg-player[state=playing]').waitFor();
  });
});
