// HTTP as the checks need it: every header as it came, no redirect followed unasked, and polite
// towards rate limits. Each request has a connection of its own.
import http from 'node:http';
import https from 'node:https';

export class Client {
  /** @param {{token?: string, insecure?: boolean, timeoutMs?: number}} options */
  constructor({ token, insecure = false, timeoutMs = 15000 } = {}) {
    this.token = token;
    this.insecure = insecure;
    this.timeoutMs = timeoutMs;
    /** Answers 429 and 503: {status, retryAfter}. */
    this.limits = [];
    this.redirects = [];
  }

  #once(method, url, headers, body) {
    return new Promise((resolve, reject) => {
      const { request } = url.startsWith('https:') ? https : http;
      const options = { method, headers, agent: false, rejectUnauthorized: !this.insecure, timeout: this.timeoutMs };
      const sent = request(url, options, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part) => (text += part));
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text, url }));
      });
      sent.on('timeout', () => sent.destroy(new Error(`${method} ${url}: no answer in ${this.timeoutMs} ms`)));
      sent.on('error', reject);
      sent.end(body);
    });
  }

  /**
   * @param {{headers?: Record<string, string>, body?: string | Buffer, token?: string | null}} [options] token null: none
   * @returns {Promise<{status: number, headers: import('node:http').IncomingHttpHeaders, text: string, url: string}>}
   */
  async send(method, url, { headers = {}, body, token = this.token } = {}) {
    const all = { ...headers };
    if (token) all.authorization = `Bearer ${token}`;
    if (body !== undefined) all['content-length'] = String(Buffer.byteLength(body));
    else if (method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS') all['content-length'] = '0';
    for (let tries = 0; ; tries++) {
      const response = await this.#once(method, url, all, body);
      if ((response.status === 307 || response.status === 308) && response.headers.location && tries < 5) {
        this.redirects.push({ from: url, to: response.headers.location, status: response.status });
        url = new URL(response.headers.location, url).href;
        continue;
      }
      if (response.status !== 429 && response.status !== 503) return response;
      const retryAfter = response.headers['retry-after'];
      this.limits.push({ status: response.status, retryAfter });
      const seconds = Number(retryAfter ?? NaN);
      if (tries >= 5 || !(seconds <= 30)) return response;
      await new Promise((resolve) => setTimeout(resolve, Math.max(seconds, 0.2) * 1000));
    }
  }
}

/** "application/sdp; charset=x" -> "application/sdp" */
export const mediaType = (response) => (response.headers['content-type'] ?? '').split(';')[0].trim().toLowerCase();
/** A header with a list, lower case. */
export const list = (response, name) => [response.headers[name] ?? ''].flat().join(',').split(',').map((item) => item.trim().toLowerCase()).filter(Boolean);
