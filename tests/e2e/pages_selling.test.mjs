// The pages' states of waiting lists, purchase windows, comments that buy and the desk's part of it,
// without a server; no WCAG 2.2 AA violation in any.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { desktop, launchBrowser, phone } from './lib/browser.mjs';
import { Channel } from './lib/channel.mjs';
import { TorgServer } from './lib/server.mjs';
import { order, origin, products, stage } from './lib/stage.mjs';
import { api, channel, inBoth as inBothOf, noViolations, onPhone as onPhoneOf, sheet, staffYou, until } from './lib/states.mjs';

let browser;
before(async () => { browser = await launchBrowser(); });
after(async () => { await browser?.close(); });
const inBoth = (...rest) => inBothOf(() => browser, ...rest);
const onPhone = (...rest) => onPhoneOf(() => browser, ...rest);

const SKU = 'wool-sweater-2';
const soldOut = products.map((p) => ({ ...p, variants: p.variants.map((v) => v.sku === SKU ? { ...v, stock: 0 } : v) }));
const selling = (over = {}) => ({ waiting: true, comments: true, comment_bare: false, comment_word: '', items: [], ...over });
const place = (over = {}) => ({ sku: SKU, state: 'waiting', place: 3, qty: 1, until: null, ...over });
const inAMinute = () => new Date(Date.now() + 60000).toISOString();
const turns = (page) => page.locator('torg-turns');

describe('waiting in line', { concurrency: 2 }, () => {
  inBoth('wait sold out', async (page, name) => {
    const sent = [];
    await stage(page, {
      api: api(),
      channel: channel({ products: soldOut, selling: selling() }, (op, say) => {
        sent.push(op);
        if (op.op === 'wait') say({ re: op.id, ok: true, waiting: place() });
      }),
    });
    await page.goto(`${origin}/s/demo`);
    await page.getByRole('button', { name: 'Wait in line' }).click();
    await turns(page).getByText('Number 3 in line').waitFor();
    assert.deepEqual({ sku: sent[0].sku, qty: sent[0].qty }, { sku: SKU, qty: 1 });
    await noViolations(page, name);
  });
  inBoth('wait after sold out', async (page, name) => {
    await stage(page, {
      api: api(),
      channel: channel({ selling: selling() }, (op, say) => say(op.op === 'wait' ? { re: op.id, ok: true, waiting: place({ place: 1 }) }
        : { re: op.id, ok: false, code: 'sold_out', message: 'x', sku: SKU, available: 0 })),
    });
    await page.goto(`${origin}/s/demo`);
    await page.getByRole('button', { name: 'Buy now' }).click();
    await sheet(page).getByRole('button', { name: 'Wait in line' }).click();
    await sheet(page).getByText('Number 1 in line').waitFor();
    await noViolations(page, name);
  });
  inBoth('wait turn', async (page, name) => {
    const bought = [];
    const show = await stage(page, {
      api: api(),
      channel: channel({ products: soldOut, selling: selling(), waiting: [place({ place: 1, qty: 2 })] }, (op) => op.op === 'buy' && bought.push(op)),
    });
    await page.goto(`${origin}/s/demo`);
    await turns(page).getByText('Number 1 in line').waitFor();
    show.say({ ev: 'waiting', ...place({ state: 'turn', place: 1, qty: 2, until: inAMinute() }) });
    await turns(page).getByText('Your turn!').waitFor();
    await turns(page).getByText('Your turn: Setesdal wool sweater').waitFor({ state: 'attached' }); // told to a screen reader
    assert.equal(await page.locator('torg-pinned-product torg-stock').count(), 0, 'not sold out to whom it is held for');
    await noViolations(page, name);
    await turns(page).getByRole('button', { name: 'Buy now' }).focus();
    await page.keyboard.press('Enter');
    await until(() => bought.length === 1);
    assert.deepEqual({ sku: bought[0].sku, qty: bought[0].qty }, { sku: SKU, qty: 2 });
  });
  onPhone('a turn that went by is said, and can be asked for again or put away', async (page) => {
    const sent = [];
    await stage(page, { api: api(), channel: channel({ products: soldOut, selling: selling(), waiting: [place({ state: 'lapsed', place: 0 })] }, (op) => sent.push(op)) });
    await page.goto(`${origin}/s/demo`);
    await turns(page).getByText(/went by/).waitFor();
    await turns(page).getByRole('button', { name: 'Wait again' }).click();
    await until(() => sent.some((op) => op.op === 'wait' && !op.leave));
    await turns(page).getByRole('button', { name: /^Close the message/ }).click();
    await turns(page).getByText(/went by/).waitFor({ state: 'detached' });
  });
  onPhone('no waiting list, no button', async (page) => {
    await stage(page, { api: api(), channel: channel({ products: soldOut }) });
    await page.goto(`${origin}/s/demo`);
    await page.getByRole('button', { name: 'Sold out' }).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Wait in line' }).count(), 0);
  });
});

