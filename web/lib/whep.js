/**
 * @file One WHEP session (draft-ietf-wish-whep): offer, answer, end. The server is ICE-lite and puts its
 * candidates in the answer, so nothing is gathered and nothing trickled; our checks tell it where we are.
 */
import { HttpError, getJson, postJson } from './http.js';
import { restartIce } from './ice-restart.js';
import { readLayers } from './layers.js';
import { linkTarget } from './link-header.js';

const LAYER_REL = 'urn:ietf:params:whep:ext:core:layer';

/** No room now: a place in line, kept by its ticket until the next offer. */
export class WaitError extends HttpError {
  /**
   * @param {string} message
   * @param {{ position: number, ticket: string, retryS: number }} place
   */
  constructor(message, place) {
    super(503, message);
    this.place = place;
  }
}

export class WhepSession {
  /** @type {RTCPeerConnection | null} */
  #pc = null;
  #resource = '';
  #layers = '';

  /** @type {(stream: MediaStream) => void} */
  onStream = () => {};
  /** @type {(state: 'connected' | 'unsteady' | 'failed') => void} */
  onState = () => {};

  /**
   * @param {string} url /whep/{show}
   * @param {{ token?: string | null, ticket?: string, timeoutMs?: number }} [options] ticket: of an earlier WaitError
   */
  constructor(url, { token = null, ticket = '', timeoutMs = 8000 } = {}) {
    this.url = url;
    this.token = token;
    this.ticket = ticket;
    this.timeoutMs = timeoutMs;
  }

  /** Throws WaitError, or HttpError (status 0: no answer, or an answer that the browser cannot use). */
  async start() {
    const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
    this.#pc = pc;
    const stream = new MediaStream();
    for (const kind of ['video', 'audio']) {
      const { receiver } = pc.addTransceiver(kind, { direction: 'recvonly' });
      // As little as the network allows: the shop's buttons must meet the words.
      if ('jitterBufferTarget' in receiver) receiver.jitterBufferTarget = 0;
      stream.addTrack(receiver.track);
    }
    pc.onconnectionstatechange = () => this.#report(pc);
    await pc.setLocalDescription();
    const answer = await this.#offer(pc.localDescription?.sdp ?? '');
    if (this.#pc !== pc) return; // stopped meanwhile
    await pc.setRemoteDescription({ type: 'answer', sdp: answer }).catch((error) => {
      throw new HttpError(0, String(error));
    });
    const dtls = pc.getReceivers()[0]?.transport;
    if (dtls) dtls.onstatechange = () => dtls.state === 'closed' && this.#pc === pc && this.onState('failed');
    this.onStream(stream);
  }

  /** @param {string} sdp */
  async #offer(sdp) {
    /** @type {Record<string, string>} */
    const headers = { 'Content-Type': 'application/sdp', Accept: 'application/sdp', ...this.#auth() };
    if (this.ticket) headers['Torg-Ticket'] = this.ticket;
    const init = { method: 'POST', headers, body: sdp, signal: AbortSignal.timeout(this.timeoutMs) };
    const response = await fetch(this.url, init).catch((error) => {
      throw new HttpError(0, String(error));
    });
    const location = response.headers.get('Location');
    if (location) this.#resource = new URL(location, new URL(this.url, document.baseURI)).href;
    if (response.status !== 201) throw await refusal(response);
    this.#layers = linkTarget(response.headers.get('Link'), LAYER_REL, this.#resource);
    const answer = await response.text();
    if (!this.#pc) this.#end(); // stopped while the answer was on its way
    return answer;
  }

  /** @param {RTCPeerConnection} pc */
  #report(pc) {
    if (this.#pc !== pc) return;
    if (pc.connectionState === 'connected') this.onState('connected');
    else if (pc.connectionState === 'disconnected') this.onState('unsteady');
    else if (pc.connectionState === 'failed' || pc.connectionState === 'closed') this.onState('failed');
  }

  /**
   * The network under us has changed: finds a new path for the same session.
   * @returns {Promise<boolean>} false: begin a new one
   */
  async restart() {
    const pc = this.#pc;
    if (!pc) return false;
    const ok = await restartIce(pc, this.#resource, { headers: this.#auth() });
    return ok && this.#pc === pc;
  }

  /** The sizes to choose from; throws HttpError. Empty: this server knows no choice. */
  async layers() {
    return this.#layers ? readLayers(await getJson(this.#layers, { headers: this.#auth() })) : [];
  }

  /** @param {string} rid 'auto': the server chooses */
  async choose(rid) {
    return this.#layers ? readLayers(await postJson(this.#layers, { rid }, this.#auth())) : [];
  }

  /** @returns {Record<string, string>} */
  #auth() {
    return this.token ? { Authorization: `Bearer ${this.token}` } : {};
  }

  get connected() {
    return this.#pc?.connectionState === 'connected';
  }

  /** Ends the session here and at the server; survives the page (keepalive). */
  stop() {
    const pc = this.#pc;
    this.#pc = null;
    if (pc) {
      pc.onconnectionstatechange = null;
      pc.close();
    }
    this.#end();
  }

  #end() {
    if (!this.#resource) return;
    fetch(this.#resource, { method: 'DELETE', keepalive: true, headers: this.#auth() }).catch(() => {
      // The server sees the closed connection, too; consent expiry is the last resort.
    });
    this.#resource = '';
  }
}

/** @param {Response} response */
async function refusal(response) {
  const body = await response.json().catch(() => null);
  const message = body?.detail ?? body?.title ?? response.statusText;
  const { position, ticket, retry_s: retryS } = body ?? {};
  if (response.status === 503 && position > 0 && typeof ticket === 'string' && retryS > 0) return new WaitError(message, { position, ticket, retryS });
  return new HttpError(response.status, message, 1000 * (Number(response.headers.get('Retry-After')) || 0));
}
