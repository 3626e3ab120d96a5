/** @file Staff log in: a token becomes a cookie that pages cannot read. */
import { getJson, postJson } from '../lib/http.js';

/** @typedef {{ id: string, name: string, roles: string[], show?: string }} You */

const staff = ['advisor', 'moderator', 'host', 'merchandiser', 'admin'];

/** Whether this person works at this show.
 * @param {You | null} you
 * @param {string} show
 */
export function isStaff(you, show) {
  return you !== null && you.roles.some((role) => staff.includes(role)) && (you.show === undefined || you.show === show);
}

/** @returns {Promise<You>} */
export async function whoAmI() {
  return (await getJson('/api/v1/session')).you;
}

/** @param {string} token @returns {Promise<You>} */
export async function logIn(token) {
  return (await postJson('/api/v1/session', { token })).you;
}

/**
 * A one-time code from the desk's QR code, for a phone.
 * @param {string} code
 * @returns {Promise<You>}
 */
export async function logInByCode(code) {
  return (await postJson('/api/v1/session', { code })).you;
}

export async function logOut() {
  await getJson('/api/v1/session', { method: 'DELETE' });
}

/**
 * A token in the fragment (#token=… or #tg_…) is used once and taken out of the address and history.
 * @returns {string | null}
 */
export function tokenFromFragment() {
  const match = /^#(?:token=)?(tg_[A-Za-z0-9_-]+)$/.exec(location.hash);
  if (!match) return null;
  history.replaceState(null, '', location.pathname + location.search);
  return match[1] ?? null;
}

/**
 * A one-time code in the fragment (#code=tc_…), taken out like a token.
 * @returns {string | null}
 */
export function codeFromFragment() {
  const match = /^#code=(tc_[A-Za-z0-9_-]+)$/.exec(location.hash);
  if (!match) return null;
  history.replaceState(null, '', location.pathname + location.search);
  return match[1] ?? null;
}
