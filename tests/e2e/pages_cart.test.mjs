// The cart and the orders as a shopper meets them, in Norwegian, mostly without a server: codes, sold-out
// lines, prices that changed, part cancellations; no WCAG 2.2 AA violation in any.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { desktop, launchBrowser, phone } from './lib/browser.mjs';
import { Channel } from './lib/channel.mjs';
import { TorgServer } from './lib/server.mjs';
import { nok, order, origin, products, stage } from './lib/stage.mjs';
import { api, channel, inBoth as inBothOf, noViolations, onPhone as onPhoneOf, sheet, until } from './lib/states.mjs';

let browser;
before(async () => { browser = await launchBrowser(); });
after(async () => { await browser?.close(); });
const inBoth = (...rest) => inBothOf(() => browser, ...rest);
const onPhone = (...rest) => onPhoneOf(() => browser, ...rest);

const line = (sku, title, price, qty, more = {}) => ({ sku, title, options: {}, image: `/images/products/${sku.replace(/-\d$/, '')}.svg`, qty, price: nok(price), total: nok(price * qty), available: 100, changes: [], ...more });
const sweater = (more = {}) => line('wool-sweater-2', 'Ullgenser Setesdal', 129900, 1, { options: { size: 'M' }, ...more });
const mug = (more = {}) => line('enamel-mug-1', 'Emaljekopp med kant', 24900, 2, more);
const cartOf = (lines, over = {}) => {
  const sum = lines.reduce((all, { total }) => all + total.amount, 0) - (over.discount?.amount ?? 0);
  return { lines, total: nok(sum), tax: nok(Math.round(sum / 5)), ...over };
};

/** A shop with this cart; `priced(query)` answers GET /carts/mine. */
async function open(page, cart, priced, other = () => {}) {
  const asked = [];
  await page.addInitScript(() => localStorage.setItem('torg.language', 'nb'));
  const show = await stage(page, {
    api: api((m, p, request) => {
      if (p !== '/api/v1/carts/mine') return undefined;
      const query = new URL(request.url()).searchParams;
      asked.push([...query.entries()].map((pair) => pair.join('=')).join('&'));
      return { json: { cart: priced?.(query) ?? cart } };
    }),
    channel: channel({ cart }, other),
  });
  await page.goto(`${origin}/s/demo`);
  await page.getByRole('button', { name: /^Handlekurv, / }).click();
  await sheet(page).getByRole('button', { name: 'Bestill alt' }).waitFor();
  return { show, asked };
}

/** Everything that can be tapped in the sheet is large enough, and nothing runs out of it. */
async function fits(page) {
  const wrong = await sheet(page).evaluate((top) => {
    const found = [];
    const { clientWidth } = top.shadowRoot.querySelector('.body');
    const look = (root) => {
      for (const el of root.querySelectorAll('*')) {
        const { width, height } = el.getBoundingClientRect();
        if (el.matches('button, input, a.button') && width > 0 && (height < 44 || width < 44)) found.push(`small: ${el.textContent.trim()} ${width}x${height}`);
        if (width > clientWidth) found.push(`wide: ${el.localName} ${width}`);
        if (el.shadowRoot) look(el.shadowRoot);
      }
    };
    look(top);
    return found;
  });
  assert.deepEqual(wrong, []);
}

