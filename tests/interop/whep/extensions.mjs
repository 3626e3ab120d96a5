// The two extensions of the core: server-sent events and video layer selection
// (webrtc-http-egress-events.md of the working group, 2026). A server without them skips.
import http from 'node:http';
import https from 'node:https';
import { list, mediaType } from '../lib/http.mjs';
import { fail, need, skip } from '../lib/report.mjs';

const SSE = 'urn:ietf:params:whep:ext:core:server-sent-events';
const LAYER = 'urn:ietf:params:whep:ext:core:layer';
const KNOWN = ['active', 'inactive', 'layers', 'reconnect', 'viewercount', 'scte35'];
const json = { 'content-type': 'application/json' };

/** The link of a relation in a 201: {url, events}, or undefined. */
function link(made, rel) {
  const text = [made.response.headers.link ?? ''].flat().join(', ');
  for (const [, target, parameters] of text.matchAll(/<([^>]*)>((?:\s*;\s*[\w-]+=(?:"[^"]*"|[^",;\s]*))*)/g)) {
    if (!parameters.includes(`"${rel}"`) && !parameters.includes(`rel=${rel}`)) continue;
    return { url: new URL(target, made.response.url).href, events: /events="([^"]*)"/.exec(parameters)?.[1].split(',').map((name) => name.trim()) };
  }
  return undefined;
}

function needed(made, rel) {
  const found = link(made, rel);
  if (!found) skip(`no Link with rel ${rel.split(':').at(-1)}`);
  return found;
}

/** Makes a stream of these events: {response, url}. */
async function makeStream(s, url, events) {
  const response = await s.http.send('POST', url, { headers: json, body: JSON.stringify(events) });
  return { response, url: response.headers.location && new URL(response.headers.location, response.url).href };
}

/** Reads a stream until `enough(events)`, its end or the time: {status, type, events, lines, ended}. */
function read(s, url, enough, ms = 8000) {
  return new Promise((resolve, reject) => {
    const seen = { status: 0, type: '', events: [], lines: [], ended: false };
    const { request } = url.startsWith('https:') ? https : http;
    const headers = { accept: 'text/event-stream', ...(s.token ? { authorization: `Bearer ${s.token}` } : {}) };
    const done = () => {
      clearTimeout(timer);
      sent.destroy();
      resolve(seen);
    };
    const timer = setTimeout(done, ms);
    const sent = request(url, { headers, agent: false, rejectUnauthorized: !s.http.insecure }, (response) => {
      let rest = '';
      seen.status = response.statusCode;
      seen.type = (response.headers['content-type'] ?? '').split(';')[0];
      response.setEncoding('utf8');
      response.on('data', (part) => {
        const blocks = (rest + part).split('\n\n');
        rest = blocks.pop();
        for (const block of blocks) take(block);
        if (enough(seen.events)) done();
      });
      response.on('end', () => { seen.ended = true; done(); });
      response.on('error', done);
    });
    const take = (block) => {
      const lines = block.split('\n').filter((line) => line && !line.startsWith(':'));
      seen.lines.push(...lines);
      const of = (name) => lines.filter((line) => line.startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).trim());
      if (of('event').length) seen.events.push({ event: of('event')[0], data: of('data') });
    };
    sent.on('error', (error) => (seen.status ? done() : reject(error)));
    sent.end();
  });
}

/** The layers of a connected session. */
async function layersOf(s, made) {
  const { url, events } = needed(made, SSE);
  if (!events?.includes('layers')) skip('no layers event');
  const stream = await makeStream(s, url, ['layers']);
  need(stream.response.status === 201, `POST answered ${stream.response.status} ${stream.response.text.slice(0, 100)}`);
  const { events: seen } = await read(s, stream.url, (got) => got.some(({ event }) => event === 'layers'));
  const last = seen.findLast(({ event }) => event === 'layers');
  if (!last) fail('no layers event in 8 s');
  return JSON.parse(last.data[0]);
}

const check = (id, section, level, title, run) => ({ id, ref: `WHEP extensions, ${section}`, level, title, run });

