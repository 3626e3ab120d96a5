// What the checks share: a client, a browser, sessions that are ended after each check.
import { Client } from './http.mjs';
import { fail } from './report.mjs';
import { parse } from './sdp.mjs';

export class Session {
  constructor({ url, token, insecure, name, way, peers }) {
    this.url = url;
    this.token = token;
    this.name = name;
    this.way = way;
    this.peers = peers;
    this.http = new Client({ token, insecure });
    this.open = [];
    this.pcs = [];
    this.problems = [];
  }

  /** A browser's offer as text; the same one each time, for checks without media. */
  async offerText() {
    this.text ??= (await this.peers.offer(this.way)).sdp;
    return this.text;
  }

  /** POST of a body, whatever comes back. */
  async post(body, { type = 'application/sdp', ...options } = {}) {
    const headers = { ...(type ? { 'content-type': type } : {}), accept: 'application/sdp', ...(options.headers ?? {}) };
    const response = await this.http.send('POST', this.url, { ...options, body, headers });
    if (response.status === 201 && response.headers.location) this.open.push(new URL(response.headers.location, response.url).href);
    if (response.status >= 400) this.problems.push(response);
    return response;
  }

  /** A session made from `offer`: fails the check when the server does not make one. */
  async create(offer) {
    offer ??= await this.offerText();
    const response = await this.post(offer);
    if (response.status !== 201) fail(`POST answered ${response.status} ${response.text.slice(0, 120)}`);
    if (!response.headers.location) fail('201 without Location');
    return { response, offer, etag: response.headers.etag, location: this.open.at(-1), answer: parse(response.text) };
  }

  patch(made, body, { ifMatch, type = 'application/trickle-ice-sdpfrag' } = {}) {
    const headers = { 'content-type': type, ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }) };
    return this.http.send('PATCH', made.location, { headers, body });
  }

  delete(location, options = {}) {
    this.open = this.open.filter((one) => one !== location);
    return this.http.send('DELETE', location, options);
  }

  /** A session with a connection behind it: {id, made}. */
  async connect({ simulcast = false } = {}) {
    const { id, sdp } = await this.peers.offer(this.way, simulcast);
    this.pcs.push(id);
    const made = await this.create(sdp);
    await this.peers.call('answer', id, made.response.text);
    const state = await this.peers.until(() => this.peers.call('state', id), (s) => s.connection === 'connected', 15000);
    if (!state) fail(`not connected in 15 s: ${JSON.stringify(await this.peers.call('state', id))}`);
    return { id, made };
  }

  /** After each check: nothing stays behind. */
  async tidy() {
    for (const id of this.pcs.splice(0)) await this.peers.call('close', id).catch(() => {});
    for (const location of this.open.splice(0)) await this.http.send('DELETE', location).catch(() => {});
  }
}
