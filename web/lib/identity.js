/** @file What a browser remembers about its person: the resume secret, a name, the language. Per origin. */

/** @param {string} key */
function read(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // storage forbidden: the person lives as long as the page
  }
}

/**
 * @param {string} key
 * @param {string} value
 */
function write(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    memory.set(key, value);
  }
}

/** @type {Map<string, string>} */
const memory = new Map();

/** @param {string} key */
const get = (key) => read(key) ?? memory.get(key) ?? null;

export const identity = {
  resumeToken: () => get('torg.resume') || null,
  /** @param {string} token */
  keepResumeToken: (token) => write('torg.resume', token),
  forgetResumeToken: () => write('torg.resume', ''),
  name: () => get('torg.name') ?? '',
  /** @param {string} name */
  keepName: (name) => write('torg.name', name.trim().slice(0, 40)),
  /** The show last watched, for the way back from the payment page. */
  lastShow: () => get('torg.show') ?? '',
  /** @param {string} show */
  keepLastShow: (show) => write('torg.show', show),
  /** Lines of the picture that were chosen; 0 = automatic. */
  quality: () => Number(get('torg.quality')) || 0,
  /** @param {number} lines */
  keepQuality: (lines) => write('torg.quality', lines > 0 ? String(lines) : ''),
  language: () => get('torg.language'),
  /** @param {string} language */
  keepLanguage: (language) => write('torg.language', language),
};

/** Campaign of this visit: ?source= or ?utm_source=, at most 64 characters.
 * @param {string} search
 */
export function campaign(search) {
  const query = new URLSearchParams(search);
  return (query.get('source') ?? query.get('utm_source') ?? '').trim().slice(0, 64);
}
