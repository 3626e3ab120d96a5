/** @file Money is integer minor units until the moment it is drawn. */

/** @typedef {import('./wire.js').Money} Money */

/** @type {Map<string, Intl.NumberFormat>} */
const formats = new Map();

/**
 * @param {string} locale
 * @param {string} currency
 * @param {boolean} whole
 */
function format(locale, currency, whole) {
  const key = `${locale} ${currency} ${whole}`;
  let found = formats.get(key);
  if (!found) {
    const options = /** @type {Intl.NumberFormatOptions} */ ({ style: 'currency', currency, currencyDisplay: 'narrowSymbol' });
    if (whole) Object.assign(options, { minimumFractionDigits: 0, maximumFractionDigits: 0 });
    found = new Intl.NumberFormat(locale, options);
    formats.set(key, found);
  }
  return found;
}

/**
 * Minor units per unit, as the currency defines it (NOK 100, JPY 1, KWD 1000).
 * @param {string} currency
 */
export function minorPerUnit(currency) {
  return 10 ** (format('en', currency, false).resolvedOptions().maximumFractionDigits ?? 2);
}

/**
 * "349 kr" or "349,50 kr": the fraction is drawn only when there is one.
 * @param {Money} money
 * @param {string} locale
 */
export function formatMoney({ amount, currency }, locale) {
  const per = minorPerUnit(currency);
  return format(locale, currency, amount % per === 0).format(amount / per);
}

/**
 * What a person typed ("349", "349,50", "1 299.00") in minor units; null when it is no amount.
 * @param {string} text
 * @param {string} currency
 * @returns {number | null}
 */
export function parseAmount(text, currency) {
  const per = minorPerUnit(currency);
  const digits = Math.round(Math.log10(per));
  const clean = text.replace(/[\s\u00a0\u202f]/g, '').replace(',', '.');
  const match = /^(\d{1,9})(?:\.(\d+))?$/.exec(clean);
  if (!match || (match[2]?.length ?? 0) > digits) return null;
  return Number(match[1]) * per + Number((match[2] ?? '').padEnd(digits, '0') || 0);
}

/**
 * For an input field: "349" or "349.50", parseable by parseAmount.
 * @param {Money} money
 */
export function plainAmount({ amount, currency }) {
  const per = minorPerUnit(currency);
  return amount % per === 0 ? String(amount / per) : (amount / per).toFixed(Math.round(Math.log10(per)));
}
