// The studio state by state: a fake camera, the server's WHIP played by a second page that answers for
// real, so that "live" is live and a lost line is a lost line.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launchBrowser, phone, shot } from './lib/browser.mjs';
import { nok, origin, stage } from './lib/stage.mjs';
import { api, channel, inBoth as inBothOf, noViolations, onPhone as onPhoneOf, sheet, staffYou, until } from './lib/states.mjs';

let browser;
let peer; // the page that answers offers
before(async () => {
  browser = await launchBrowser({ args: ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'] });
  peer = await (await browser.newContext()).newPage();
});
after(async () => { await browser?.close(); });
const inBoth = (...rest) => inBothOf(() => browser, ...rest);
const onPhone = (...rest) => onPhoneOf(() => browser, ...rest);

const evening = (state, on_air = false) => ({ show: { id: 'demo', title: 'Evening market', state, on_air }, you: staffYou });

/** The API of a host's evening; `whip(method, path, request)` answers first. */
function host(whip = () => undefined) {
  return api((method, path, request) => {
    if (path.startsWith('/whip/')) return whip(method, path, request);
    if (path === '/api/v1/session') return { json: { you: staffYou } };
    if (path.startsWith('/api/v1/reports/')) return { json: { paid: { orders: 3, units: 4, amount: nok(99900) } } };
    return undefined;
  });
}

/** A WHIP server of one session after the other; `log` has what it was asked. */
function whipServer() {
  const log = [];
  let sessions = 0;
  const answer = (sdp, name) => peer.evaluate(async ([offer, key]) => {
    globalThis.pcs ??= {};
    const pc = new RTCPeerConnection();
    globalThis.pcs[key] = pc;
    await pc.setRemoteDescription({ type: 'offer', sdp: offer });
    await pc.setLocalDescription();
    if (pc.iceGatheringState !== 'complete') await new Promise((done) => { pc.onicegatheringstatechange = () => pc.iceGatheringState === 'complete' && done(); });
    return pc.localDescription.sdp;
  }, [sdp, name]);
  const key = `${Math.random()}`;
  return {
    log,
    get publisher() { return `w0-${sessions}`; },
    /** The line: the peer vanishes without a word. */
    cut: () => peer.evaluate((name) => globalThis.pcs[name].close(), `${key}${sessions}`),
    stats: () => peer.evaluate(async (name) => [...(await globalThis.pcs[name].getStats()).values()].find((s) => s.type === 'inbound-rtp' && s.kind === 'video'), `${key}${sessions}`),
    api: async (method, path, request) => {
      log.push({ method, path, headers: request.headers() });
      if (method !== 'POST') return { status: method === 'DELETE' ? 200 : 405, json: {} };
      sessions++;
      const body = await answer(request.postData(), `${key}${sessions}`);
      return { status: 201, body, headers: { 'Content-Type': 'application/sdp', Location: `/whip/demo/s${sessions}`, ETag: '"e1"', 'Torg-Publisher': `w0-${sessions}` } };
    },
  };
}

/** Answers every operation with yes and tells the show's new state, as the server does. */
function obliging(over, asked = []) {
  let seq = 7;
  return channel(over, (op, say) => {
    asked.push(op);
    say({ re: op.id, ok: true });
    if (op.op === 'show.start') say({ ev: 'show', seq: ++seq, at: 60000, state: 'live', on_air: true });
    if (op.op === 'show.rehearse') say({ ev: 'show', seq: ++seq, at: 60000, state: op.on ? 'rehearsal' : 'scheduled', on_air: false });
    if (op.op === 'show.end') say({ ev: 'show', seq: ++seq, at: 60000, state: 'ended', on_air: false });
  });
}

/** The person has not been asked yet, as on a first visit. */
const firstVisit = (page) => page.addInitScript(() => {
  navigator.permissions.query = () => Promise.resolve({ state: 'prompt' });
});
const refused = (page, name) => page.addInitScript((error) => {
  navigator.permissions.query = () => Promise.resolve({ state: 'prompt' });
  navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', error));
}, name);

const camera = (page) => page.getByRole('button', { name: 'Turn on camera and microphone' });
const own = (page) => page.waitForFunction(() => document.querySelector('torg-studio-page').shadowRoot.querySelector('video.own')?.videoWidth > 0);

describe('studio, states', { concurrency: 2 }, () => {
  inBoth('studio first visit', async (page, name) => {
    await firstVisit(page);
    await stage(page, { api: host(), channel: channel(evening('scheduled')) });
    await page.goto(`${origin}/studio/demo`);
    await camera(page).waitFor();
    await noViolations(page, name);
    await page.getByRole('button', { name: 'Studio equipment' }).click();
    await page.getByText('rtmp://torg.test:1935/live').waitFor();
    await noViolations(page, `${name}-equipment`);
  });
  for (const [error, words] of [['NotAllowedError', 'The browser does not let this page use'], ['NotFoundError', 'No camera was found'], ['NotReadableError', 'Another app is using the camera']]) {
    inBoth(`studio ${error}`, async (page, name) => {
      await refused(page, error);
      await stage(page, { api: host(), channel: channel(evening('scheduled')) });
      await page.goto(`${origin}/studio/demo`);
      await camera(page).click();
      await page.getByText(words).waitFor();
      await page.getByRole('button', { name: 'Try again' }).waitFor();
      await noViolations(page, name);
    });
  }
  inBoth('studio insecure', async (page, name) => {
    await page.addInitScript(() => Object.defineProperty(globalThis, 'isSecureContext', { value: false }));
    await stage(page, { api: host(), channel: channel(evening('scheduled')) });
    await page.goto(`${origin}/studio/demo`);
    await page.getByText('The camera needs a secure address (https)').waitFor();
    await page.getByRole('link', { name: 'Open https://torg.test' }).waitFor();
    await noViolations(page, name);
  });
  inBoth('studio preview', async (page, name) => {
    await stage(page, { api: host(), channel: channel(evening('scheduled')) });
    await page.goto(`${origin}/studio/demo`);
    await camera(page).click({ timeout: 3000 }).catch(() => {}); // where the browser says "granted" it is not asked for
    await own(page);
    await page.getByRole('button', { name: 'Go live' }).waitFor();
    await page.getByRole('button', { name: 'Rehearse' }).waitFor();
    await noViolations(page, name);
  }, { all: true });
  inBoth('studio settings', async (page, name) => {
    await stage(page, { api: host(), channel: channel(evening('scheduled')) });
    await page.goto(`${origin}/studio/demo`);
    await camera(page).click({ timeout: 3000 }).catch(() => {});
    await own(page);
    await page.getByRole('button', { name: 'Settings and line' }).click();
    await sheet(page).getByLabel('Picture size').selectOption('480');
    await page.waitForFunction(() => document.querySelector('torg-studio-page').shadowRoot.querySelector('video.own')?.videoHeight === 480);
    await noViolations(page, name);
  });
  inBoth('studio live', async (page, name) => {
    const whip = whipServer();
    const show = await stage(page, { api: host(whip.api), channel: obliging(evening('live', true)) });
    await page.goto(`${origin}/studio/demo`);
    await camera(page).click({ timeout: 3000 }).catch(() => {});
    await page.getByRole('button', { name: 'Send my picture' }).click();
    await page.getByText('Your picture is being sent').waitFor();
    show.say({ ev: 'source', at: 1, on_air: true, state: 'on', kind: 'whip', publisher: whip.publisher });
    show.say({ ev: 'sold', at: 1, sku: 'enamel-mug-1', count: 12 });
    await page.waitForTimeout(2500);
    await noViolations(page, name);
    if (await page.getByRole('button', { name: 'Settings and line' }).isVisible()) {
      await page.getByRole('button', { name: 'Mute the microphone' }).click();
      await page.getByText('Your microphone is off').waitFor();
    }
    await page.getByRole('button', { name: 'End', exact: true }).click();
    await sheet(page).getByRole('button', { name: 'Only stop my picture' }).waitFor();
    await noViolations(page, `${name}-end`);
  }, { all: true });
  inBoth('studio rundown', async (page, name) => {
    await stage(page, { api: host(), channel: channel(evening('live', true)) });
    await page.goto(`${origin}/studio/demo`);
    await page.getByRole('button', { name: /Products and sales/ }).click();
    await sheet(page).getByRole('button', { name: 'Show Headlamp to viewers' }).waitFor();
    await noViolations(page, name);
  });
  inBoth('studio taken over', async (page, name) => {
    const whip = whipServer();
    const show = await stage(page, { api: host(whip.api), channel: obliging(evening('live', true)) });
    await page.goto(`${origin}/studio/demo`);
    await camera(page).click({ timeout: 3000 }).catch(() => {});
    await page.getByRole('button', { name: 'Send my picture' }).click();
    await page.getByText('Your picture is being sent').waitFor();
    show.say({ ev: 'source', at: 1, on_air: true, state: 'on', kind: 'whip', publisher: whip.publisher });
    show.say({ ev: 'source', at: 2, on_air: true, state: 'on', kind: 'rtmp', publisher: 'r0-9' });
    await page.getByText('Another device has taken the show over').waitFor();
    await until(() => whip.log.some(({ method }) => method === 'DELETE'));
    await noViolations(page, name);
    await page.getByRole('button', { name: 'Take the show back' }).click();
    await page.getByText('Your picture is being sent').waitFor();
    assert.equal(whip.log.filter(({ method }) => method === 'POST').length, 2);
  });
  inBoth('studio rig on air', async (page, name) => {
    await firstVisit(page);
    const show = await stage(page, { api: host(), channel: channel(evening('live', true)) });
    await page.goto(`${origin}/studio/demo`);
    await camera(page).waitFor();
    const line = { ev: 'uplink', at: 1, kind: 'rtmp', publisher: 'r0-1', video_bps: 300000, audio_bps: 64000, width: 1280, height: 720, frames: 30, loss_permille: 0, unrepaired_permille: 0, troubles: ['low'] };
    show.say({ ev: 'source', at: 1, on_air: true, state: 'on', kind: 'rtmp', publisher: 'r0-1' });
    const told = setInterval(() => show.say(line), 700);
    await page.getByText('Use a network cable and check').waitFor();
    clearInterval(told);
    await page.getByText('On air: Studio equipment (RTMP)').waitFor();
    await noViolations(page, name);
  });

  for (const [width, height] of [[360, 640], [640, 360], [1024, 768]]) {
    test(`studio at ${width} x ${height}`, async () => {
      const page = await phone(browser, { reducedMotion: 'reduce', viewport: { width, height } });
      const whip = whipServer();
      await stage(page, { api: host(whip.api), channel: obliging(evening('scheduled')) });
      await page.goto(`${origin}/studio/demo`);
      await camera(page).click({ timeout: 3000 }).catch(() => {});
      await own(page);
      const small = await page.evaluate(() => {
        const found = [];
        const look = (root) => {
          for (const element of root.querySelectorAll('*')) {
            if (element.shadowRoot) look(element.shadowRoot);
            if (!element.matches('.bottom button, .actions button, .round, header button, header a')) continue;
            const box = element.getBoundingClientRect();
            if (box.width === 0) continue;
            const inside = box.left >= 0 && box.top >= 0 && box.right <= innerWidth + 0.5 && box.bottom <= innerHeight + 0.5;
            if (box.width < 44 || box.height < 44 || !inside) found.push(`${element.getAttribute('aria-label') ?? element.textContent.trim()} ${JSON.stringify(box)}`);
          }
        };
        look(document.querySelector('torg-studio-page').shadowRoot);
        return found;
      });
      await shot(page, `studio-${width}x${height}`);
      assert.deepEqual(small, [], 'within reach, and as large as a thumb');
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
      await page.context().close();
    });
  }
});

describe('studio, what it does', { concurrency: 2 }, () => {
  onPhone('countdown: the line is opened first, the show starts on a picture', async (page) => {
    const whip = whipServer();
    const asked = [];
    await stage(page, { api: host(whip.api), channel: obliging(evening('scheduled'), asked) });
    await page.goto(`${origin}/studio/demo`);
    await camera(page).click({ timeout: 3000 }).catch(() => {});
    await page.getByRole('button', { name: 'Go live' }).click();
    await page.getByText('Live in 3').waitFor();
    await until(() => whip.log.length === 1);
    assert.deepEqual(asked.filter(({ op }) => op === 'show.start'), []);
    await until(() => asked.some(({ op }) => op === 'show.start'));
    await page.getByText('LIVE', { exact: true }).waitFor();
    await until(async () => (await whip.stats())?.framesDecoded > 10);
    assert.equal(whip.log[0].headers['content-type'], 'application/sdp');
  });

  onPhone('the countdown can be stopped, and nothing is sent any more', async (page) => {
    const whip = whipServer();
    const asked = [];
    await stage(page, { api: host(whip.api), channel: obliging(evening('scheduled'), asked) });
    await page.goto(`${origin}/studio/demo`);
    await camera(page).click({ timeout: 3000 }).catch(() => {});
    await page.getByRole('button', { name: 'Go live' }).click();
    await until(() => whip.log.length === 1);
    await page.getByRole('button', { name: 'Stop' }).click();
    await until(() => whip.log.some(({ method }) => method === 'DELETE'));
    await page.waitForTimeout(3500);
    assert.deepEqual(asked.filter(({ op }) => op === 'show.start'), []);
  });

  onPhone('rehearsal, then live without a new session, then the end', async (page) => {
    const whip = whipServer();
    const asked = [];
    await stage(page, { api: host(whip.api), channel: obliging(evening('scheduled'), asked) });
    await page.goto(`${origin}/studio/demo`);
    await camera(page).click({ timeout: 3000 }).catch(() => {});
    await page.getByRole('button', { name: 'Rehearse' }).click();
    await page.getByText('Rehearsal: only staff see this picture.').waitFor();
    await page.getByText('Your picture is being sent').waitFor();
    await page.getByRole('button', { name: 'Go live' }).click();
    await page.getByText('LIVE', { exact: true }).waitFor();
    assert.equal(whip.log.filter(({ method }) => method === 'POST').length, 1);
    await page.getByRole('button', { name: 'End', exact: true }).click();
    await sheet(page).getByRole('button', { name: 'End the show for all viewers' }).click();
    await until(() => whip.log.some(({ method }) => method === 'DELETE'));
    assert.deepEqual(asked.map(({ op, on }) => on === undefined ? op : [op, on]), [['show.rehearse', true], 'show.start', 'show.end']);
  });

  onPhone('a lost line: restart is tried, then a new session, until it is there again', async (page) => {
    const whip = whipServer();
    const show = await stage(page, { api: host(whip.api), channel: obliging(evening('live', true)) });
    await page.goto(`${origin}/studio/demo`);
    await camera(page).click({ timeout: 3000 }).catch(() => {});
    await page.getByRole('button', { name: 'Send my picture' }).click();
    await page.getByText('Your picture is being sent').waitFor();
    show.say({ ev: 'source', at: 1, on_air: true, state: 'on', kind: 'whip', publisher: 'w0-1' });
    await page.evaluate(() => dispatchEvent(new Event('online'))); // another network
    await until(() => whip.log.some(({ method }) => method === 'PATCH'));
    const patch = whip.log.find(({ method }) => method === 'PATCH');
    assert.equal(patch.headers['if-match'], '"*"');
    assert.equal(patch.headers['content-type'], 'application/trickle-ice-sdpfrag');
    await until(() => whip.log.filter(({ method }) => method === 'POST').length === 2); // this server cannot restart
    await page.getByText('Your picture is being sent').waitFor();
    show.say({ ev: 'source', at: 1, on_air: true, state: 'on', kind: 'whip', publisher: 'w0-1' }); // late news of ourselves
    await whip.cut(); // the peer says goodbye: the server closed it
    await until(() => whip.log.filter(({ method }) => method === 'POST').length === 3);
    await page.getByText('Your picture is being sent').waitFor();
    assert.equal(await page.getByText('Another device has taken the show over').count(), 0);
  });

  onPhone('a server that does not know us any more: words, no endless tries', async (page) => {
    let posts = 0;
    await stage(page, { api: host((m) => { posts += m === 'POST' ? 1 : 0; return { status: 401, json: { detail: 'no' } }; }), channel: obliging(evening('live')) });
    await page.goto(`${origin}/studio/demo`);
    await camera(page).click({ timeout: 3000 }).catch(() => {});
    await page.getByRole('button', { name: 'Send my picture' }).click();
    await page.getByText('You are not logged in as host any more').waitFor();
    await page.waitForTimeout(1500);
    assert.equal(posts, 1);
  });

  onPhone('a busy server is asked again until it answers', async (page) => {
    const whip = whipServer();
    let refusals = 2;
    await stage(page, { api: host((m, ...rest) => m === 'POST' && refusals-- > 0 ? { status: 503, json: {} } : whip.api(m, ...rest)), channel: obliging(evening('live')) });
    await page.goto(`${origin}/studio/demo`);
    await camera(page).click({ timeout: 3000 }).catch(() => {});
    await page.getByRole('button', { name: 'Send my picture' }).click();
    await page.getByText('Your picture is being sent').waitFor();
  });

  onPhone('the thumb: next product, onto the air, what was there goes', async (page) => {
    const asked = [];
    await stage(page, { api: host(), channel: channel({ ...evening('live', true), pinned: ['wool-sweater-2'] }, (op, say) => { asked.push(op); say({ re: op.id, ok: true }); }) });
    await page.goto(`${origin}/studio/demo`);
    await page.getByRole('button', { name: 'Setesdal wool sweater is on air: take it away' }).waitFor();
    await page.getByRole('button', { name: 'Next product' }).click();
    await page.getByRole('button', { name: 'Show Enamel mug to viewers' }).click();
    await until(() => asked.length === 2);
    assert.deepEqual(asked.map(({ op, sku }) => [op, sku]), [['pin', 'enamel-mug-1'], ['unpin', 'wool-sweater-2']]);
  });

  onPhone('a one-time code from the desk logs in once and leaves the address', async (page) => {
    const posted = [];
    await stage(page, {
      api: api((m, p, request) => {
        if (p !== '/api/v1/session') return undefined;
        if (m === 'POST') posted.push(request.postDataJSON());
        return { json: { you: posted.length > 0 ? staffYou : { id: 'p', name: '', roles: ['viewer'] } } };
      }),
      channel: channel(evening('scheduled')),
    });
    await page.goto(`${origin}/studio/demo#code=tc_once`);
    await page.getByRole('heading', { name: 'Evening market' }).waitFor();
    assert.deepEqual(posted, [{ code: 'tc_once' }]);
    assert.equal(page.url(), `${origin}/studio/demo`);
  });

  onPhone('a code that is used up says so', async (page) => {
    await stage(page, {
      api: api((m, p) => p === '/api/v1/session' ? (m === 'POST' ? { status: 401, json: { detail: 'no' } } : { json: { you: { id: 'p', name: '', roles: ['viewer'] } } }) : undefined),
    });
    await page.goto(`${origin}/studio/demo#code=tc_old`);
    await page.getByText('This code has been used or is too old').waitFor();
    assert.equal(page.url(), `${origin}/studio/demo`);
  });
});
