/** @file The three languages of the pages. Keys are the same in each (a test sees to it). */
import en from '../i18n/en.json' with { type: 'json' };
import nb from '../i18n/nb.json' with { type: 'json' };
import sv from '../i18n/sv.json' with { type: 'json' };

/** @typedef {keyof typeof en} Key */
/** @typedef {'en' | 'nb' | 'sv'} Locale */

/** @type {Record<Locale, Record<string, string>>} */
const tables = { en, nb, sv };
/** @type {Record<Locale, string>} what Intl is asked with */
const regions = { en: 'en-GB', nb: 'nb-NO', sv: 'sv-SE' };
/** @type {Record<Locale, string>} */
export const localeNames = { en: 'English', nb: 'Norsk', sv: 'Svenska' };

/** @type {Locale} */
let current = 'en';
const changed = new EventTarget();

/**
 * The first language of a browser's list that the pages speak.
 * @param {readonly string[]} wanted
 * @returns {Locale}
 */
export function pickLocale(wanted) {
  for (const tag of wanted) {
    const base = tag.toLowerCase().split('-')[0];
    if (base === 'en' || base === 'nb' || base === 'sv') return base;
    if (base === 'no' || base === 'nn' || base === 'da') return 'nb'; // the nearest that is read with ease
  }
  return 'en';
}

/** @returns {Locale} */
export function locale() {
  return current;
}

/** For Intl formats. */
export function region() {
  return regions[current];
}

/** @param {Locale} next */
export function setLocale(next) {
  if (next === current) return;
  current = next;
  changed.dispatchEvent(new Event('change'));
}

/**
 * @param {() => void} listener
 * @param {AbortSignal} signal
 */
export function onLocaleChange(listener, signal) {
  changed.addEventListener('change', listener, { signal });
}

/**
 * The text of a key, with {name} replaced. With a `count` the key's plural form is taken
 * ("viewers.one", "viewers.other").
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function t(key, values = {}) {
  const table = tables[current];
  let found = key;
  if (typeof values.count === 'number') {
    const form = new Intl.PluralRules(regions[current]).select(values.count);
    found = [`${key}.${form}`, `${key}.other`].find((name) => name in table) ?? key;
  }
  const text = table[found] ?? tables.en[found] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === 'number' ? new Intl.NumberFormat(regions[current]).format(value) : value;
  });
}

/** Whether there is a text of that key (for keys made of codes from the server).
 * @param {string} key
 */
export function hasText(key) {
  return key in tables.en;
}
