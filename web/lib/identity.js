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
  resumeToken: () => get('torg.resume'),
  /** @param {string} token */
  keepResumeToken: (token) => write('torg.resume', token),
  name: () => get('torg.name') ?? '',
  /** @param {string} name */
  keepName: (name) => write('torg.name', name.trim().slice(0, 40)),
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
