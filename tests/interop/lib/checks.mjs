// The checks that WHIP and WHEP share; their texts are nearly the same, and so are the duties.
import { list, mediaType } from './http.mjs';
import { fail, need, skip } from './report.mjs';
import { all, attribute, codecs, credentials, direction, fixture, fragment, parse, withRestart } from './sdp.mjs';

const HOST = '1 1 udp 2130706431 192.0.2.10 40000 typ host';
const brief = (response) => `${response.status}${response.text ? ` ${response.text.slice(0, 100)}` : ''}`;
const is4xx = (response) => need(response.status >= 400 && response.status < 500, `answered ${brief(response)}`);
/** Trickle is optional (RFC 9725 s4.3): what says so makes its checks not apply. */
const notBuilt = [405, 422, 501];

/**
 * @param {{whip: boolean, ref: (whip: string, whep: string) => string}} p
 * @returns {import('./report.mjs').Check[]}
 */
export function common({ whip, ref }) {
  const wanted = whip ? 'recvonly' : 'sendonly';
  const check = (id, section, level, title, run) => ({ id, ref: section, level, title, run });
  const setup = ref('4.2', '4.3');
  const patch = ref('4.3.1', '4.5.1');
  const trickle = ref('4.3.2', '4.5.2');
  const restart = ref('4.3.3', '4.5.3');
  const bundle = ref('4.4.1', '4.6.1');

  const created = [
    check('post-201', setup, 'MUST', 'a browser\'s offer makes a session', async (s) => {
      const { response } = await s.create();
      return `${response.status}`;
    }),
    check('post-type', setup, 'MUST', 'the answer is application/sdp', async (s) => {
      const { response } = await s.create();
      need(mediaType(response) === 'application/sdp', `Content-Type ${response.headers['content-type']}`);
      return response.headers['content-type'];
    }),
    check('post-location', setup, 'MUST', 'Location names the new session', async (s) => {
      const { location } = await s.create();
      need(location !== s.url, 'Location is the endpoint itself');
      return new URL(location).pathname.replace(/[^/]+$/, '…');
    }),
    check('location-secret', ref('5', '5'), 'SHOULD', 'session URLs cannot be guessed', async (s) => {
      const names = [];
      for (let i = 0; i < 3; i++) {
        const { location } = await s.create();
        names.push(new URL(location).pathname);
        await s.delete(location);
      }
      need(new Set(names).size === 3, 'session URLs repeat');
      const length = Math.min(...names.map((name) => name.split('/').at(-1).length));
      need(length >= 16, `only ${length} characters`);
      return `${length} characters, all different`;
    }),
    check('post-etag', patch, 'MUST', 'a strong entity-tag names the ICE session', async (s) => {
      const made = await s.create();
      if (made.etag === undefined) {
        const reply = await s.patch(made, fragment(made.offer, [HOST], credentials()), { ifMatch: '*' });
        if (reply.status !== 200) skip(`no ETag, no ICE restarts (${reply.status})`);
        fail('ICE restarts without an ETag');
      }
      need(/^"[^"]+"$/.test(made.etag), `ETag ${made.etag}`);
      const second = await s.create();
      need(second.etag !== made.etag, 'two ICE sessions have one tag');
      return made.etag;
    }),
    check('post-redirect', ref('4.5', '4.7'), 'MUST', 'POST is never redirected by 301 or 302', async (s) => {
      const response = await s.post(await s.offerText());
      need(response.status !== 301 && response.status !== 302, `${response.status}`);
      return s.http.redirects.length ? `followed ${s.http.redirects[0].status}` : 'no redirect';
    }),
    check('link-ice-server', ref('4.6', '4.8'), 'MUST', 'Link rel=ice-server names STUN or TURN servers', async (s) => {
      const { response } = await s.create();
      const links = [response.headers.link ?? ''].flat().join(', ').split(/,\s*(?=<)/).filter((link) => /rel="?ice-server"?/.test(link));
      if (!links.length) skip('no ice-server is configured');
      for (const link of links) need(/^<(stuns?|turns?):[^>]+>/.test(link), link);
      return `${links.length} servers`;
    }),
  ];

  const answers = [
    check('answer-m-lines', 'RFC 9429 5.3.1', 'MUST', 'm-lines and mids are those of the offer', async (s) => {
      const { offer, answer } = await s.create();
      const wantedLines = parse(offer).media.map((m) => `${m.kind} ${attribute({ session: [] }, m, 'mid')}`);
      const got = answer.media.map((m) => `${m.kind} ${attribute({ session: [] }, m, 'mid')}`);
      need(wantedLines.join() === got.join(), `${got.join()} for ${wantedLines.join()}`);
      return got.join(', ');
    }),
    check('answer-direction', ref('4.2', '4.3.5'), 'MUST', `every m-line is ${wanted}`, async (s) => {
      const { answer } = await s.create();
      const got = answer.media.filter((m) => m.port !== 0).map((m) => direction(answer, m));
      need(got.length > 0 && got.every((d) => d === wanted), got.join());
      return got.join(', ');
    }),
    check('answer-whole', ref('4.4.3', '4.6.2'), 'SHOULD', 'no m-line of a good offer is rejected', async (s) => {
      const { answer } = await s.create();
      need(answer.media.every((m) => m.port !== 0 || attribute(answer, m, 'bundle-only') === ''), answer.media.map((m) => `${m.kind} ${m.port}`).join());
      return `${answer.media.length} accepted`;
    }),
    check('answer-bundle', bundle, 'MUST', 'one BUNDLE group holds every m-line', async (s) => {
      const { answer } = await s.create();
      const group = answer.session.find((line) => line.startsWith('a=group:BUNDLE'))?.split(' ').slice(1) ?? [];
      const mids = answer.media.filter((m) => m.port !== 0).map((m) => attribute(answer, m, 'mid'));
      need(mids.every((mid) => group.includes(mid)), `BUNDLE ${group.join(' ')} for ${mids.join(' ')}`);
      return `BUNDLE ${group.join(' ')}`;
    }),
    check('answer-rtcp-mux', bundle, 'MUST', 'RTCP is multiplexed', async (s) => {
      const { answer } = await s.create();
      need(answer.media.every((m) => m.port === 0 || attribute(answer, m, 'rtcp-mux') === ''), 'an m-line without a=rtcp-mux');
      return 'a=rtcp-mux';
    }),
    check('answer-setup', 'RFC 8842 5.3', 'MUST', 'the answer takes one DTLS role', async (s) => {
      const { answer } = await s.create();
      const roles = [...new Set(answer.media.map((m) => attribute(answer, m, 'setup')))];
      need(roles.length === 1 && ['active', 'passive'].includes(roles[0]), `setup ${roles.join()}`);
      return roles[0];
    }),
    check('answer-fingerprint', 'RFC 8122 5', 'MUST', 'the answer has a certificate fingerprint', async (s) => {
      const { answer } = await s.create();
      const got = attribute(answer, answer.media[0], 'fingerprint') ?? '';
      need(/^sha-(256|384|512) ([0-9A-F]{2}:)+[0-9A-F]{2}$/i.test(got), got || 'none');
      return got.split(' ')[0];
    }),
    check('answer-ice', 'RFC 8839 5.4', 'MUST', 'ICE credentials have their lengths', async (s) => {
      const { answer } = await s.create();
      const ufrag = attribute(answer, answer.media[0], 'ice-ufrag') ?? '';
      const pwd = attribute(answer, answer.media[0], 'ice-pwd') ?? '';
      need(ufrag.length >= 4 && ufrag.length <= 256 && pwd.length >= 22 && pwd.length <= 256, `ufrag ${ufrag.length}, pwd ${pwd.length} characters`);
      const again = (await s.create()).answer;
      need(attribute(again, again.media[0], 'ice-pwd') !== pwd, 'two sessions have one password');
      return `ufrag ${ufrag.length}, pwd ${pwd.length}`;
    }),
    check('answer-candidates', ref('4.4.5', '4.6.3'), 'MUST', 'the answer can be connected to', async (s) => {
      const { answer } = await s.create();
      const lite = attribute(answer, undefined, 'ice-lite') === '';
      const found = all(answer.media[0], 'candidate');
      need(found.length > 0, `${lite ? 'ICE-lite' : 'full ICE'} without a candidate`);
      return `${lite ? 'ICE-lite' : 'full ICE'}, ${found.length} candidates`;
    }),
    check('answer-codecs', 'RFC 9429 5.3.1', 'MUST', 'payload types are the offer\'s', async (s) => {
      const { offer, answer } = await s.create();
      const offered = parse(offer).media.map(codecs);
      answer.media.forEach((m, i) => {
        for (const [pt, codec] of Object.entries(codecs(m))) need(offered[i][pt] === codec, `${pt} ${codec} was not offered`);
      });
      return answer.media.map((m) => Object.values(codecs(m)).join('+')).join(', ');
    }),
    check('offer-fixtures', setup, 'SHOULD', 'offers of Firefox, OBS and webrtcbin are taken', async (s) => {
      const bad = [];
      for (const name of ['firefox', 'obs', 'webrtcbin']) {
        const response = await s.post(await fixture(name, s.way));
        if (response.status !== 201) bad.push(`${name}: ${brief(response)}`);
        else need(parse(response.text).media.every((m) => m.port !== 0 || attribute({ session: [] }, m, 'bundle-only') === ''), `${name}: an m-line was rejected`);
        await s.tidy();
      }
      need(!bad.length, bad.join('; '));
      return 'all three';
    }),
  ];

  const refused = [
    check('wrong-type', setup, 'MUST', 'an offer of another type is refused', async (s) => {
      const response = await s.post(await s.offerText(), { type: 'text/plain' });
      is4xx(response);
      return brief(response);
    }),
    check('wrong-type-415', 'RFC 9110 15.5.16', 'SHOULD', '... with 415', async (s) => {
      const response = await s.post(await s.offerText(), { type: 'application/json' });
      need(response.status === 415, brief(response));
      return list(response, 'accept-post').join() || list(response, 'accept').join() || '415';
    }),
    check('no-type', setup, 'MUST', 'an offer without a type is refused', async (s) => {
      const response = await s.post(await s.offerText(), { type: null });
      is4xx(response);
      return brief(response);
    }),
    check('garbage', setup, 'MUST', 'malformed SDP is refused', async (s) => {
      const seen = [];
      const offer = await s.offerText();
      const torn = offer.replace(/^m=video.*$/m, 'm=video here comes trouble');
      for (const body of ['hello', '{"type":"offer"}', Buffer.from([0, 1, 2, 255, 254]), 'v=0\r\n', torn]) {
        const response = await s.post(body);
        is4xx(response);
        seen.push(response.status);
      }
      return seen.join(' ');
    }),
    check('empty', setup, 'MUST', 'an empty body is refused', async (s) => {
      const response = await s.post('');
      is4xx(response);
      return brief(response);
    }),
    check('no-ice', 'RFC 8839 5.4', 'SHOULD', 'an offer without ICE credentials is refused', async (s) => {
      const response = await s.post((await s.offerText()).replace(/a=ice-(ufrag|pwd):.*\r\n/g, ''));
      is4xx(response);
      return brief(response);
    }),
    check('no-fingerprint', 'RFC 8842 5.2', 'SHOULD', 'an offer without a fingerprint is refused', async (s) => {
      const response = await s.post((await s.offerText()).replace(/a=fingerprint:.*\r\n/g, ''));
      is4xx(response);
      return brief(response);
    }),
    check('no-codec', ref('4.4.3', '4.6'), 'SHOULD', 'an offer without a usable codec gets 422 or 400', async (s) => {
      const offer = (await s.offerText()).replace(/a=rtpmap:(\d+) [^/]+\/(8000|90000|48000)/g, 'a=rtpmap:$1 X-NONE/$2');
      const response = await s.post(offer);
      need(response.status === 422 || response.status === 400, brief(response));
      return brief(response);
    }),
    check('wrong-direction', ref('4.2', '4.3.5'), 'SHOULD', `an offer that cannot ${whip ? 'send' : 'receive'} is refused`, async (s) => {
      const [from, to] = whip ? ['sendonly', 'recvonly'] : ['recvonly', 'sendonly'];
      const response = await s.post((await s.offerText()).replaceAll(`a=${from}\r\n`, `a=${to}\r\n`));
      is4xx(response);
      return brief(response);
    }),
    check('oversized', 'RFC 9110 15.5.14', 'SHOULD', 'a megabyte of SDP gets 413, and the server lives', async (s) => {
      let seen = 'the connection was closed';
      try {
        const response = await s.post((await s.offerText()) + 'a=x-padding:0123456789\r\n'.repeat(45000));
        need(response.status === 413 || response.status === 400, brief(response));
        seen = brief(response);
      } catch (error) {
        if (!['ECONNRESET', 'EPIPE'].includes(error.code)) throw error; // closed while we still sent
      }
      await s.create();
      return seen;
    }),
    check('problem-json', ref('4.1', '4.1'), 'SHOULD', 'refusals say why as application/problem+json', async (s) => {
      if (!s.problems.length) skip('nothing was refused yet');
      for (const response of s.problems) {
        need(mediaType(response) === 'application/problem+json', `${response.status} with ${response.headers['content-type'] ?? 'no type'}`);
        const { status, title, detail } = JSON.parse(response.text);
        need((status === undefined || status === response.status) && (title || detail), response.text.slice(0, 120));
      }
      return `${s.problems.length} of them`;
    }),
  ];

  const auth = [
    check('no-token', 'RFC 9110 11.6.1', 'MUST', 'without a token: 401 with WWW-Authenticate', async (s) => {
      const response = await s.post(await s.offerText(), { token: null });
      if (response.status === 201) skip('no token is needed here');
      need(response.status === 401 && response.headers['www-authenticate'] !== undefined, `${response.status}, WWW-Authenticate ${response.headers['www-authenticate']}`);
      return response.headers['www-authenticate'];
    }),
    check('bearer', ref('4.7.1', '4.9.1'), 'MUST', 'the Bearer scheme is offered', async (s) => {
      const response = await s.post(await s.offerText(), { token: null });
      if (response.status === 201) skip('no token is needed here');
      need(/\bbearer\b/i.test(response.headers['www-authenticate'] ?? ''), `${response.headers['www-authenticate']}`);
      return response.headers['www-authenticate'];
    }),
    check('wrong-token', 'RFC 6750 3.1', 'SHOULD', 'a wrong token: 401 invalid_token', async (s) => {
      const response = await s.post(await s.offerText(), { token: 'nobody-ever-made-this-token' });
      if (response.status === 201) skip('no token is needed here');
      need(response.status === 401, brief(response));
      need(/invalid_token/.test(response.headers['www-authenticate'] ?? ''), `WWW-Authenticate ${response.headers['www-authenticate']}`);
      return response.headers['www-authenticate'];
    }),
  ];

  const ask = { origin: 'https://elsewhere.example' };
  const cors = [
    check('options', setup, 'MUST', 'OPTIONS on the endpoint is answered without a token', async (s) => {
      const response = await s.http.send('OPTIONS', s.url, { token: null });
      need(response.status >= 200 && response.status < 300, brief(response));
      return `${response.status}`;
    }),
    check('accept-post', setup, 'SHOULD', 'OPTIONS says Accept-Post: application/sdp', async (s) => {
      const response = await s.http.send('OPTIONS', s.url, { token: null });
      need(list(response, 'accept-post').includes('application/sdp'), `Accept-Post ${response.headers['accept-post']}`);
      return response.headers['accept-post'];
    }),
    check('preflight', setup, 'MUST', 'a browser elsewhere may POST', async (s) => {
      const headers = { ...ask, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,content-type' };
      const response = await s.http.send('OPTIONS', s.url, { token: null, headers });
      const origin = response.headers['access-control-allow-origin'];
      need(response.status >= 200 && response.status < 300, brief(response));
      need(origin === '*' || origin === ask.origin, `Access-Control-Allow-Origin ${origin}`);
      // POST is a simple method: the list need not name it.
      const allowed = list(response, 'access-control-allow-headers');
      need(allowed.includes('content-type') && allowed.includes('authorization'), `Access-Control-Allow-Headers ${allowed.join()}`);
      return `${response.status}, ${origin}`;
    }),
    check('preflight-session', 'Fetch 4.8', 'SHOULD', '... and PATCH and DELETE its session', async (s) => {
      const { location } = await s.create();
      for (const method of ['PATCH', 'DELETE']) {
        const headers = { ...ask, 'access-control-request-method': method, 'access-control-request-headers': 'authorization,content-type,if-match' };
        const response = await s.http.send('OPTIONS', location, { token: null, headers });
        need(response.status >= 200 && response.status < 300, `${method}: ${brief(response)}`);
        need(list(response, 'access-control-allow-methods').includes(method.toLowerCase()), `Access-Control-Allow-Methods ${response.headers['access-control-allow-methods']}`);
        const allowed = list(response, 'access-control-allow-headers');
        for (const name of ['content-type', 'authorization', 'if-match']) need(allowed.includes(name), `${method}: ${name} is not allowed`);
      }
      return 'both';
    }),
    check('exposed', 'Fetch 3.2.3', 'SHOULD', 'Location, ETag and Link can be read elsewhere', async (s) => {
      const response = await s.post(await s.offerText(), { headers: ask });
      const exposed = list(response, 'access-control-expose-headers');
      need(['location', 'etag', 'link'].every((name) => exposed.includes(name)), exposed.join() || 'nothing is exposed');
      return exposed.join(', ');
    }),
    check('browser-elsewhere', setup, 'MUST', 'a real page of another origin sets a session up and down', async (s) => {
      const seen = await s.peers.page.evaluate(async ([url, token, sdp]) => {
        const authorization = token ? { Authorization: `Bearer ${token}` } : {};
        const response = await fetch(url, { method: 'POST', body: sdp, headers: { 'Content-Type': 'application/sdp', ...authorization } });
        const location = response.headers.get('Location');
        if (response.status !== 201 || !location) return `${response.status}, Location ${location}`;
        const end = await fetch(new URL(location, response.url), { method: 'DELETE', headers: authorization });
        return end.ok ? 'ok' : `DELETE ${end.status}`;
      }, [s.url, s.token, await s.offerText()]);
      need(seen === 'ok', seen);
      return 'POST and DELETE by fetch()';
    }),
  ];

  const not405 = async (s, method, url) => {
    const response = await s.http.send(method, url, { headers: { 'content-type': 'application/sdp' }, body: 'v=0\r\n' });
    need(response.status === 405, `${method}: ${brief(response)}`);
    need(response.headers.allow !== undefined, `${method}: 405 without Allow`);
    return `${method}: Allow ${response.headers.allow}`;
  };
  const methods = [
    check('get-endpoint', ref('4.1', '4.1'), 'MUST', 'GET on the endpoint: 2xx without content', async (s) => {
      const response = await s.http.send('GET', s.url);
      need(response.status >= 200 && response.status < 300 && response.text === '', brief(response));
      return `${response.status}`;
    }),
    check('get-session', ref('4.1', '4.1'), 'MUST', 'GET on a session: 2xx without content', async (s) => {
      const { location } = await s.create();
      const response = await s.http.send('GET', location);
      need(response.status >= 200 && response.status < 300 && response.text === '', brief(response));
      return `${response.status}`;
    }),
    check('other-endpoint', 'RFC 9110 15.5.6', 'SHOULD', 'PUT, PATCH, DELETE on the endpoint: 405 with Allow', async (s) => {
      for (const method of ['PUT', 'PATCH']) await not405(s, method, s.url);
      return not405(s, 'DELETE', s.url);
    }),
    check('other-session', 'RFC 9110 15.5.6', 'SHOULD', 'POST and PUT on a session: 405 with Allow', async (s) => {
      const { location } = await s.create();
      await not405(s, 'POST', location);
      return not405(s, 'PUT', location);
    }),
  ];

  /** A session whose server takes trickled candidates; else the check does not apply. */
  const trickling = async (s) => {
    const made = await s.create();
    const reply = await s.patch(made, fragment(made.offer, [HOST]), { ifMatch: made.etag });
    if (notBuilt.includes(reply.status)) skip(`no trickle ICE (${reply.status})`);
    return { made, reply };
  };
  /** A session after an ICE restart. */
  const restarted = async (s) => {
    const made = await s.create();
    const fresh = credentials();
    const reply = await s.patch(made, fragment(made.offer, [HOST], fresh), { ifMatch: '*' });
    if (notBuilt.includes(reply.status)) skip(`no ICE restarts (${reply.status})`);
    return { made, reply, fresh };
  };
  const patches = [
    check('trickle-204', trickle, 'MUST', 'new candidates: 204, no body, no ETag', async (s) => {
      const { reply } = await trickling(s);
      need(reply.status === 204 && reply.text === '', brief(reply));
      need(reply.headers.etag === undefined, `ETag ${reply.headers.etag}`);
      return '204';
    }),
    check('trickle-end', trickle, 'MUST', 'end-of-candidates: 204', async (s) => {
      const { made } = await trickling(s);
      const reply = await s.patch(made, fragment(made.offer, [], { end: true }), { ifMatch: made.etag });
      need(reply.status === 204, brief(reply));
      return '204';
    }),
    check('trickle-strange', trickle, 'MUST', 'candidates that are of no use are discarded silently', async (s) => {
      const { made } = await trickling(s);
      const strange = ['2 1 udp 2122252543 3f5ab1c2-0d4e-4f6a-8b7c-9d0e1f2a3b4c.local 40001 typ host', '3 1 tcp 1518280447 192.0.2.10 9 typ host tcptype active', '4 1 udp 1 2001:db8::1 40002 typ relay raddr 0.0.0.0 rport 0', HOST];
      const reply = await s.patch(made, fragment(made.offer, strange), { ifMatch: made.etag });
      need(reply.status === 204, brief(reply));
      return '204';
    }),
    check('trickle-overlapping', patch, 'MUST', 'five PATCH requests at once are all taken', async (s) => {
      const { made } = await trickling(s);
      const replies = await Promise.all([0, 1, 2, 3, 4].map((n) => s.patch(made, fragment(made.offer, [HOST.replace('40000', String(40010 + n))]), { ifMatch: made.etag })));
      need(replies.every((r) => r.status === 204), replies.map((r) => r.status).join());
      return 'all 204';
    }),
    check('patch-428', patch, 'MUST', 'without If-Match: 428', async (s) => {
      const { made } = await trickling(s);
      if (made.etag === undefined) skip('the server has no entity-tags');
      const reply = await s.patch(made, fragment(made.offer, [HOST]));
      need(reply.status === 428, brief(reply));
      return '428';
    }),
    check('patch-412', patch, 'MUST', 'with another tag: 412', async (s) => {
      const { made } = await trickling(s);
      if (made.etag === undefined) skip('the server has no entity-tags');
      const reply = await s.patch(made, fragment(made.offer, [HOST]), { ifMatch: '"never-was"' });
      need(reply.status === 412, brief(reply));
      return '412';
    }),
    check('patch-type', patch, 'MUST', 'another type is refused', async (s) => {
      const made = await s.create();
      const reply = await s.patch(made, fragment(made.offer, [HOST]), { ifMatch: made.etag, type: 'text/plain' });
      is4xx(reply);
      return brief(reply);
    }),
    check('patch-malformed', patch, 'MUST', 'a malformed fragment is refused, the session stays', async (s) => {
      const { made } = await trickling(s);
      for (const body of ['hello', '', '\u0000\u0001']) is4xx(await s.patch(made, body, { ifMatch: made.etag }));
      const reply = await s.patch(made, fragment(made.offer, [HOST]), { ifMatch: made.etag });
      need(reply.status === 204, `afterwards ${brief(reply)}`);
      return '4xx, then 204';
    }),
    check('restart-200', restart, 'MUST', 'ICE restart: 200 with a fragment', async (s) => {
      const { reply } = await restarted(s);
      need(reply.status === 200, brief(reply));
      need(mediaType(reply) === 'application/trickle-ice-sdpfrag', `Content-Type ${reply.headers['content-type']}`);
      return reply.headers['content-type'];
    }),
    check('restart-credentials', restart, 'MUST', '... new credentials and candidates', async (s) => {
      const { made, reply } = await restarted(s);
      const frag = parse(reply.text);
      const ufrag = attribute(frag, frag.media[0], 'ice-ufrag');
      const pwd = attribute(frag, frag.media[0], 'ice-pwd');
      need(ufrag && pwd, 'no credentials');
      need(ufrag !== attribute(made.answer, made.answer.media[0], 'ice-ufrag') && pwd !== attribute(made.answer, made.answer.media[0], 'ice-pwd'), 'the credentials are the old ones');
      const candidates = reply.text.split(/\r?\n/).filter((text) => text.startsWith('a=candidate:'));
      need(candidates.length > 0, 'no candidates');
      return `${candidates.length} candidates`;
    }),
    check('restart-etag', restart, 'MUST', '... a new strong ETag; the old one gets 412', async (s) => {
      const { made, reply, fresh } = await restarted(s);
      need(/^"[^"]+"$/.test(reply.headers.etag ?? '') && reply.headers.etag !== made.etag, `ETag ${reply.headers.etag}`);
      const old = await s.patch(made, fragment(made.offer, [HOST], fresh), { ifMatch: made.etag });
      need(old.status === 412, `old tag: ${brief(old)}`);
      const now = await s.patch(made, fragment(made.offer, [HOST], fresh), { ifMatch: reply.headers.etag });
      need(now.status === 204, `new tag: ${brief(now)}`);
      return reply.headers.etag;
    }),
    check('restart-refused', restart, 'MUST', 'a restart that cannot be is refused, the session stays', async (s) => {
      const { made } = await trickling(s);
      const frag = fragment(made.offer, [HOST], { ufrag: 'ab', pwd: 'short' });
      is4xx(await s.patch(made, frag, { ifMatch: '*' }));
      const reply = await s.patch(made, fragment(made.offer, [HOST]), { ifMatch: made.etag });
      need(reply.status === 204, `afterwards ${brief(reply)}`);
      return '4xx, then 204';
    }),
  ];

  const ends = [
    check('delete-200', ref('4.2', '4.4'), 'MUST', 'DELETE ends the session', async (s) => {
      const { location } = await s.create();
      const response = await s.delete(location);
      need(response.status >= 200 && response.status < 300, brief(response));
      return `${response.status}`;
    }),
    check('delete-tag', patch, 'MUST', 'DELETE ignores entity-tags', async (s) => {
      const { location } = await s.create();
      const response = await s.delete(location, { headers: { 'if-match': '"never-was"' } });
      need(response.status >= 200 && response.status < 300, brief(response));
      return `${response.status}`;
    }),
    check('delete-twice', 'RFC 9110 15.5.5', 'SHOULD', 'a session that ended: 404', async (s) => {
      const made = await s.create();
      await s.delete(made.location);
      const again = await s.delete(made.location);
      const patched = await s.patch(made, fragment(made.offer, [HOST]), { ifMatch: made.etag ?? '*' });
      need(again.status === 404 || again.status === 410, `DELETE ${brief(again)}`);
      need(patched.status === 404 || patched.status === 410, `PATCH ${brief(patched)}`);
      return `${again.status}`;
    }),
    check('unknown-session', 'RFC 9110 15.5.5', 'SHOULD', 'a session that never was: 404', async (s) => {
      const made = await s.create();
      const guess = `${made.location.slice(0, -6)}aaaaaa`;
      const response = await s.http.send('DELETE', guess);
      need(response.status === 404, brief(response));
      return '404';
    }),
  ];

  const media = [
    check('media-connected', ref('4', '4'), 'MUST', 'a browser connects by ICE and DTLS', async (s) => {
      const began = Date.now();
      await s.connect();
      return `in ${Date.now() - began} ms`;
    }),
    check('media-restart', restart, 'MUST', 'media goes on after an ICE restart', async (s) => {
      const { id, made } = await s.connect();
      const sdp = await s.peers.call('restart', id);
      const candidates = sdp.split(/\r?\n/).filter((text) => text.startsWith('a=candidate:')).map((text) => text.slice(12));
      const reply = await s.patch(made, fragment(sdp, candidates), { ifMatch: '*' });
      if (notBuilt.includes(reply.status)) skip(`no ICE restarts (${reply.status})`);
      need(reply.status === 200, brief(reply));
      await s.peers.call('answer', id, withRestart(made.response.text, reply.text));
      const counter = whip ? 'packetsSent' : 'packetsReceived';
      const before = await s.peers.call('stats', id);
      // A second is longer than any queue: what comes after it went by the new checks.
      const after = await s.peers.until(() => s.peers.call('stats', id), (now) => now.video[counter] > before.video[counter] + 30, 10000);
      const state = await s.peers.call('state', id);
      need(after && state.ice !== 'failed' && state.connection === 'connected', `${JSON.stringify(state)} ${JSON.stringify(before)} -> ${JSON.stringify(await s.peers.call('stats', id))}`);
      return `${after.video[counter] - before.video[counter]} packets since`;
    }),
    check('media-delete', 'RFC 7675 5.2', 'MUST', 'DELETE ends the connection', async (s) => {
      const { id, made } = await s.connect();
      const began = Date.now();
      await s.delete(made.location);
      const ended = await s.peers.until(() => s.peers.call('state', id), (state) => state.connection !== 'connected' || state.dtls === 'closed', 40000);
      need(ended, `still ${JSON.stringify(await s.peers.call('state', id))} after 40 s`);
      return `${JSON.stringify(ended)} after ${Date.now() - began} ms`;
    }),
  ];

  const limits = [
    check('retry-after', ref('4.5', '4.7'), 'SHOULD', 'rate limits say when to come again', async (s) => {
      if (!s.http.limits.length) skip('no limit was met');
      need(s.http.limits.every((limit) => limit.retryAfter !== undefined), `${s.http.limits.length} answers, some without Retry-After`);
      return `${s.http.limits.length} times`;
    }),
  ];

  return [...created, ...answers, ...refused, ...auth, ...cors, ...methods, ...patches, ...ends, ...media, ...limits];
}
