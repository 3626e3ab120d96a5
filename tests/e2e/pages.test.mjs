// The pages state by state, without a server: what they show, what they ask for, and no WCAG 2.2 AA
// violation in any state, in both sizes and both colour schemes.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { desktop, launchBrowser } from './lib/browser.mjs';
import { joined, nok, order, origin, stage } from './lib/stage.mjs';
import { api, channel, inBoth as inBothOf, noViolations, onPhone as onPhoneOf, sheet, staffYou, until } from './lib/states.mjs';

let browser;
before(async () => { browser = await launchBrowser(); });
after(async () => { await browser?.close(); });
const inBoth = (...rest) => inBothOf(() => browser, ...rest);
const onPhone = (...rest) => onPhoneOf(() => browser, ...rest);

describe('list of shows', { concurrency: 2 }, () => {
  inBoth('shows', async (page, name) => {
    await stage(page, { api: api() });
    await page.goto(`${origin}/`);
    await page.getByRole('link', { name: 'Evening market' }).waitFor();
    assert.equal(await page.locator('li').count(), 3);
    await noViolations(page, name);
  });
  inBoth('shows empty', async (page, name) => {
    await stage(page, { api: api((m, p) => p === '/api/v1/shows' ? { json: { shows: [] } } : undefined) });
    await page.goto(`${origin}/`);
    await page.getByRole('heading', { name: 'No shows yet' }).waitFor();
    await noViolations(page, name);
  });
  inBoth('shows error', async (page, name) => {
    await stage(page, { api: () => ({ status: 500, json: {} }) });
    await page.goto(`${origin}/`);
    await page.getByRole('alert').waitFor();
    await noViolations(page, name);
  });
});

describe('watch, states', { concurrency: 2 }, () => {
  inBoth('watch', async (page, name) => {
    await stage(page, { api: api(), channel: channel() });
    await page.goto(`${origin}/s/demo`);
    await page.getByRole('button', { name: 'Buy now' }).waitFor();
    await page.getByText('Not at all. <b>Promise</b>').waitFor(); // foreign text stays text
    await noViolations(page, name);
  }, { all: true });
  for (const [state, words] of [['scheduled', 'The show has not started yet'], ['rehearsal', 'The show has not started yet'], ['ended', 'The show is over']]) {
    inBoth(`watch ${state}`, async (page, name) => {
      await stage(page, { api: api(), channel: channel({ show: { id: 'demo', title: 'Evening market', state, on_air: false }, pinned: [] }) });
      await page.goto(`${origin}/s/demo`);
      await page.getByText(words).waitFor();
      await noViolations(page, name);
    });
  }
  inBoth('watch host away', async (page, name) => {
    await stage(page, { api: api(), channel: channel({ show: { id: 'demo', title: 'Evening market', state: 'live', on_air: false } }) });
    await page.goto(`${origin}/s/demo`);
    await page.getByText('The host will be back in a moment').waitFor();
    assert.equal(await page.locator('torg-player').getByRole('status').count(), 0, 'no spinner beside it');
    assert.equal(await page.getByRole('button', { name: 'Buy now' }).isEnabled(), true);
    await noViolations(page, name);
  });
  inBoth('watch rehearsal as staff', async (page, name) => {
    await stage(page, { api: api(), channel: channel({ you: staffYou, show: { id: 'demo', title: 'Evening market', state: 'rehearsal', on_air: true } }) });
    await page.goto(`${origin}/s/demo`);
    await page.getByText('Rehearsal: only staff see this picture.').waitFor();
    await noViolations(page, name);
  });
  inBoth('watch unknown show', async (page, name) => {
    await stage(page, { api: api() });
    await page.goto(`${origin}/s/nothing`);
    await page.getByRole('heading', { name: 'There is no such show' }).waitFor();
    await noViolations(page, name);
  });
  inBoth('watch product', async (page, name) => {
    await stage(page, { api: api(), channel: channel() });
    await page.goto(`${origin}/s/demo`);
    await page.getByRole('button', { name: 'Setesdal wool sweater: details' }).click();
    await sheet(page).getByRole('button', { name: 'Put in cart' }).waitFor();
    await noViolations(page, name);
  });
  inBoth('watch cart', async (page, name) => {
    const cart = { lines: [{ sku: 'enamel-mug-1', title: 'Enamel mug', options: {}, qty: 2, price: nok(24900), total: nok(49800) }], total: nok(49800) };
    await stage(page, { api: api(), channel: channel({ cart }) });
    await page.goto(`${origin}/s/demo`);
    await page.getByRole('button', { name: 'Cart, 2 items' }).click();
    await sheet(page).getByRole('button', { name: 'Order everything' }).waitFor();
    await noViolations(page, name);
  });
  inBoth('watch orders', async (page, name) => {
    const orders = [order(), order('enamel-mug-1', { id: '0198', number: 1000, state: 'paid' }), order('headlamp-1', { id: '0197', number: 999, state: 'expired' })];
    await stage(page, { api: api((m, p) => p === '/api/v1/orders' ? { json: { orders } } : undefined), channel: channel() });
    await page.goto(`${origin}/s/demo`);
    await page.getByRole('button', { name: 'My orders, 3' }).click();
    await sheet(page).getByRole('link', { name: 'Pay now' }).waitFor();
    await noViolations(page, name);
  });
  inBoth('watch connection lost', async (page, name) => {
    let answers = true;
    const show = await stage(page, { api: api(), channel: (op, say) => answers && say(joined()) });
    await page.goto(`${origin}/s/demo`);
    await page.getByRole('button', { name: 'Buy now' }).waitFor();
    answers = false;
    show.cut();
    await page.getByText('Connection lost').waitFor();
    await noViolations(page, name);
  });
});

