import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { hasText, locale, pickLocale, setLocale, t } from '../lib/i18n.js';

/** @param {string} name @returns {Promise<Record<string, string>>} */
const table = async (name) => JSON.parse(await readFile(new URL(`../i18n/${name}.json`, import.meta.url), 'utf8'));

test('the three languages have the same keys and the same places', async () => {
  const en = await table('en');
  for (const name of ['nb', 'sv']) {
    const other = await table(name);
    assert.deepEqual(Object.keys(other), Object.keys(en), name);
    for (const [key, text] of Object.entries(en)) {
      const places = (/** @type {string} */ s) => [...s.matchAll(/\{\w+\}/g)].map(String).sort().join();
      assert.equal(places(other[key] ?? ''), places(text), `${name} ${key}`);
      assert.notEqual(other[key]?.trim(), '', `${name} ${key}`);
    }
  }
});

test('every text that the code names exists', async () => {
  const en = await table('en');
  const missing = [];
  for (const folder of ['elements', 'pages']) {
    for (const entry of await readdir(new URL(`../${folder}/`, import.meta.url), { recursive: true })) {
      if (!entry.endsWith('.js')) continue;
      const source = await readFile(new URL(`../${folder}/${entry}`, import.meta.url), 'utf8');
      for (const [, key] of source.matchAll(/\bt\('([a-z0-9_.-]+)'/g)) {
        if (key && !(key in en) && !(`${key}.other` in en)) missing.push(`${entry}: ${key}`);
      }
    }
  }
  assert.deepEqual(missing, []);
});

test('plural forms, numbers and places', () => {
  setLocale('en');
  assert.equal(t('viewers', { count: 1 }), '1 viewer');
  assert.equal(t('viewers', { count: 1200 }), '1,200 viewers');
  assert.equal(t('desk.sale', { count: 2, title: 'Mug' }), '2 × Mug');
  setLocale('nb');
  assert.equal(locale(), 'nb');
  assert.equal(t('viewers', { count: 2 }), '2 seere');
  assert.equal(t('chat.guest', { id: 'x{y}' }), 'Gjest x{y}');
  assert.equal(t('no.such.key'), 'no.such.key');
  assert.equal(hasText('error.sold_out'), true);
});

test('the browser decides the language', () => {
  assert.equal(pickLocale(['nb-NO', 'en']), 'nb');
  assert.equal(pickLocale(['nn', 'en']), 'nb');
  assert.equal(pickLocale(['de-DE', 'sv-SE']), 'sv');
  assert.equal(pickLocale(['fr']), 'en');
  assert.equal(pickLocale([]), 'en');
});