describe('windows and comments', { concurrency: 2 }, () => {
  inBoth('window early', async (page, name) => {
    const show = await stage(page, { api: api(), channel: channel({ selling: selling({ items: [{ sku: SKU, number: 55, from: 90000, until: null }] }) }) });
    await page.goto(`${origin}/s/demo`);
    await page.getByText(/Opens in 0:\d\d/).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Not yet' }).isDisabled(), true);
    await noViolations(page, name);
    show.say({ ev: 'window', sku: SKU, number: 55, from: 0, until: 70000 });
    await page.getByText(/Closes in 0:\d\d/).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Buy now' }).isEnabled(), true);
    show.say({ ev: 'window', sku: SKU, number: 55, from: 0, until: 1000 });
    await page.getByRole('button', { name: 'No longer for sale' }).waitFor();
  });
  onPhone('a comment that buys opens the purchase; one that leaves it open names the choices', async (page) => {
    const show = await stage(page, { api: api(), channel: channel({ selling: selling() }) });
    await page.goto(`${origin}/s/demo`);
    await page.getByRole('button', { name: 'Buy now' }).waitFor();
    show.say({ ev: 'comment', id: 'c1', ok: false, code: 'bad_request', message: 'x', choices: [{ sku: 'a', options: 'M' }, { sku: 'b', options: 'L' }] });
    await page.getByText('Which one? Write the number and one of: M | L').waitFor();
    show.say({ ev: 'comment', id: 'c2', ok: true, order: order() });
    await sheet(page).getByText('It is yours').waitFor();
  });
});

