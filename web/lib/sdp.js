/** @file The few words that a page changes in session descriptions, and ICE restart fragments. Pure. */

/**
 * Asks for stereo sound: Chromium sends mono unless both descriptions say so (RFC 7587 s7).
 * @param {string} sdp
 * @param {number} [bitrate] of the whole, bit/s
 */
export function stereoOpus(sdp, bitrate = 128000) {
  const pt = /^a=rtpmap:(\d+) opus\/48000\/2/im.exec(sdp)?.[1];
  if (!pt) return sdp;
  const wanted = [['stereo', '1'], ['sprop-stereo', '1'], ['maxaveragebitrate', String(bitrate)]];
  const line = new RegExp(`^a=fmtp:${pt} (.*)$`, 'm');
  const found = line.exec(sdp);
  if (!found) {
    const words = wanted.map((pair) => pair.join('=')).join(';');
    return sdp.replace(new RegExp(`^(a=rtpmap:${pt} .*)$`, 'm'), (map) => `${map.trimEnd()}\r\na=fmtp:${pt} ${words}\r`).replace(/\r+/g, '\r');
  }
  const known = (found[1] ?? '').trim().split(';').map((pair) => pair.trim()).filter(Boolean);
  const names = new Set(known.map((pair) => pair.split('=')[0]));
  const more = wanted.filter(([name]) => !names.has(name)).map((pair) => pair.join('='));
  return sdp.replace(line, (whole) => `a=fmtp:${pt} ${[...known, ...more].join(';')}${whole.endsWith('\r') ? '\r' : ''}`);
}

/**
 * The ICE credentials of a description: of its first m-line, or of the session.
 * @param {string} sdp
 * @returns {{ ufrag: string, pwd: string } | null}
 */
export function credentials(sdp) {
  const ufrag = /^a=ice-ufrag:(\S+)/m.exec(sdp)?.[1];
  const pwd = /^a=ice-pwd:(\S+)/m.exec(sdp)?.[1];
  return ufrag && pwd ? { ufrag, pwd } : null;
}

/**
 * The PATCH body of an ICE restart (RFC 9725 s4.3.2, RFC 8840 s9): new credentials, no candidates —
 * the server is ICE-lite and learns our addresses from our checks.
 * @param {string} offer
 * @returns {string | null}
 */
export function restartFragment(offer) {
  const mine = credentials(offer);
  const media = /^m=(audio|video) [^\r\n]*/m.exec(offer)?.[0];
  const mid = /^a=mid:(\S+)/m.exec(offer)?.[1];
  if (!mine || !media || !mid) return null;
  const bundle = /^a=group:BUNDLE [^\r\n]*/m.exec(offer)?.[0];
  const lines = ['a=ice-options:trickle ice2', ...(bundle ? [bundle] : []), media, `a=mid:${mid}`, `a=ice-ufrag:${mine.ufrag}`, `a=ice-pwd:${mine.pwd}`];
  return `${lines.join('\r\n')}\r\n`;
}

/**
 * The answer in force, with what the server's fragment renews: credentials and candidates.
 * @param {string} answer
 * @param {string} fragment
 * @returns {string | null} null: the fragment restarts nothing
 */
export function withFragment(answer, fragment) {
  const theirs = credentials(fragment);
  const old = credentials(answer);
  if (!theirs || !old || theirs.ufrag === old.ufrag) return null;
  const candidates = [...new Set(fragment.match(/^a=candidate:[^\r\n]+/gm) ?? [])];
  const kept = candidates.length > 0 ? answer.replace(/^a=(candidate:[^\r\n]*|end-of-candidates)\r?\n/gm, '') : answer;
  let first = true;
  return kept
    .replace(/^a=ice-pwd:[^\r\n]*/gm, `a=ice-pwd:${theirs.pwd}`)
    .replace(/^a=ice-ufrag:[^\r\n]*/gm, () => {
      const lines = [`a=ice-ufrag:${theirs.ufrag}`, ...(first ? candidates : [])];
      first = false;
      return lines.join('\r\n');
    });
}
