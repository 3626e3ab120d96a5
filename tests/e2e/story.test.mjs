// The story: a host goes live (with a rig, or with a phone), two phones watch and chat, the desk pins, both want the last unit, one
// gets it and pays, the server dies and comes back, and nothing is lost.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { desktop, launchBrowser, phone, shot } from './lib/browser.mjs';
import { Channel } from './lib/channel.mjs';
import { TorgServer } from './lib/server.mjs';
import { Source } from './lib/source.mjs';
import { moves } from './lib/video.mjs';
import { StudioPublisher, launchStudio } from './lib/whip.mjs';

const RUNS = Number(process.env.TORG_STORY_RUNS ?? 1);

/** The product of which exactly one unit is left. */
async function lastOne(server) {
  const channel = await Channel.open(server);
  const product = channel.joined.products.find((p) => p.variants.length === 1 && p.variants[0].stock === 1);
  channel.close();
  assert.ok(product, 'the demo catalogue has a last unit');
  return product;
}

const buyButton = (page) => page.locator('torg-pinned-product').getByRole('button', { name: 'Buy now' });
const verdict = (page) => page.locator('torg-purchase [data-state]:not([data-state=sending])');

/** What a tap came to. A tap a moment late finds the button say "Sold out" already: the same answer. */
async function outcome(page) {
  try {
    await verdict(page).waitFor({ timeout: 5000 });
    return await verdict(page).getAttribute('data-state');
  } catch {
    await page.locator('torg-pinned-product').getByRole('button', { name: 'Sold out' }).waitFor();
    return 'sold_out';
  }
}

async function say(page, text) {
  await page.getByPlaceholder('Write something').fill(text);
  await page.getByPlaceholder('Write something').press('Enter');
}

/** A rig sends by RTMP; after the server's death somebody starts it again. */
async function rig(t, server) {
  let source = new Source(server.rtmpUrl);
  t.after(() => source.stop());
  return {
    async again() {
      await source.stop();
      source = new Source(server.rtmpUrl);
    },
    check() {},
  };
}

/** The studio page in a browser of its own; after the server's death it comes back by itself. */
async function studioPage(t, server) {
  const browser = await launchStudio();
  t.after(() => browser.close());
  // Not the demo's login, which ends with the server.
  const { token } = await server.ctl('token', 'create', '--role', 'host,merchandiser,moderator', '--show', 'demo');
  const publisher = await StudioPublisher.start(browser, server, { id: 'demo', deskToken: token });
  await publisher.until((now) => now.framesEncoded > 30 && now.width === 1280);
  return {
    async again() {},
    check: () => assert.deepEqual(publisher.page.faults, []),
  };
}

async function story(t, goLive) {
  const server = await TorgServer.start();
  t.after(() => server.stop());
  const host = await goLive(t, server);
  const browser = await launchBrowser();
  t.after(() => browser.close());
  const product = await lastOne(server);
  const anna = await phone(browser);
  const bo = await phone(browser);
  const desk = await desktop(browser);

  // Two viewers come by the list of shows and see moving pictures with sound.
  for (const page of [anna, bo]) {
    await page.goto(server.url);
    await page.getByRole('link', { name: /Autumn at the market square/ }).first().click();
    const seen = await moves(page);
    assert.equal(seen.width, 1280);
    assert.equal(seen.audio, 1, 'an audio track is there');
  }

  // They read each other's chat.
  await say(anna, 'Hei fra Anna');
  await bo.locator('torg-chat').getByText('Hei fra Anna').waitFor();
  await say(bo, 'Hej från Bo');
  await anna.locator('torg-chat').getByText('Hej från Bo').waitFor();

  // The merchandiser pins; both see it and both try to buy the last unit.
  await desk.goto(server.deskUrl);
  await desk.getByRole('button', { name: new RegExp(`^Show ${product.title}.* to viewers`) }).click();
  await Promise.all([anna, bo].map((page) => buyButton(page).waitFor()));
  await shot(anna, 'story-pinned');
  // At one instant: a tap that came later would find the button say "Sold out" already.
  const instant = Date.now() + 700;
  await Promise.all([anna, bo].map((page) =>
    buyButton(page).evaluate((button, at) => new Promise((done) => setTimeout(() => done(button.click()), at - Date.now())), instant)));
  const states = await Promise.all([anna, bo].map(outcome));
  assert.deepEqual([...states].sort(), ['ordered', 'sold_out']);
  const winner = states[0] === 'ordered' ? anna : bo;
  const loser = winner === anna ? bo : anna;
  await loser.getByText('Sold out').first().waitFor();
  await shot(winner, 'story-ordered');
  await shot(loser, 'story-sold-out');

  // Everybody sees the stock fall.
  await desk.locator('torg-sales').getByText(product.title).first().waitFor();

  // The buyer pays on the provider's page.
  const [pay] = await Promise.all([
    winner.context().waitForEvent('page'),
    winner.locator('torg-purchase').getByRole('link', { name: /Pay now/ }).click(),
  ]);
  await pay.getByText('SANDBOX').first().waitFor();
  await pay.getByRole('button', { name: /^Pay / }).click();
  await pay.getByText('Paid. Thank you!').waitFor();
  await winner.locator('torg-purchase').getByText('Paid. Thank you!').waitFor();

  // The server is killed and comes back; so do the pages, by themselves.
  await server.kill9();
  await server.launch();
  await host.again();
  for (const page of [anna, bo]) await moves(page, 30000);

  // The order is there, and the stock is right.
  await winner.locator('torg-purchase').getByRole('button', { name: 'Back to the show' }).click();
  await winner.getByRole('button', { name: /^My orders/ }).click();
  await winner.locator('torg-orders').getByText('Paid').waitFor();
  await shot(winner, 'story-my-orders');
  const channel = await Channel.open(server);
  const after = channel.joined.products.find((p) => p.id === product.id);
  assert.equal(after.variants[0].stock, 0);
  assert.deepEqual(channel.joined.pinned, [after.variants[0].sku]);
  assert.deepEqual(channel.joined.recent.map((c) => c.text), ['Hei fra Anna', 'Hej från Bo']);
  channel.close();
  assert.deepEqual((await server.ctl('stock', 'audit')).differences, []);
  for (const page of [anna, bo, desk]) assert.deepEqual(page.faults, []);
  host.check();
  t.diagnostic(`winner: ${winner === anna ? 'Anna' : 'Bo'}`);
}

for (const [name, goLive] of [['a rig', rig], ['a phone', studioPage]]) {
  for (let run = 1; run <= RUNS; run++) test(`the story with ${name}, ${run} of ${RUNS}`, (t) => story(t, goLive));
}