describe('buying', { concurrency: 2 }, () => {
  const answers = {
    ordered: { reply: { ok: true, order: order() }, words: 'It is yours', action: 'Pay now' },
    'sold out': { reply: { ok: false, code: 'sold_out', message: 'Sold out.' }, words: 'Sold out', action: 'See other products' },
    'price changed': { reply: { ok: false, code: 'price_changed', message: 'x', price: nok(99900) }, words: 'The price has changed', action: 'Buy for kr 999' },
    limit: { reply: { ok: false, code: 'limit', message: 'Two a person.' }, words: 'You have reached the limit', action: 'Back to the show' },
    busy: { reply: { ok: false, code: 'busy', message: 'x', retry_ms: 100 }, words: 'Very many are buying', action: 'Try again' },
  };
  for (const [name, { reply, words, action }] of Object.entries(answers)) {
    inBoth(`buy ${name}`, async (page, shotName) => {
      const asked = [];
      await stage(page, { api: api(), channel: channel({}, (op, say) => op.op === 'buy' && (asked.push(op), say({ re: op.id, ...reply }))) });
      await page.goto(`${origin}/s/demo`);
      await page.getByRole('button', { name: 'Buy now' }).first().click();
      const dialog = sheet(page);
      await dialog.getByText(words).first().waitFor();
      await dialog.getByText(action).first().waitFor();
      assert.equal(asked.length, 1);
      assert.equal(asked[0].sku, 'wool-sweater-2');
      assert.equal(asked[0].price, 129900);
      assert.ok(asked[0].at >= 60000 && asked[0].at < 90000, `at ${asked[0].at}`);
      await noViolations(page, shotName);
    });
  }

  onPhone('the price now is asked for again, under a new key', async (page) => {
    const asked = [];
    await stage(page, {
      api: api(),
      channel: channel({}, (op, say) => {
        if (op.op !== 'buy') return;
        asked.push(op);
        say(asked.length === 1 ? { re: op.id, ok: false, code: 'price_changed', message: 'x', price: nok(99900) } : { re: op.id, ok: true, order: order() });
      }),
    });
    await page.goto(`${origin}/s/demo`);
    await page.getByRole('button', { name: 'Buy now' }).click();
    await page.getByRole('button', { name: 'Buy for kr 999' }).click();
    await page.getByText('It is yours').waitFor();
    assert.equal(asked[1].price, 99900);
    assert.notEqual(asked[1].id, asked[0].id);
  });

  onPhone('a lost connection, and a reload, ask again under the same key', async (page) => {
    const asked = [];
    let answer = false;
    const show = await stage(page, {
      api: api(),
      channel: channel({}, (op, say) => {
        if (op.op !== 'buy') return;
        asked.push(op.id);
        if (answer) say({ re: op.id, ok: true, order: order() });
      }),
    });
    await page.goto(`${origin}/s/demo`);
    await page.getByRole('button', { name: 'Buy now' }).click();
    await page.waitForFunction(() => sessionStorage.length > 0);
    show.cut();
    await until(() => asked.length === 2);
    await page.reload();
    answer = true;
    await until(() => asked.length >= 3);
    await page.getByText('It is yours').waitFor();
    assert.equal(new Set(asked).size, 1, String(asked));
    await page.getByRole('button', { name: 'Back to the show' }).click();
    await page.getByRole('button', { name: 'My orders, 1' }).waitFor();
  });

  onPhone('the order event turns the sheet to paid', async (page) => {
    const show = await stage(page, { api: api(), channel: channel({}, (op, say) => op.op === 'buy' && say({ re: op.id, ok: true, order: order() })) });
    await page.goto(`${origin}/s/demo`);
    await page.getByRole('button', { name: 'Buy now' }).click();
    await page.getByText('It is yours').waitFor();
    show.say({ ev: 'order', order: order('wool-sweater-2', { state: 'paid', pay_url: undefined }) });
    await page.getByText('Paid. Thank you!').waitFor();
  });
});