describe('the cart', { concurrency: 2 }, () => {
  inBoth('cart with a code', async (page, name) => {
    const bought = [];
    const plain = cartOf([sweater(), mug()]);
    const cheaper = cartOf(plain.lines, { discount: nok(17970), codes: ['HOST10'] });
    const { asked } = await open(page, plain, (query) => query.get('code') ? cheaper : plain, (op) => op.op === 'checkout' && bought.push(op));
    assert.equal(await sheet(page).getByText('herav mva. 359,40').count(), 1);
    await sheet(page).getByLabel('Rabattkode').fill('host10');
    await page.keyboard.press('Enter');
    await sheet(page).getByText('Koden HOST10 gjelder').waitFor();
    await sheet(page).getByText('−179,70').waitFor();
    assert.deepEqual(asked, ['show=demo', 'show=demo&code=host10'], 'fresh when opened, then with the code');
    assert.equal(bought.length, 0, 'trying a code orders nothing');
    await fits(page);
    await noViolations(page, name);
    await sheet(page).getByRole('button', { name: 'Bestill alt' }).click();
    await until(() => bought.length === 1);
    assert.equal(bought[0].code, 'host10');
    assert.equal(bought[0].total, cheaper.total.amount);
  });
  inBoth('cart whose code gives less now', async (page, name) => {
    const sent = [];
    const plain = cartOf([sweater(), mug()]);
    const cheaper = cartOf(plain.lines, { discount: nok(17970), codes: ['HOST10'] });
    await open(page, plain, (query) => query.get('code') ? cheaper : plain, (op, say) => {
      if (op.op !== 'checkout') return;
      sent.push(op);
      say({ re: op.id, ok: false, code: 'price_changed', message: 'x', total: nok(170715) });
    });
    await sheet(page).getByLabel('Rabattkode').fill('host10');
    await sheet(page).getByRole('button', { name: 'Bestill alt' }).click();
    await sheet(page).getByText('Prisen er endret').waitFor();
    await sheet(page).getByText(/1\s707,15/).first().waitFor();
    await fits(page);
    await noViolations(page, name);
    await sheet(page).getByRole('button', { name: /1\s707,15/ }).click();
    await until(() => sent.length === 2);
    assert.deepEqual(sent.map(({ total }) => total), [cheaper.total.amount, 170715]);
    assert.equal(sent[1].code, 'host10');
  });
  inBoth('cart with a refused code', async (page, name) => {
    const bought = [];
    const plain = cartOf([sweater()]);
    await open(page, plain, (query) => query.get('code') ? { ...plain, code_error: { code: 'limit', message: 'The code HOST10 is used up.' } } : plain, (op) => op.op === 'checkout' && bought.push(op));
    await sheet(page).getByLabel('Rabattkode').fill('HOST10');
    await sheet(page).getByRole('button', { name: 'Bestill alt' }).click();
    await sheet(page).getByRole('alert').getByText('Koden er brukt opp').waitFor();
    assert.equal(bought.length, 0, 'nobody orders at full price who typed a code');
    assert.equal(await sheet(page).getByLabel('Rabattkode').inputValue(), 'HOST10');
    await fits(page);
    await noViolations(page, name);
    await sheet(page).getByLabel('Rabattkode').fill('');
    await sheet(page).getByRole('button', { name: 'Bestill alt' }).click();
    await until(() => bought.length === 1);
    assert.equal('code' in bought[0], false);
  });
  inBoth('cart with lines that are off', async (page, name) => {
    const sent = [];
    const old = cartOf([sweater(), mug()]);
    const now = cartOf([
      sweater({ changes: ['price_changed', 'sold_out'], price_was: nok(149900), available: 0 }), mug({ qty: 3, total: nok(74700), changes: ['sold_out'], available: 1 }),
      line('headlamp-1', 'Hodelykt', 59900, 2, { changes: ['limit'], limit: 1 }), { sku: 'gone', qty: 1, changes: ['gone'], total: nok(0) },
    ]);
    await open(page, old, () => now, (op) => sent.push(op));
    await sheet(page).getByText('Utsolgt').waitFor();
    await sheet(page).getByText(/Den kostet 1\s499.* da du la den i/).waitFor();
    await sheet(page).getByText('Ikke mer enn 1 til deg').waitFor();
    await sheet(page).getByText('Selges ikke lenger').waitFor();
    await until(() => sheet(page).getByRole('button', { name: 'Bestill alt' }).evaluate((b) => {
      const { bottom, left } = b.getBoundingClientRect();
      return bottom <= innerHeight && b.getRootNode().elementFromPoint(left + 9, innerHeight - 20)?.closest('form') == null;
    })); // in sight, however long the cart, and nothing below it
    await fits(page);
    await noViolations(page, name);
    await sheet(page).getByRole('button', { name: 'Ta 1 av Emaljekopp med kant' }).click();
    await until(() => sent.some((op) => op.op === 'cart.set' && op.sku === 'enamel-mug-1' && op.qty === 1));
    await sheet(page).getByRole('button', { name: 'Fjern Ullgenser Setesdal' }).click();
    await until(() => sent.some((op) => op.op === 'cart.set' && op.sku === 'wool-sweater-2' && op.qty === 0));
  });
  inBoth('cart price changed', async (page, name) => {
    const sent = [];
    await open(page, cartOf([sweater(), mug()]), undefined, (op, say) => {
      if (op.op !== 'checkout') return;
      sent.push(op);
      say({ re: op.id, ok: false, code: 'price_changed', message: 'x', price: nok(139900), prices: [{ sku: 'wool-sweater-2', price: nok(139900) }, { sku: 'enamel-mug-1', price: nok(25900) }] });
    });
    await sheet(page).getByRole('button', { name: 'Bestill alt' }).click();
    await sheet(page).getByText('Prisen er endret').waitFor();
    await sheet(page).getByText('Emaljekopp med kant').waitFor(); // as the cart calls it
    assert.deepEqual((await sheet(page).locator('.prices s').allTextContents()).map((price) => price.replace(/\s/g, ' ')), ['1 299 kr', '249 kr']);
    await fits(page);
    await noViolations(page, name);
    await sheet(page).getByRole('button', { name: 'Kjøp til de nye prisene' }).click();
    await until(() => sent.length === 2);
    assert.deepEqual(sent[1].prices.map(({ amount }) => amount), [139900, 25900]);
  });
  onPhone('a cart that is sold out names what, and leads back to the cart; one that is ordered does not', async (page) => {
    let sold = false;
    const { asked } = await open(page, cartOf([sweater(), mug()]), undefined, (op, say) => op.op === 'checkout' && say(sold
      ? { re: op.id, ok: true, order: order() } : { re: op.id, ok: false, code: 'sold_out', message: 'x', sku: 'wool-sweater-2', available: 0 }));
    await sheet(page).getByRole('button', { name: 'Bestill alt' }).click();
    await sheet(page).getByText('Ullgenser Setesdal').waitFor();
    await sheet(page).getByRole('button', { name: 'Tilbake til handlekurven' }).click();
    await until(() => asked.length === 2); // what is left of each is asked anew
    sold = true;
    await sheet(page).getByRole('button', { name: 'Bestill alt' }).click();
    await sheet(page).getByRole('button', { name: 'Tilbake til sendingen' }).click();
    await sheet(page).waitFor({ state: 'detached' });
  });
  onPhone('a refusal is read in the language of the page', async (page) => {
    await page.addInitScript(() => localStorage.setItem('torg.language', 'sv'));
    await stage(page, { api: api(), channel: channel({}, (op, say) => op.op === 'buy' && say({ re: op.id, ok: false, code: 'closed', message: 'It is sold in another show only.' })) });
    await page.goto(`${origin}/s/demo`);
    await page.getByRole('button', { name: 'Köp nu' }).click();
    await sheet(page).getByText('Det gick inte').waitFor();
    assert.equal(await sheet(page).getByText('another show').count(), 0);
  });
});

