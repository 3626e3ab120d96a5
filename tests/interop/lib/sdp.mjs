// A session description taken apart just as far as the checks need it.
import { readFile } from 'node:fs/promises';

const offers = new URL('../offers/', import.meta.url);

/** @returns {{session: string[], media: {kind: string, port: number, proto: string, formats: string[], lines: string[]}[]}} */
export function parse(text) {
  const session = [];
  const media = [];
  for (const line of text.split(/\r\n|\n/).filter(Boolean)) {
    const m = /^m=(\S+) (\d+)(?:\/\d+)? (\S+) (.*)$/.exec(line);
    if (m) media.push({ kind: m[1], port: Number(m[2]), proto: m[3], formats: m[4].split(' '), lines: [] });
    else (media.at(-1)?.lines ?? session).push(line);
  }
  return { session, media };
}

/** The first a=name of an m-line, else of the session; undefined when there is none, '' for a flag. */
export function attribute(sdp, m, name) {
  for (const lines of [m?.lines ?? [], sdp.session]) {
    for (const line of lines) {
      if (line === `a=${name}`) return '';
      if (line.startsWith(`a=${name}:`)) return line.slice(name.length + 3);
    }
  }
  return undefined;
}

export const all = (m, name) => m.lines.filter((line) => line.startsWith(`a=${name}:`)).map((line) => line.slice(name.length + 3));

const directions = ['sendrecv', 'sendonly', 'recvonly', 'inactive'];
export function direction(sdp, m) {
  for (const lines of [m.lines, sdp.session]) {
    const found = lines.map((line) => line.slice(2)).find((name) => directions.includes(name));
    if (found) return found;
  }
  return 'sendrecv';
}

/** The codec names of an m-line, by payload type. */
export function codecs(m) {
  return Object.fromEntries(all(m, 'rtpmap').map((map) => [map.split(' ')[0], map.split(' ')[1].toLowerCase()]));
}

/** a=fmtp of one payload type, as an object. */
export function format(m, pt) {
  const line = all(m, 'fmtp').find((text) => text.startsWith(`${pt} `)) ?? '';
  return Object.fromEntries(line.slice(line.indexOf(' ') + 1).split(';').map((part) => part.trim().split('=')).filter((part) => part[0]));
}

/** A text fixture, as a publisher's offer or as a player's. @param {'send' | 'recv'} way */
export async function fixture(name, way) {
  const text = (await readFile(new URL(`${name}.sdp`, offers), 'utf8')).replace(/\r?\n/g, '\r\n');
  if (way === 'send') return text;
  return text.replaceAll('a=sendonly\r\n', 'a=recvonly\r\n').replace(/^a=(ssrc|ssrc-group|msid):.*\r\n/gm, '');
}

const random = (length) => Array.from(crypto.getRandomValues(new Uint8Array(length)), (b) => 'abcdefghijklmnopqrstuvwxyzABCDEF'[b & 31]).join('');
export const credentials = () => ({ ufrag: random(8), pwd: random(24) });

/** application/trickle-ice-sdpfrag (RFC 8840 s9) with the credentials and first m-line of `offer`. */
export function fragment(offer, candidates, { end = false, ufrag, pwd } = {}) {
  const sdp = parse(offer);
  const [m] = sdp.media;
  return [
    `a=ice-ufrag:${ufrag ?? attribute(sdp, m, 'ice-ufrag')}`, `a=ice-pwd:${pwd ?? attribute(sdp, m, 'ice-pwd')}`,
    `m=${m.kind} 9 ${m.proto} ${m.formats[0]}`, `a=mid:${attribute(sdp, m, 'mid')}`,
    ...candidates.map((c) => `a=candidate:${c}`), ...(end ? ['a=end-of-candidates'] : []), '',
  ].join('\r\n');
}

/** An answer with the credentials and candidates of a restart's fragment. */
export function withRestart(answer, frag) {
  const ufrag = /a=ice-ufrag:(.*)\r?\n/.exec(frag)?.[1];
  const pwd = /a=ice-pwd:(.*)\r?\n/.exec(frag)?.[1];
  const candidates = frag.split(/\r?\n/).filter((line) => line.startsWith('a=candidate:'));
  const fresh = answer.replace(/a=ice-ufrag:.*\r?\n/g, `a=ice-ufrag:${ufrag}\r\n`).replace(/a=ice-pwd:.*\r?\n/g, `a=ice-pwd:${pwd}\r\n`);
  if (!candidates.length) return fresh;
  let first = true;
  return fresh.replace(/a=candidate:.*\r?\n/g, () => {
    const text = first ? candidates.map((c) => `${c}\r\n`).join('') : '';
    first = false;
    return text;
  });
}