describe('watching', { concurrency: 2 }, () => {
  onPhone('pins, prices and stock change the card; a sold-out variant cannot be bought', async (page) => {
    const show = await stage(page, { api: api(), channel: channel() });
    await page.goto(`${origin}/s/demo`);
    const card = page.locator('torg-pinned-product');
    await card.getByText('Only 3 left').waitFor();
    show.say({ ev: 'stock', at: 60100, sku: 'wool-sweater-2', value: 0 });
    await card.getByRole('button', { name: 'Sold out' }).waitFor();
    assert.equal(await card.getByRole('button', { name: 'Sold out' }).isDisabled(), true);
    show.say({ ev: 'pin', seq: 8, at: 60100, sku: 'headlamp-1' });
    await card.getByRole('heading', { name: 'Headlamp' }).waitFor();
    show.say({ ev: 'price', at: 60200, sku: 'headlamp-1', value: nok(49900), compare_at: nok(59900), until: new Date(Date.now() + 120000).toISOString() });
    await card.getByText('kr 499').waitFor();
    await card.getByText('offer ends in').waitFor();
  });

  onPhone('without a picture an event waits for its media time by the wall', async (page) => {
    const show = await stage(page, { api: api(), channel: channel() });
    await page.goto(`${origin}/s/demo`);
    await page.locator('torg-pinned-product').waitFor();
    await page.evaluate(() => {
      globalThis.applied = [];
      document.addEventListener('torg-event-applied', (e) => applied.push({ at: e.detail.event.at, mediaMs: e.detail.mediaMs }));
    });
    show.say({ ev: 'clock', media_ms: 100000, wall: new Date().toISOString() });
    show.say({ ev: 'pin', seq: 8, at: 101000, sku: 'headlamp-1' });
    await page.waitForTimeout(300);
    assert.deepEqual(await page.evaluate(() => applied), []);
    await page.waitForFunction(() => applied.length === 1);
    const [{ at, mediaMs }] = await page.evaluate(() => applied);
    assert.ok(mediaMs - at >= 0 && mediaMs - at < 500, `applied ${mediaMs - at} ms after its time`);
  });

  onPhone('chat goes out and comes in, and refusals are said in words', async (page) => {
    let muted = false;
    const show = await stage(page, {
      api: api(),
      channel: channel({}, (op, say) => op.op === 'chat' && say(muted ? { re: op.id, ok: false, code: 'muted', message: 'x' } : { re: op.id, ok: true })),
    });
    await page.goto(`${origin}/s/demo`);
    const input = page.getByRole('textbox', { name: 'Write something' });
    await input.fill('Hello there');
    await input.press('Enter');
    await page.waitForFunction(() => document.querySelector('torg-watch-page').shadowRoot.querySelector('torg-chat').shadowRoot.querySelector('input').value === '');
    show.say({ ev: 'chat', n: 5, at: 1, id: 'c5', from: { id: 'pme0123456789', name: 'Me', roles: [] }, text: 'Hello there' });
    await page.getByText('Hello there').waitFor();
    show.say({ ev: 'chat.hidden', seq: 8, id: 'c5' });
    await page.getByText('Hello there').waitFor({ state: 'detached' });
    muted = true;
    await input.fill('Again');
    await input.press('Enter');
    await page.getByRole('alert').getByText('You cannot write in this chat').waitFor();
    assert.equal(await input.inputValue(), 'Again', 'a refused line is not lost');
  });

  onPhone('taps on the heart are sent together', async (page) => {
    const reacts = [];
    await stage(page, { api: api(), channel: channel({}, (op) => op.op === 'react' && reacts.push(op)) });
    await page.goto(`${origin}/s/demo`);
    const heart = page.getByRole('button', { name: 'Send a heart' });
    await heart.waitFor();
    await heart.evaluate((button) => { for (let i = 0; i < 5; i++) button.click(); });
    await until(() => reacts.reduce((sum, { n }) => sum + n, 0) === 5);
    assert.ok(reacts.length < 5, `${reacts.length} frames`);
  });

  onPhone('the language changes in place and is kept', async (page) => {
    await stage(page, { api: api(), channel: channel() });
    await page.goto(`${origin}/s/demo`);
    await page.getByRole('combobox', { name: 'Language' }).selectOption('nb');
    await page.getByRole('button', { name: 'Kjøp nå' }).waitFor();
    await page.reload();
    await page.getByRole('button', { name: 'Kjøp nå' }).waitFor();
    assert.equal(await page.evaluate(() => document.documentElement.lang), 'nb');
  });

  onPhone('a purchase works from the keyboard, and the focus comes back', async (page) => {
    await stage(page, { api: api(), channel: channel({}, (op, say) => op.op === 'buy' && say({ re: op.id, ok: true, order: order() })) });
    await page.goto(`${origin}/s/demo`);
    const buy = page.getByRole('button', { name: 'Buy now' });
    await buy.focus();
    await page.keyboard.press('Enter');
    await page.getByText('It is yours').waitFor();
    await page.keyboard.press('Escape');
    await page.getByText('It is yours').waitFor({ state: 'detached' });
    await until(() => buy.evaluate((b) => b.getRootNode().activeElement === b));
  });

  onPhone('a returning viewer joins with the secret and the last seq', async (page) => {
    const joins = [];
    const show = await stage(page, { api: api(), channel: (op, say) => { if (op.op === 'join') { joins.push(op); say(joined()); } } });
    await page.goto(`${origin}/s/demo?source=insta`);
    await until(() => joins.length === 1);
    await page.locator('torg-pinned-product').waitFor();
    show.say({ ev: 'unpin', seq: 8, at: 1, sku: 'wool-sweater-2' });
    await page.locator('torg-pinned-product').waitFor({ state: 'detached' });
    show.cut();
    await until(() => joins.length === 2);
    assert.deepEqual(joins, [
      { op: 'join', source: 'insta', lang: 'en' }, { op: 'join', token: 'tp_secret', source: 'insta', since: 8, lang: 'en' },
    ]);
  });
});