describe('orders', { concurrency: 2 }, () => {
  const account = async (page, answers, path = '/account') => {
    await page.addInitScript(() => { localStorage.setItem('torg.language', 'nb'); localStorage.setItem('torg.resume', 'tp_secret'); });
    await stage(page, { api: api(answers) });
    await page.goto(`${origin}${path}`);
  };
  inBoth('orders none', async (page, name) => {
    await account(page, () => undefined);
    await page.getByText('Du har ikke bestilt noe').waitFor();
    await page.getByRole('link', { name: 'Alle sendinger', exact: true }).waitFor(); // somewhere to go
    await noViolations(page, name);
  });
  inBoth('orders many', async (page, name) => {
    const orders = ['awaiting_payment', 'paid', 'partly_fulfilled', 'expired', 'cancelled', 'returned'].map((state, i) => order(i % 2 ? 'enamel-mug-1' : 'wool-sweater-2', { id: `019${9 - i}`, number: 1010 - i, state }));
    await account(page, (m, p) => p === '/api/v1/orders' ? { json: { orders } } : undefined);
    await page.getByText('Bestilling 1010').first().waitFor();
    await noViolations(page, name);
  });
  inBoth('order cancelled in part', async (page, name) => {
    const lines = [
      { line: 1, sku: 'wool-sweater-2', title: 'Ullgenser Setesdal', options: { størrelse: 'M', farge: 'gråmelert' }, qty: 2, price: nok(129900), total: nok(259800), cancelled: 1 },
      { line: 2, sku: 'enamel-mug-1', title: 'Emaljekopp med kant', options: {}, qty: 1, price: nok(24900), total: nok(24900), returned: 1, fulfilled: 1 },
    ];
    const events = [
      { seq: 0, kind: 'created', at: '2026-05-28T18:00:00Z' }, { seq: 1, kind: 'captured', at: '2026-05-28T18:01:00Z', amount: nok(284700) },
      { seq: 2, kind: 'part_cancelled', at: '2026-05-28T19:00:00Z', amount: nok(129900), data: { lines: [{ line: 1, qty: 1 }] } },
      { seq: 3, kind: 'refunded', at: '2026-05-28T19:01:00Z', amount: nok(129900) },
      { seq: 4, kind: 'returned', at: '2026-06-02T08:00:00Z', data: { lines: [{ line: 2, qty: 1 }] } },
    ];
    const one = order('wool-sweater-2', { state: 'paid', lines, total: nok(154800), tax: nok(30960), discount: nok(10000), paid: nok(284700), refunded: nok(129900), refund_due: nok(24900), pay_url: undefined });
    await account(page, (m, p) => p === `/api/v1/orders/${one.id}` ? { json: { order: one, events } } : undefined, `/account#${one.id}`);
    await page.getByText('Gjenstår å betale tilbake').waitFor();
    await noViolations(page, name);
  });
  inBoth('sold out card', async (page, name) => {
    await page.addInitScript(() => localStorage.setItem('torg.language', 'nb'));
    await stage(page, { api: api(), channel: channel({ products: products.map((p) => ({ ...p, variants: p.variants.map((v) => ({ ...v, stock: 0 })) })) }) });
    await page.goto(`${origin}/s/demo`);
    await page.getByRole('button', { name: 'Utsolgt', exact: true }).waitFor();
    await noViolations(page, name);
  });
});

