/** @file fetch with a timeout and the server's own words on failure (RFC 9457). */
import { locale } from './i18n.js';

export class HttpError extends Error {
  /**
   * @param {number} status 0 = no answer
   * @param {string} message
   * @param {number} [retryMs] not before then again, says the server; 0 = it says nothing
   */
  constructor(status, message, retryMs = 0) {
    super(message);
    this.status = status;
    this.retryMs = retryMs;
  }
}

/**
 * @param {string} url
 * @param {RequestInit & { timeoutMs?: number }} [init]
 * @returns {Promise<any>} the JSON body, or null without one; throws HttpError
 */
export async function getJson(url, { timeoutMs = 8000, ...init } = {}) {
  /** @type {Response} */
  let response;
  try {
    // Products come in the language of the page, which need not be the browser's.
    const headers = { 'Accept-Language': locale(), .../** @type {Record<string, string>} */ (init.headers ?? {}) };
    response = await fetch(url, { ...init, headers, signal: AbortSignal.timeout(timeoutMs) });
  } catch (error) {
    throw new HttpError(0, String(error));
  }
  const body = await response.json().catch(() => null);
  if (!response.ok) throw new HttpError(response.status, body?.detail ?? body?.title ?? response.statusText);
  return body;
}

/**
 * @param {string} url
 * @param {unknown} value
 */
export function putJson(url, value) {
  return getJson(url, { method: 'PUT', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(value) });
}

/**
 * @param {string} url
 * @param {unknown} value
 * @param {Record<string, string>} [headers]
 */
export function postJson(url, value, headers = {}) {
  return getJson(url, { method: 'POST', headers: { 'Content-Type': 'application/json', ...headers }, body: JSON.stringify(value) });
}
