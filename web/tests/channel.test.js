import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { Channel, ChannelTimeout, JOIN_TIMEOUT_MS, REPLY_OVERDUE_MS, RESTART_SPREAD_MS, SILENCE_MS } from '../lib/channel.js';

/** A socket that a test plays the server of. */
class FakeSocket {
  /** @type {any[]} */
  sent = [];
  closed = false;
  /** @type {any} */ onopen = null;
  /** @type {any} */ onmessage = null;
  /** @type {any} */ onclose = null;
  /** @type {any} */ onerror = null;

  /** @param {string} text */
  send(text) {
    if (this.closed) throw new Error('closed');
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.closed = true;
  }

  accept() {
    this.onopen?.();
  }

  /** @param {...unknown} items */
  say(...items) {
    this.onmessage?.({ data: JSON.stringify(items) });
  }

  /** @param {number} code */
  drop(code) {
    this.closed = true;
    this.onclose?.({ code });
  }
}

/** @type {FakeSocket[]} */
let sockets;
/** @type {any[]} */
let events;
/** @type {string[]} */
let states;

/** @param {Partial<import('../lib/channel.js').ChannelOptions>} [more] */
function open(more = {}) {
  const channel = new Channel({
    url: 'ws://test/ws/demo',
    random: () => 0.5,
    connect: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return /** @type {any} */ (socket);
    },
    ...more,
  });
  channel.onEvent = (event) => events.push(event);
  channel.onState = (state, reason) => states.push(reason ? `${state}:${reason}` : state);
  channel.open();
  return channel;
}

/** @param {number} [seq] */
const joined = (seq = 0) => ({ ev: 'joined', seq, you: { id: 'p1', name: '', token: 'tp_secret' }, clock: { media_ms: 0, wall: '' }, products: [], pinned: [], recent: [] });

/** @param {number} [index] */
function last(index = -1) {
  const socket = sockets.at(index);
  assert.ok(socket, 'there is a socket');
  return socket;
}

/** Joins the newest socket. @param {number} [seq] */
function join(seq) {
  last().accept();
  last().say(joined(seq));
  return last();
}

beforeEach(() => {
  sockets = [];
  events = [];
  states = [];
  mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'] });
});
afterEach(() => mock.timers.reset());

test('joins first, with what the browser remembers', () => {
  /** @type {string[]} */
  const kept = [];
  const channel = open({ token: () => 'tp_old', keepToken: (t) => kept.push(t), source: 'x'.repeat(80), name: () => 'Kari' });
  join();
  assert.deepEqual(last().sent, [{ op: 'join', token: 'tp_old', name: 'Kari', source: 'x'.repeat(64) }]);
  assert.deepEqual(kept, ['tp_secret']);
  assert.deepEqual(states, ['connecting', 'open']);
  channel.close();
});

test('a request before joining goes out after it', async () => {
  const channel = open();
  const reply = channel.request({ op: 'ping' }, { id: 'a' });
  last().accept();
  assert.equal(last().sent.length, 1, 'only join so far');
  last().say(joined());
  assert.deepEqual(last().sent[1], { op: 'ping', id: 'a' });
  last().say({ re: 'a', ok: true });
  assert.equal((await reply).ok, true);
  channel.close();
});

test('when the server restarts, a crowd comes back spread over some seconds', () => {
  const waits = [0, 0.5, 0.99].map((random) => {
    const channel = open({ random: () => random });
    const before = sockets.length;
    join();
    last().drop(1012);
    let waited = 0;
    while (sockets.length === before) {
      mock.timers.tick(50);
      waited += 50;
      assert.ok(waited < 10000);
    }
    channel.close();
    return waited;
  });
  assert.deepEqual(waits, [200, 1800, 3400]);
  assert.ok(RESTART_SPREAD_MS >= 2000);
});

test('comes back after a cut, with since, and asks again under the same id', async () => {
  const channel = open();
  join(3);
  const answer = channel.request({ op: 'buy', sku: 's', qty: 1 }, { id: 'key', giveUpMs: 0 });
  last().say({ ev: 'pin', seq: 4, at: 1, sku: 's' });
  last().drop(1006);
  assert.equal(states.at(-1), 'waiting:lost');
  mock.timers.tick(300); // 400 ms × 0.75
  join(4);
  assert.equal(sockets.length, 2);
  assert.deepEqual(last().sent[0], { op: 'join', since: 4 });
  assert.deepEqual(last().sent[1], { op: 'buy', sku: 's', qty: 1, id: 'key' });
  last().say({ re: 'key', ok: true, order: { id: 'o' } });
  assert.equal((await answer).order?.id, 'o');
  channel.close();
});