test('the demo shop in Norwegian and Swedish: what is sold, a code that holds and one that does not', async () => {
  const server = await TorgServer.start();
  const [kari, sven] = [await phone(browser, { locale: 'nb-NO' }), await desktop(browser, { locale: 'sv-SE' })];
  try {
    const token = (await server.ctl('token', 'create', '--role', 'merchandiser,host')).token;
    const desk = await Channel.open(server, 'demo', { token });
    await desk.ask({ op: 'pin', sku: 'SWEATER-GREY-M' });
    const made = await fetch(`${server.url}/api/v1/codes`, {
      method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': 'autumn' },
      body: JSON.stringify({ code: 'HOST10', percent_bp: 1000 }),
    });
    assert.equal(made.status, 201, await made.text());
    await kari.goto(`${server.url}/s/demo`);
    await sven.goto(`${server.url}/s/demo`);
    await sven.locator('torg-pinned-product').getByRole('heading', { name: 'Ylletröja Varde' }).waitFor();
    await sven.getByRole('button', { name: 'Ylletröja Varde' }).first().click();
    await sheet(sven).getByText('stickad i ett stycke').waitFor();
    await kari.getByRole('button', { name: /^Ullgenser Varde/ }).click();
    await sheet(kari).getByText('strikket i ett stykke').waitFor();
    await sheet(kari).getByText('M · grå').waitFor();
    await sheet(kari).getByRole('button', { name: 'Legg i handlekurven' }).click();
    await sheet(kari).getByText('Ullgenser Varde').waitFor();
    await sheet(kari).getByLabel('Rabattkode').fill('NONE');
    await sheet(kari).getByRole('button', { name: 'Bruk' }).click();
    await sheet(kari).getByText('Denne koden gjelder ikke her.').waitFor();
    await sheet(kari).getByLabel('Rabattkode').fill('host10');
    await sheet(kari).getByRole('button', { name: 'Bestill alt' }).click();
    await sheet(kari).getByText('Rabatt −129,90').waitFor();
    await sheet(kari).getByText(/1\s169,10\skr/).waitFor();
    assert.deepEqual([...kari.faults, ...sven.faults], []);
    desk.close();
  } finally {
    await kari.context().close();
    await sven.context().close();
    await server.stop();
  }
});