describe('desk', { concurrency: 2 }, () => {
  const session = (method, path) => {
    if (path === '/api/v1/session') return { json: { you: staffYou } };
    if (path.startsWith('/api/v1/reports/')) return { json: { paid: { orders: 3, units: 4, amount: nok(99900) } } };
    return undefined;
  };
  inBoth('login', async (page, name) => {
    await stage(page, { api: api((m, p) => p === '/api/v1/session' ? (m === 'POST' ? { status: 401, json: { detail: 'no' } } : { json: { you: { id: 'p', name: '', roles: ['viewer'] } } }) : undefined) });
    await page.goto(`${origin}/desk/demo`);
    await page.getByLabel('Token').fill('tg_wrong');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByText('This token is not valid').waitFor();
    await noViolations(page, name);
  });
  inBoth('desk', async (page, name) => {
    const show = await stage(page, { api: api(session), channel: channel({ you: staffYou }) });
    await page.goto(`${origin}/desk/demo`);
    await page.getByRole('heading', { name: 'Rundown' }).waitFor();
    show.say({ ev: 'sold', at: 1, sku: 'enamel-mug-1', count: 12 });
    await page.getByText('1 × Enamel mug').waitFor();
    await page.getByRole('button', { name: 'Price and stock of Enamel mug' }).click();
    await noViolations(page, name);
  }, { all: true });
  const code = (left) => ({ code: 'tc_abcdefghijklmnopqrstuv', url: `${origin}/studio/demo#code=tc_abcdefghijklmnopqrstuv`, expires: new Date(Date.now() + left).toISOString() });
  inBoth('desk phone', async (page, name) => {
    await stage(page, { api: api((m, p, r) => m === 'POST' && p === '/api/v1/session/code' ? { status: 201, json: code(600000) } : session(m, p, r)), channel: channel({ you: staffYou }) });
    await page.goto(`${origin}/desk/demo`);
    await page.getByRole('button', { name: 'Host with a phone' }).click();
    await sheet(page).getByRole('img', { name: 'QR code' }).waitFor();
    await sheet(page).getByText('Valid for').waitFor();
    await noViolations(page, name);
  });
  onPhone('a code runs out, and a new one is asked for', async (page) => {
    const shows = [];
    await stage(page, {
      api: api((m, p, request) => {
        if (p !== '/api/v1/session/code') return session(m, p);
        shows.push(request.postDataJSON());
        return { status: 201, json: code(shows.length === 1 ? 1500 : 600000) };
      }),
      channel: channel({ you: staffYou }),
    });
    await page.goto(`${origin}/desk/demo`);
    await page.getByRole('button', { name: 'Host with a phone' }).click();
    await sheet(page).getByText('This code has expired.').waitFor();
    await sheet(page).getByRole('button', { name: 'New code' }).click();
    await sheet(page).getByRole('img', { name: 'QR code' }).waitFor();
    assert.deepEqual(shows, [{ show: 'demo' }, { show: 'demo' }]);
  });
  inBoth('desk line', async (page, name) => {
    const show = await stage(page, { api: api(session), channel: channel({ you: staffYou, show: { id: 'demo', title: 'Evening market', state: 'rehearsal', on_air: true } }) });
    await page.goto(`${origin}/desk/demo`);
    await page.getByText('Rehearsal: only staff see the picture.').waitFor();
    show.say({ ev: 'source', at: 1, on_air: true, state: 'on', kind: 'whip', publisher: 'w0-1' });
    await page.getByText('On air: Phone or browser').waitFor();
    const line = { ev: 'uplink', at: 1, kind: 'whip', publisher: 'w0-1', video_bps: 300000, audio_bps: 64000, width: 1280, height: 720, frames: 30, loss_permille: 0, unrepaired_permille: 0, troubles: ['low', 'silent'] };
    for (let i = 0; i < 12; i++) show.say(line);
    await page.getByText('Your line is weak').waitFor();
    await page.getByText('1280 × 720 · 0.3 Mbit/s · 30 fps').waitFor();
    await noViolations(page, name);
    show.say({ ev: 'source', at: 1, on_air: false, state: 'stalled', kind: 'whip', publisher: 'w0-1' });
    await page.getByText('No picture from: Phone or browser').waitFor();
    await page.getByText('Your line is weak').waitFor({ state: 'detached' });
  });

  onPhone('a token in the address is used once and taken out', async (page) => {
    const posted = [];
    let staff = false;
    await stage(page, {
      api: api((m, p, request) => {
        if (p !== '/api/v1/session') return session(m, p);
        if (m === 'POST') { posted.push(request.postDataJSON()); staff = true; }
        return { json: { you: staff ? staffYou : { id: 'p', name: '', roles: ['viewer'] } } };
      }),
      channel: channel({ you: staffYou }),
    });
    await page.goto(`${origin}/desk/demo#tg_once`);
    await page.getByRole('heading', { name: 'Rundown' }).waitFor();
    assert.deepEqual(posted, [{ token: 'tg_once' }]);
    assert.equal(page.url(), `${origin}/desk/demo`);
  });

  test('the desk asks for what its buttons say', async () => {
    const page = await desktop(browser, { reducedMotion: 'reduce' });
    const asked = [];
    const show = await stage(page, { api: api(session), channel: channel({ you: staffYou }, (op, say) => { asked.push(op); say({ re: op.id, ok: true }); }) });
    await page.goto(`${origin}/desk/demo`);
    const last = async (count) => { await until(() => asked.length === count); const { id, ...op } = asked.at(-1); assert.ok(id); return op; };
    await page.getByRole('button', { name: 'Show Headlamp to viewers' }).click();
    assert.deepEqual(await last(1), { op: 'pin', sku: 'headlamp-1' });
    await page.getByRole('button', { name: 'Remove Setesdal wool sweater, M from the picture' }).click();
    assert.deepEqual(await last(2), { op: 'unpin', sku: 'wool-sweater-2' });
    await page.getByRole('button', { name: 'Price and stock of Headlamp' }).click();
    await page.getByLabel('New price (NOK)').fill('499,50');
    await page.getByRole('button', { name: 'Set flash price' }).click();
    assert.deepEqual(await last(3), { op: 'price', sku: 'headlamp-1', amount: 49950 });
    await page.getByRole('button', { name: 'End flash price' }).click();
    assert.deepEqual(await last(4), { op: 'price', sku: 'headlamp-1' });
    await page.getByRole('textbox', { name: 'Units', exact: true }).fill('-2');
    await page.getByRole('button', { name: 'Apply' }).click();
    assert.deepEqual(await last(5), { op: 'stock', sku: 'headlamp-1', delta: -2 });
    await page.getByRole('button', { name: 'Hide the message from Ola' }).click();
    assert.deepEqual(await last(6), { op: 'hide', message: 'c2' });
    await page.getByRole('button', { name: 'Mute Kari for 10 minutes' }).click();
    assert.deepEqual(await last(7), { op: 'mute', person: 'pguest1abcd', seconds: 600 });
    show.say({ ev: 'mute', at: 60000, person: 'pguest1abcd', until_ms: 660000, by: 's1' });
    await page.getByRole('button', { name: 'Let Kari write again' }).click();
    assert.deepEqual(await last(8), { op: 'mute', person: 'pguest1abcd', undo: true });
    await page.getByRole('button', { name: 'End the show' }).click();
    await sheet(page).getByRole('button', { name: 'End the show' }).click();
    assert.deepEqual(await last(9), { op: 'show.end' });
    assert.deepEqual(page.faults, []);
    await page.context().close();
  });
});

