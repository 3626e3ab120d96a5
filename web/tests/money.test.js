import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatMoney, minorPerUnit, parseAmount, plainAmount } from '../lib/money.js';

/** Intl uses no-break spaces; what a reader sees is a space. @param {string} text */
const plain = (text) => text.replace(/[\u00a0\u202f]/g, ' ');

test('minor units follow the currency', () => {
  assert.deepEqual(['NOK', 'JPY', 'KWD'].map(minorPerUnit), [100, 1, 1000]);
});

test('whole amounts have no fraction, others have it all', () => {
  assert.equal(plain(formatMoney({ amount: 129900, currency: 'NOK' }, 'nb-NO')), '1 299 kr');
  assert.equal(plain(formatMoney({ amount: 129950, currency: 'NOK' }, 'nb-NO')), '1 299,50 kr');
  assert.equal(plain(formatMoney({ amount: 1299, currency: 'JPY' }, 'en-GB')), '¥1,299');
  assert.equal(plain(formatMoney({ amount: 0, currency: 'SEK' }, 'sv-SE')), '0 kr');
});

test('what people type becomes minor units or nothing', () => {
  assert.equal(parseAmount('349', 'NOK'), 34900);
  assert.equal(parseAmount('349,5', 'NOK'), 34950);
  assert.equal(parseAmount('1 299.00', 'NOK'), 129900);
  assert.equal(parseAmount('349', 'JPY'), 349);
  for (const bad of ['', 'abc', '-5', '1.234', '1e3', '1,2,3', '9999999999']) assert.equal(parseAmount(bad, 'NOK'), null, bad);
  assert.equal(parseAmount('3.5', 'JPY'), null);
});

test('what is put into a field can be read back', () => {
  for (const amount of [0, 1, 99, 100, 34950, 129900]) assert.equal(parseAmount(plainAmount({ amount, currency: 'NOK' }), 'NOK'), amount);
});