test('since names the run of the server that it is of', () => {
  const channel = open();
  last().accept();
  last().say({ ...joined(), seq: 3, epoch: 'run-1' });
  last().drop(1006);
  mock.timers.tick(300);
  last().accept();
  assert.deepEqual(last().sent[0], { op: 'join', since: 3, since_epoch: 'run-1' });
  last().say({ ...joined(), seq: 1, epoch: 'run-2' });
  assert.deepEqual([channel.seq, channel.epoch], [1, 'run-2'], 'a restart may count from below');
  channel.close();
});

test('an event seen before the cut is not told twice', () => {
  const channel = open();
  join(1);
  last().say({ ev: 'pin', seq: 2, at: 1, sku: 'a' });
  last().drop(1013);
  mock.timers.tick(400);
  join(2); // resumed: seq is our since, what was missed follows
  last().say({ ev: 'pin', seq: 2, at: 1, sku: 'a' }, { ev: 'pin', seq: 3, at: 2, sku: 'b' });
  assert.deepEqual(events.filter((e) => e.ev === 'pin').map((e) => e.seq), [2, 3]);
  last().say({ ev: 'pin', seq: 3, at: 2, sku: 'b' });
  assert.equal(events.filter((e) => e.ev === 'pin').length, 2);
  channel.close();
});

test('an overdue answer is asked for again, then the socket counts as dead', async () => {
  const channel = open();
  join();
  const answer = channel.request({ op: 'buy', sku: 's', qty: 1 }, { id: 'key', giveUpMs: 0 });
  mock.timers.tick(REPLY_OVERDUE_MS);
  assert.equal(last().sent.filter((m) => m.id === 'key').length, 2);
  mock.timers.tick(REPLY_OVERDUE_MS);
  mock.timers.tick(REPLY_OVERDUE_MS);
  assert.equal(last().closed, true);
  mock.timers.tick(400);
  join();
  assert.equal(last().sent[1].id, 'key');
  last().say({ re: 'key', ok: false, code: 'sold_out' });
  assert.equal((await answer).code, 'sold_out');
  channel.close();
});

test('a request that may be given up is', async () => {
  const channel = open();
  const answer = channel.request({ op: 'chat', text: 'hi' }, { giveUpMs: 5000 });
  mock.timers.tick(5000);
  await assert.rejects(answer, ChannelTimeout);
  channel.close();
});

test('silence is broken by a ping, and a dead line is noticed', () => {
  const channel = open();
  join();
  mock.timers.tick(SILENCE_MS);
  assert.equal(last().sent.at(-1).op, 'ping');
  channel.close();
});

test('1008 is not argued with', () => {
  const channel = open();
  join();
  last().drop(1008);
  assert.equal(states.at(-1), 'refused:policy');
  mock.timers.tick(600000);
  assert.equal(sockets.length, 1);
  channel.close();
});

test('a secret that the server does not take is forgotten once', () => {
  let secret = 'tp_bad';
  const channel = open({ token: () => secret || null, forgetToken: () => { secret = ''; } });
  last().accept();
  last().say({ re: null, ok: false, code: 'unauthorized', message: '' });
  mock.timers.tick(400);
  join();
  assert.deepEqual(last().sent[0], { op: 'join' });
  assert.equal(channel.state, 'open');
  channel.close();
});

test('waits grow while nobody answers, and a mute socket is given up', () => {
  const channel = open();
  mock.timers.tick(JOIN_TIMEOUT_MS); // opened, never answered
  assert.equal(states.at(-1), 'waiting:timeout');
  const waits = [];
  for (let i = 0; i < 6; i++) {
    const before = sockets.length;
    let waited = 0;
    while (sockets.length === before) {
      mock.timers.tick(50);
      waited += 50;
    }
    waits.push(waited);
    last().drop(1006);
  }
  assert.deepEqual([...waits].sort((a, b) => a - b), waits);
  assert.ok((waits.at(-1) ?? 0) <= 12000 && (waits.at(-1) ?? 0) > 3000, String(waits));
  channel.close();
});

test('noise is not an event', () => {
  const channel = open();
  join();
  last().onmessage({ data: 'no json' });
  last().onmessage({ data: '{"ev":"pin"}' });
  last().say(null, 7, { ev: 3 });
  assert.deepEqual(events.map((e) => e.ev), ['joined']);
  channel.close();
});