describe('rehearsals and lines', { concurrency: 2 }, () => {
  onPhone('no picture of a rehearsal is asked for; it comes when the show is live', async (page) => {
    const offers = [];
    const show = await stage(page, {
      api: api((m, p) => p.startsWith('/whep/') ? (offers.push(m), { status: 403, json: { title: 'Forbidden' } }) : undefined),
      channel: channel({ show: { id: 'demo', title: 'Evening market', state: 'rehearsal', on_air: true } }),
    });
    await page.goto(`${origin}/s/demo`);
    await page.getByText('The show has not started yet').waitFor();
    await page.getByText('Soon', { exact: true }).waitFor();
    assert.deepEqual(offers, []);
    show.say({ ev: 'show', seq: 8, at: 60000, state: 'live', on_air: true });
    await until(() => offers.length > 0);
    await page.getByText('The picture comes when the show starts').waitFor(); // 403: and it goes on asking
    await until(() => offers.length > 1);
  });
  onPhone('the line comes back: the note goes', async (page) => {
    const show = await stage(page, { api: api(), channel: channel() });
    await page.goto(`${origin}/s/demo`);
    await page.getByRole('button', { name: 'Buy now' }).waitFor();
    show.say({ ev: 'show', seq: 8, at: 60000, state: 'live', on_air: false });
    await page.getByText('The host will be back in a moment').waitFor();
    show.say({ ev: 'show', seq: 9, at: 60000, state: 'live', on_air: true });
    await page.getByText('The host will be back in a moment').waitFor({ state: 'detached' });
  });
});