export const extensions = [
  check('sse-link', 'SSE', 'MUST', 'the Link to events names known events', async (s) => {
    const { events } = needed(await s.create(), SSE);
    if (!events) return 'no list';
    need(events.every((name) => KNOWN.includes(name)), events.join());
    return events.join(', ');
  }),
  check('sse-201', 'SSE', 'MUST', 'POST makes an event stream: 201 with Location', async (s) => {
    const { url, events } = needed(await s.create(), SSE);
    const { response, url: stream } = await makeStream(s, url, (events ?? ['viewercount']).slice(0, 1));
    need(response.status === 201 && stream, `${response.status}, Location ${response.headers.location}`);
    return '201';
  }),
  check('sse-no-body', 'SSE', 'MUST', 'the body is optional', async (s) => {
    const { url } = needed(await s.create(), SSE);
    const response = await s.http.send('POST', url);
    need(response.status === 201, `${response.status}`);
    return '201';
  }),
  check('sse-unknown', 'SSE', 'MUST', 'an event that is not offered: 400, and no stream', async (s) => {
    const { url } = needed(await s.create(), SSE);
    const { response } = await makeStream(s, url, ['viewercount', 'event-of-nobody']);
    need(response.status === 400 && response.headers.location === undefined, `${response.status}`);
    return '400';
  }),
  check('sse-stream', 'SSE', 'MUST', 'GET is an event stream; data is one line of JSON', async (s) => {
    const { url, events } = needed(await s.create(), SSE);
    if (!events?.includes('viewercount')) skip('no viewercount');
    const stream = await makeStream(s, url, ['viewercount']);
    const seen = await read(s, stream.url, (got) => got.length > 0);
    need(seen.status === 200 && seen.type === 'text/event-stream', `${seen.status}, ${seen.type}`);
    need(seen.events.length > 0, 'nothing came in 8 s');
    for (const { event, data } of seen.events) {
      need(event === 'viewercount', `${event} was not asked for`);
      need(data.length === 1 && Number.isInteger(JSON.parse(data[0]).viewercount), data.join('|'));
    }
    return seen.lines.slice(0, 2).join(' / ');
  }),
  check('sse-active', 'SSE, active event', 'SHOULD', 'a show on air says active at once, and not inactive', async (s) => {
    const { url, events } = needed(await s.create(), SSE);
    if (!events?.includes('active')) skip('no active');
    const stream = await makeStream(s, url, ['active', 'inactive']);
    const seen = await read(s, stream.url, (got) => got.length > 0);
    if (seen.events.length === 0) skip('nobody sends');
    need(seen.events[0].event === 'active', seen.events[0].event);
    return seen.lines.join(' / ');
  }),
  check('sse-delete', 'SSE', 'MUST', 'DELETE ends the stream; after that GET is 404', async (s) => {
    const { url } = needed(await s.create(), SSE);
    const stream = await makeStream(s, url, ['viewercount']);
    const open = read(s, stream.url, () => false, 10000);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const reply = await s.http.send('DELETE', stream.url);
    need(reply.status >= 200 && reply.status < 300, `DELETE ${reply.status}`);
    need((await open).ended, 'the open stream went on');
    for (let i = 0; i < 4; i++) {
      const after = await s.http.send('GET', stream.url);
      need(after.status === 404, `GET ${after.status}`);
    }
    return `${reply.status}, then 404`;
  }),
  check('sse-session-end', 'SSE', 'MUST', 'streams end with their session', async (s) => {
    const made = await s.create();
    const { url } = needed(made, SSE);
    const stream = await makeStream(s, url, ['viewercount']);
    const open = read(s, stream.url, () => false, 15000);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await s.delete(made.location);
    need((await open).ended, 'the stream went on for 15 s');
    const after = await s.http.send('GET', stream.url);
    need(after.status === 404, `GET ${after.status}`);
    return 'ended, then 404';
  }),
  check('layer-needs-events', 'layers', 'MUST', 'who offers layers offers their events', async (s) => {
    const made = await s.create();
    needed(made, LAYER);
    const sse = link(made, SSE);
    need(sse && (!sse.events || sse.events.includes('layers')), `events ${sse?.events}`);
    return 'both';
  }),
  check('media-layers', 'layers', 'MUST', 'the layers event names layers by m-line', async (s) => {
    const { made } = await s.connect();
    const told = await layersOf(s, made);
    const [[line, layers] = []] = Object.entries(told);
    need(/^\d+$/.test(line ?? '') && Array.isArray(layers) && layers.length > 0, JSON.stringify(told));
    need(made.answer.media[Number(line)]?.kind === 'video', `m-line ${line} is no video`);
    need(layers.every((layer) => layer.rid !== undefined || layer.spatialLayerId !== undefined || layer.temporalLayerId !== undefined), JSON.stringify(layers));
    return layers.map(({ rid, width, height, bitrate }) => `${rid}: ${width}×${height} ${bitrate ?? 'inactive'}`).join(', ');
  }),
  check('media-layer-choice', 'layers', 'MUST', 'a layer of the event can be chosen, and be left again', async (s) => {
    const { made } = await s.connect();
    const { url } = needed(made, LAYER);
    const told = await layersOf(s, made);
    const [line, layers] = Object.entries(told)[0];
    const { rid } = layers.findLast(({ bitrate }) => bitrate > 0) ?? fail('no active layer');
    const chosen = await s.http.send('POST', url, { headers: json, body: JSON.stringify({ mediaId: line, rid }) });
    need(chosen.status === 200, `${chosen.status} ${chosen.text.slice(0, 100)}`);
    const left = await s.http.send('POST', url, { headers: json, body: JSON.stringify({ mediaId: line }) });
    need(left.status === 200, `automatic: ${left.status}`);
    return `rid ${rid}, then automatic`;
  }),
  check('layer-wrong', 'layers', 'MUST', 'what cannot be chosen gets an error', async (s) => {
    const { url } = needed(await s.create(), LAYER);
    const seen = [];
    for (const body of [{ rid: 'layer-of-nobody' }, { mediaId: '99', rid: '0' }]) {
      const { status } = await s.http.send('POST', url, { headers: json, body: JSON.stringify(body) });
      need(status >= 400 && status < 500, `${JSON.stringify(body)}: ${status}`);
      seen.push(status);
    }
    return seen.join();
  }),
  check('extensions-elsewhere', 'Fetch 4.8', 'SHOULD', 'pages of other sites may use both', async (s) => {
    const made = await s.create();
    const urls = [link(made, SSE)?.url, link(made, LAYER)?.url].filter(Boolean);
    if (!urls.length) skip('no extensions');
    for (const url of urls) {
      const headers = { origin: 'https://elsewhere.example', 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' };
      const response = await s.http.send('OPTIONS', url, { token: null, headers });
      need(response.status >= 200 && response.status < 300 && ['*', headers.origin].includes(response.headers['access-control-allow-origin']), `${response.status}, ${response.headers['access-control-allow-origin']}`);
      need(list(response, 'access-control-allow-headers').includes('content-type'), 'Content-Type is not allowed');
    }
    return `${urls.length} preflights`;
  }),
];

export const refusals = [
  {
    id: 'cors-errors', ref: 'Fetch 3.2', level: 'SHOULD', title: 'pages of other sites can read refusals, too',
    async run(s) {
      const headers = { origin: 'https://elsewhere.example', 'content-type': 'text/plain' };
      const { location } = await s.create();
      const seen = [];
      for (const [method, url] of [['POST', s.url], ['PUT', s.url], ['POST', location], ['PATCH', location]]) {
        const response = await s.http.send(method, url, { headers, body: 'x' });
        need(response.status >= 400, `${method}: ${response.status}`);
        need(['*', headers.origin].includes(response.headers['access-control-allow-origin']), `${method} ${response.status} without Access-Control-Allow-Origin`);
        seen.push(`${method} ${response.status}`);
      }
      return seen.join(', ');
    },
  },
  {
    id: 'accept-any', ref: 'RFC 9110 12.5.1', level: 'SHOULD', title: 'an Accept header of another type is no reason for 406',
    async run(s) {
      const response = await s.post(await s.offerText(), { headers: { accept: 'text/html' } });
      if (response.status === 406 && mediaType(response) === 'application/sdp') skip('a counter-offer');
      need(response.status === 201, `POST ${response.status}`);
      const head = await s.http.send('HEAD', s.url, { headers: { accept: 'text/html' } });
      need(head.status !== 406, `HEAD ${head.status}`);
      return `${response.status}, HEAD ${head.status}`;
    },
  },
  {
    id: 'options-session', ref: 'RFC 9110 9.3.7', level: 'SHOULD', title: 'OPTIONS on a session says what it takes',
    async run(s) {
      const { location } = await s.create();
      const response = await s.http.send('OPTIONS', location, { token: null });
      need(response.status >= 200 && response.status < 300, `${response.status}`);
      need(list(response, 'allow').includes('delete'), `Allow ${response.headers.allow}`);
      return `Allow ${response.headers.allow}`;
    },
  },
  {
    id: 'head-session', ref: 'RFC 9110 9.3.2', level: 'MUST', title: 'HEAD on a session is its GET without content',
    async run(s) {
      const { location } = await s.create();
      const get = await s.http.send('GET', location);
      const head = await s.http.send('HEAD', location);
      need(head.status === get.status && head.text === '', `GET ${get.status}, HEAD ${head.status}`);
      return `${head.status}`;
    },
  },
];