describe('the desk sells', { concurrency: 2 }, () => {
  const rules = { first_paid: false, waiting: true, comments: true, comment_bare: false, comment_word: '', hold_s: 0, turn_s: 0, person_units: 0, lag_ms: 0 };
  const put = [];
  const session = (method, path, request) => {
    if (path === '/api/v1/session') return { json: { you: staffYou } };
    if (path.startsWith('/api/v1/reports/')) return { json: {} };
    if (method === 'PUT') put.push([path, request.postDataJSON()]);
    if (path === '/api/v1/shows/demo/rules') return { json: rules };
    if (path.startsWith('/api/v1/shows/demo/items/')) return { json: { sku: 'enamel-mug-1', number: null, from: null, until: null, units_max: 0, person_max: 0 } };
    return undefined;
  };
  inBoth('desk selling', async (page, name) => {
    const sent = [];
    const show = await stage(page, {
      api: api(session),
      channel: channel({ you: staffYou, selling: selling() }, (op, say) => {
        sent.push(op);
        say(op.op === 'sell' ? { re: op.id, ok: true, order: order('enamel-mug-1') } : { re: op.id, ok: true });
      }),
    });
    await page.goto(`${origin}/desk/demo`);
    await page.getByRole('button', { name: 'Price and stock of Enamel mug' }).click();
    const mug = page.locator('li[data-sku="enamel-mug-1"]');
    await mug.getByLabel('Number to type').fill('55');
    await mug.getByRole('button', { name: 'Set number' }).click();
    await until(() => put.some(([path, body]) => path.endsWith('/items/enamel-mug-1') && body.number === 55));
    await mug.getByLabel('Purchase window').fill('30');
    await mug.getByRole('button', { name: 'Open now' }).click();
    await until(() => sent.some((op) => op.op === 'window' && op.open && op.for_s === 30));
    show.say({ ev: 'window', sku: 'enamel-mug-1', number: 55, from: 0, until: 90000 });
    await mug.locator('[data-window="open"]').waitFor();
    await noViolations(page, name);
    await mug.getByLabel("Sell for somebody: Buyer's name").fill('Ola');
    await mug.getByRole('button', { name: 'Make the order' }).click();
    const link = sheet(page).getByLabel('Link to pay', { exact: true });
    await link.waitFor();
    assert.equal(await link.inputValue(), `${origin}/pay/sandbox/pay1`);
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin });
    await sheet(page).getByRole('button', { name: 'Copy: Link to pay' }).click();
    await sheet(page).locator('torg-copy').getByRole('status').getByText('Copied: Link to pay').waitFor({ state: 'attached' }); // told to a screen reader
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), `${origin}/pay/sandbox/pay1`);
    await noViolations(page, `${name}-sold`);
  });
  inBoth('desk rules', async (page, name) => {
    await stage(page, { api: api(session), channel: channel({ you: staffYou, selling: selling() }) });
    await page.goto(`${origin}/desk/demo`);
    await page.getByRole('button', { name: 'How it sells' }).click();
    await sheet(page).getByLabel(/^Word in front/).fill('mega');
    await noViolations(page, name);
    await sheet(page).getByRole('button', { name: 'Save' }).click();
    await until(() => put.some(([path, body]) => path.endsWith('/rules') && body.comment_word === 'mega' && body.waiting && body.turn_s === 120));
    await sheet(page).waitFor({ state: 'detached' });
  });
});

test('two people and the last one: who waits buys with one tap when the other lets it go', async () => {
  const server = await TorgServer.start();
  const [ann, bo] = [await phone(browser), await desktop(browser)];
  try {
    const seller = await Channel.open(server);
    const { sku } = seller.joined.products.flatMap((p) => p.variants).find((v) => v.sku === 'SHEEPSKIN-ONE');
    const token = (await server.ctl('token', 'create', '--role', 'merchandiser,host')).token;
    const desk = await Channel.open(server, 'demo', { token });
    await desk.ask({ op: 'pin', sku });
    const sold = await seller.ask({ op: 'buy', sku, qty: 1 });
    for (const page of [ann, bo]) await page.goto(`${server.url}/s/demo`);
    await ann.getByRole('button', { name: 'Wait in line' }).click();
    await turns(ann).getByText('Number 1 in line').waitFor();
    await bo.getByRole('button', { name: 'Wait in line' }).click();
    await turns(bo).getByText('Number 2 in line').waitFor();
    await fetch(`${server.url}/api/v1/orders/${sold.order.id}/cancel`, {
      method: 'POST', headers: { authorization: `Bearer ${seller.joined.you.token}`, 'idempotency-key': 'c' },
    });
    await turns(ann).getByText('Your turn!').waitFor();
    assert.equal(await turns(bo).getByText('Your turn!').count(), 0);
    await turns(ann).getByRole('button', { name: 'Pass on' }).click();
    await turns(bo).getByText('Your turn!').waitFor();
    await turns(bo).getByRole('button', { name: 'Buy now' }).click();
    await sheet(bo).getByText('It is yours').waitFor();
    assert.deepEqual([...ann.faults, ...bo.faults], []);
    seller.close();
    desk.close();
  } finally {
    await ann.context().close();
    await bo.context().close();
    await server.stop();
  }
});