describe('account and payment', { concurrency: 2 }, () => {
  inBoth('account', async (page, name) => {
    await stage(page, { api: api((m, p) => p === '/api/v1/orders' ? { json: { orders: [order(), order('enamel-mug-1', { id: '0198', state: 'paid' })] } } : undefined) });
    await page.goto(`${origin}/`);
    await page.evaluate(() => localStorage.setItem('torg.resume', 'tp_secret'));
    await page.goto(`${origin}/account`);
    await page.getByText('Order 1001').first().waitFor();
    await noViolations(page, name);
  });
  const history = [
    { seq: 0, kind: 'created', at: '2026-05-28T18:00:00Z' }, { seq: 1, kind: 'paid', at: '2026-05-28T18:01:00Z', amount: nok(129900) },
    { seq: 2, kind: 'part_cancelled', at: '2026-05-28T19:00:00Z', amount: nok(24900), data: { lines: [{ line: 2, qty: 1 }] } },
    { seq: 3, kind: 'fulfilled', at: '2026-05-29T08:00:00Z', data: { carrier: 'PostNord', tracking: 'SE123456789', lines: [{ line: 1, qty: 1 }] } },
  ];
  /** One order behind /api/v1/orders/{id}; `over` as in order(). */
  const oneOrder = (over, cancel = () => undefined) => api((m, p, request) => p === `/api/v1/orders/${order().id}`
    ? { json: { order: order('wool-sweater-2', over()), events: history } } : p.endsWith('/cancel') ? cancel(request) : undefined);
  const openOrder = async (page, answers) => {
    await stage(page, { api: answers });
    await page.goto(`${origin}/`);
    await page.evaluate(() => localStorage.setItem('torg.resume', 'tp_secret'));
    await page.goto(`${origin}/account#${order().id}`);
    await page.getByRole('heading', { name: 'Order 1001' }).waitFor();
  };
  const lines = [
    { line: 1, sku: 'wool-sweater-2', title: 'Setesdal wool sweater', options: { size: 'M' }, qty: 2, price: nok(129900), total: nok(259800), fulfilled: 1 },
    { line: 2, sku: 'enamel-mug-1', title: 'Enamel mug', options: {}, qty: 1, price: nok(24900), total: nok(24900), cancelled: 1 },
  ];
  inBoth('order partly sent', async (page, name) => {
    await openOrder(page, oneOrder(() => ({ state: 'partly_fulfilled', lines, total: nok(259800), tax: nok(51960), paid: nok(284700), refunded: nok(24900), pay_url: undefined })));
    await page.getByText('Parcel: PostNord SE123456789').waitFor();
    assert.equal(await page.locator('torg-order .history li').count(), 4);
    assert.equal(await page.getByRole('link', { name: 'Pay now' }).count(), 0);
    await noViolations(page, name);
  });
  inBoth('order to pay', async (page, name) => {
    await openOrder(page, oneOrder(() => ({ tax: nok(25980) })));
    await page.getByRole('link', { name: 'Pay now' }).waitFor();
    await page.getByText('left to pay').waitFor();
    await noViolations(page, name);
    await page.getByRole('button', { name: 'Cancel …' }).focus();
    await page.keyboard.press('Enter');
    await sheet(page).getByRole('button', { name: 'Cancel these' }).waitFor();
    await noViolations(page, `${name}-cancel`);
    await page.keyboard.press('Escape');
    await sheet(page).waitFor({ state: 'detached' });
  });
  onPhone('cancelling part of an order names lines, carries a key and shows the new state', async (page) => {
    const posts = [];
    let state = 'paid';
    await openOrder(page, oneOrder(() => ({ state, lines, pay_url: undefined }), (request) => {
      posts.push([request.postDataJSON(), request.headers()['idempotency-key']]);
      if (posts.length === 1) return { status: 409, json: { detail: 'Only 0 of line 1 are left.', code: 'conflict' } };
      state = 'fulfilled';
      return { json: {} };
    }));
    for (let i = 0; i < 2; i++) {
      await page.getByRole('button', { name: 'Cancel …' }).click();
      await sheet(page).getByRole('button', { name: 'Cancel these' }).click();
      await (i === 0 ? page.getByRole('alert').getByText('Only 0 of line 1') : page.getByText('Everything is on its way.')).waitFor();
    }
    assert.deepEqual(posts.map(([body]) => body), [{ lines: [{ line: 1, qty: 1 }] }, { lines: [{ line: 1, qty: 1 }] }]);
    assert.notEqual(posts[0][1], posts[1][1], 'a refusal ends the intent');
    assert.equal(await page.getByRole('button', { name: 'Cancel …' }).count(), 0);
  });
  onPhone('an unknown order says so', async (page) => {
    await stage(page, { api: api() });
    await page.goto(`${origin}/`);
    await page.evaluate(() => localStorage.setItem('torg.resume', 'tp_secret'));
    await page.goto(`${origin}/account#nothing`);
    await page.getByRole('heading', { name: 'There is no such order' }).waitFor();
  });
  for (const [state, words] of [['awaiting_payment', 'Decline'], ['paid', 'Paid. Thank you!'], ['expired', 'Too late']]) {
    inBoth(`pay ${state}`, async (page, name) => {
      await stage(page, { api: (m, p) => p === '/api/v1/payments/pay1' ? { json: { id: 'pay1', state: 'pending', order: order('wool-sweater-2', { state }) } } : undefined });
      await page.goto(`${origin}/pay/sandbox/pay1`);
      await page.getByText(words).waitFor();
      await page.getByText('SANDBOX').waitFor();
      await noViolations(page, name);
    });
  }
  onPhone('paying carries a key and shows the verdict', async (page) => {
    const posts = [];
    let state = 'awaiting_payment';
    await stage(page, {
      api: (method, p, request) => {
        if (method === 'POST' && p === '/api/v1/payments/pay1/sandbox') {
          posts.push([request.postDataJSON(), request.headers()['idempotency-key']]);
          if (posts.at(-1)[0].paid) state = 'paid';
          return { json: {} };
        }
        return p === '/api/v1/payments/pay1' ? { json: { id: 'pay1', state: 'pending', order: order('wool-sweater-2', { state }) } } : undefined;
      },
    });
    await page.goto(`${origin}/pay/sandbox/pay1`);
    await page.getByRole('button', { name: 'Decline' }).click();
    await page.getByRole('heading', { name: 'The payment was declined' }).waitFor();
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('button', { name: 'Pay kr 1,299' }).click();
    await page.getByRole('heading', { name: 'Paid. Thank you!' }).waitFor();
    assert.deepEqual(posts.map(([body]) => body), [{ paid: false }, { paid: true }]);
    assert.ok(posts.every(([, key]) => /^[A-Za-z0-9_-]{1,64}$/.test(key)));
  });
});
