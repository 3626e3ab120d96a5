/** @file The addresses of a Link header (RFC 8288), by their relation. */

/**
 * @param {string | null} header several may have been joined by commas
 * @param {string} rel
 * @param {string} base what relative addresses are relative to
 * @returns {string} the first target of this relation, absolute; '' = none
 */
export function linkTarget(header, rel, base) {
  for (const [, target = '', parameters = ''] of (header ?? '').matchAll(/<([^>]*)>((?:\s*;\s*[\w*-]+\s*=\s*(?:"[^"]*"|[^",;\s]*))*)/g)) {
    const [, quoted, plain] = /;\s*rel\s*=\s*(?:"([^"]*)"|([^",;\s]*))/i.exec(parameters) ?? [];
    if ((quoted ?? plain ?? '').split(/\s+/).includes(rel)) return new URL(target, base).href;
  }
  return '';
}
