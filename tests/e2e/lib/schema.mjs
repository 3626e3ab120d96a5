// Checks JSON against web/api/openapi.json and asyncapi.json: the keywords that those use, and no
// others, so that a schema that says something new is noticed.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { top } from './server.mjs';

const remarks = new Set(['description', 'title', 'examples', 'format', 'default']);
const typeOf = (v) => (v === null ? 'null' : Array.isArray(v) ? 'array' : Number.isInteger(v) ? 'integer' : typeof v);
const chars = (text) => [...text].length;

/** Each answers true when the value fits; `at` of objects and arrays is checked by `walk`. */
const rules = {
  type: (want, v) => [want].flat().some((t) => t === typeOf(v) || (t === 'number' && typeof v === 'number')),
  const: (want, v) => JSON.stringify(want) === JSON.stringify(v),
  enum: (want, v) => want.some((w) => JSON.stringify(w) === JSON.stringify(v)),
  required: (want, v) => typeOf(v) !== 'object' || want.every((name) => name in v),
  minimum: (want, v) => typeof v !== 'number' || v >= want,
  maximum: (want, v) => typeof v !== 'number' || v <= want,
  minLength: (want, v) => typeof v !== 'string' || chars(v) >= want,
  maxLength: (want, v) => typeof v !== 'string' || chars(v) <= want,
  pattern: (want, v) => typeof v !== 'string' || new RegExp(want, 'u').test(v),
  minItems: (want, v) => !Array.isArray(v) || v.length >= want,
  maxItems: (want, v) => !Array.isArray(v) || v.length <= want,
  maxProperties: (want, v) => typeOf(v) !== 'object' || Object.keys(v).length <= want,
  minProperties: (want, v) => typeOf(v) !== 'object' || Object.keys(v).length >= want,
};

export class Schemas {
  constructor(name) {
    this.doc = JSON.parse(readFileSync(path.join(top, 'web', 'api', `${name}.json`), 'utf8'));
  }

  resolve(schema) {
    let at = schema;
    while (at?.$ref) at = at.$ref.slice(2).split('/').reduce((node, key) => node[key], this.doc);
    return at;
  }

  /** What is wrong, in words; null when the value fits. */
  fault(schema, value, at = '$') {
    const s = this.resolve(schema);
    if (s === true || s === undefined) return null;
    for (const [key, want] of Object.entries(s)) {
      if (rules[key] && !rules[key](want, value)) return `${at}: ${key} ${JSON.stringify(want)} is not ${JSON.stringify(value)?.slice(0, 200)}`;
      if (key === 'oneOf' && want.filter((one) => !this.fault(one, value, at)).length !== 1) {
        return `${at}: not exactly one of ${want.length}: ${want.map((one) => this.fault(one, value, at)).join(' | ').slice(0, 2000)}`;
      }
      if (key === 'anyOf' && want.every((one) => this.fault(one, value, at))) {
        return `${at}: none of ${want.length}: ${want.map((one) => this.fault(one, value, at)).join(' | ').slice(0, 2000)}`;
      }
      if (!rules[key] && !remarks.has(key) && !['oneOf', 'anyOf', 'properties', 'items', 'additionalProperties'].includes(key)) {
        return `${at}: the schema says "${key}", which lib/schema.mjs does not know`;
      }
    }
    return this.#parts(s, value, at);
  }

  #parts(s, value, at) {
    if (Array.isArray(value) && s.items) {
      for (const [i, item] of value.entries()) {
        const fault = this.fault(s.items, item, `${at}[${i}]`);
        if (fault) return fault;
      }
    }
    if (typeOf(value) !== 'object') return null;
    for (const [name, item] of Object.entries(value)) {
      const known = s.properties?.[name];
      if (!known && s.additionalProperties === false) return `${at}: "${name}" is not in the schema`;
      const fault = this.fault(known ?? s.additionalProperties, item, `${at}.${name}`);
      if (fault) return fault;
    }
    return null;
  }
}
