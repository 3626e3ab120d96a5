// A page on a stage: the built pages from web/dist under https://torg.test with the server's CSP, the
// HTTP API and the show channel played by the test. Nothing listens and nothing leaves the browser.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { top } from './server.mjs';

export const origin = 'https://torg.test';
const dist = path.join(top, 'web', 'dist');
const types = { html: 'text/html', js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml', json: 'application/json', webmanifest: 'application/manifest+json' };
const csp = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data: https:; media-src 'self' blob:; "
  + "connect-src 'self' ws: wss:; worker-src 'self' blob:; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

function shell(pathname) {
  if (pathname === '/') return 'pages/shows.html';
  if (pathname === '/account') return 'pages/account.html';
  const room = /^\/(s|desk|studio|pay)\//.exec(pathname)?.[1];
  return room && `pages/${{ s: 'watch', desk: 'desk', studio: 'studio', pay: 'pay' }[room]}.html`;
}

async function file(route, pathname) {
  const page = shell(pathname);
  const name = page ?? pathname.slice(1);
  try {
    const body = await readFile(path.join(dist, name));
    const headers = page ? { 'Content-Security-Policy': csp } : {};
    await route.fulfill({ body, contentType: types[name.split('.').at(-1)] ?? 'application/octet-stream', headers });
  } catch {
    await route.fulfill({ status: 404, body: '' });
  }
}

/**
 * Puts a page on the stage. `api(method, path, request)` answers {status?, json, headers?, body?}, or a promise of it, or undefined (404);
 * `channel(op, say)` is called for each operation of the page, `say(...items)` sends one frame.
 * Returns {say}: what the server says by itself, and {cut(code)}: the socket is lost.
 */
export async function stage(page, { api = () => undefined, channel = () => {} } = {}) {
  const sockets = new Set();
  await page.route(`${origin}/**`, async (route, request) => {
    const { pathname } = new URL(request.url());
    if (!/^\/(api|whep|whip)\//.test(pathname)) return file(route, pathname);
    const answer = await api(request.method(), pathname, request);
    const { status = answer ? 200 : 404, json = {}, headers = {}, body = status === 204 ? '' : JSON.stringify(json) } = answer ?? {};
    return route.fulfill({ status, contentType: status < 400 ? 'application/json' : 'application/problem+json', headers, body });
  });
  await page.routeWebSocket(/^wss:\/\/torg\.test\/ws\//, (socket) => {
    sockets.add(socket);
    const say = (...items) => socket.send(JSON.stringify(items));
    socket.onMessage((text) => channel(JSON.parse(text), say));
    socket.onClose(() => sockets.delete(socket));
  });
  return {
    say: (...items) => { for (const socket of sockets) socket.send(JSON.stringify(items)); },
    cut: (code = 1011) => { for (const socket of sockets) void socket.close({ code }); sockets.clear(); },
  };
}

/* --- a small shop for the stage ----------------------------------------------------------------- */

export const nok = (amount) => ({ amount, currency: 'NOK' });

function product(number, image, title, price, variants, more = {}) {
  return {
    id: `p${number}`, title, number, description: `${title}, made to last for many winters.`,
    images: [{ url: `/images/products/${image}.svg`, alt: title }],
    variants: variants.map(([options, stock], i) => ({ sku: `${image}-${i + 1}`, options, price: nok(price), stock, ...more })),
  };
}

export const products = [
  product(1, 'wool-sweater', 'Setesdal wool sweater', 129900, [[{ size: 'S' }, 'many'], [{ size: 'M' }, 3], [{ size: 'L' }, 0]], { compare_at: nok(149900) }),
  product(2, 'enamel-mug', 'Enamel mug', 24900, [[{}, 'many']]),
  product(3, 'headlamp', 'Headlamp', 59900, [[{}, 1]]),
  product(4, 'coffee-beans', 'Coffee beans, 500 g', 14950, [[{}, 0]]),
];

const chat = (n, name, text, more = {}) => ({ ev: 'chat', n, at: n * 100, id: `c${n}`, from: { id: `pguest${n}abcd`, name, roles: ['viewer'] }, text, ...more });

export const recent = [
  chat(1, 'Kari', 'Hei fra Tromsø!'),
  chat(2, 'Ola', 'Is it itchy?'),
  chat(3, 'Ingrid', 'Not at all. <b>Promise</b>', { reply_to: 'c2', from: { id: 's1', name: 'Ingrid', roles: ['host'] } }),
  chat(4, '', 'Bought one'),
];

/** `joined` for a show; `over` replaces fields. */
export function joined(over = {}) {
  return {
    ev: 'joined', seq: 7, resumed: false, you: { id: 'pme0123456789', name: '', roles: ['viewer'], token: 'tp_secret' },
    show: { id: 'demo', title: 'Evening market', state: 'live', on_air: true }, clock: { media_ms: 60000, wall: new Date().toISOString() },
    products, pinned: ['wool-sweater-2'], cart: { lines: [], total: nok(0) }, recent, viewers: 214, ...over,
  };
}

/** An order of one SKU. */
export function order(sku = 'wool-sweater-2', over = {}) {
  const found = products.flatMap((p) => p.variants.map((v) => ({ p, v }))).find(({ v }) => v.sku === sku);
  const { p, v } = found;
  return {
    id: '01990000-0000-7000-8000-000000000001', number: 1001, state: 'awaiting_payment', total: v.price,
    lines: [{ sku, title: p.title, options: v.options, qty: 1, price: v.price, total: v.price }], created: new Date().toISOString(),
    pay_by: new Date(Date.now() + 600000).toISOString(), pay_url: '/pay/sandbox/pay1', ...over,
  };
}

export const shows = [
  { id: 'demo', title: 'Evening market', state: 'live', on_air: true, viewers: 214 },
  { id: 'soon', title: 'Knitting night', state: 'scheduled', on_air: false, viewers: 0 },
  { id: 'old', title: 'Easter market', state: 'ended', on_air: false, viewers: 0 },
];
