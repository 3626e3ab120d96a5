/** @file What every page does first: its language, and its place in the path. */
import { locale, pickLocale, setLocale } from '../lib/i18n.js';
import { identity } from '../lib/identity.js';

export function start() {
  const kept = identity.language();
  setLocale(pickLocale(kept ? [kept] : navigator.languages));
  document.documentElement.lang = locale();
}

/** The last part of /s/{show}, /desk/{show}, /studio/{show}, /pay/sandbox/{payment}. */
export function lastPathPart() {
  return decodeURIComponent(location.pathname.split('/').filter(Boolean).at(-1) ?? '');
}

/** @param {string} path */
export function socketUrl(path) {
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${path}`;
}
