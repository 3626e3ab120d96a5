// Firefox for tests: Debian's ESR, headless, driven over WebDriver BiDi (the protocol itself, no driver).
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { WebSocket } from 'ws';

const PREFERENCES = {
  'media.autoplay.default': 0, // play with sound
  'media.autoplay.blocking_policy': 0,
  'media.peerconnection.ice.loopback': true,
  // Without this permission Firefox gives a page its default route's address only, not loopback.
  'permissions.default.microphone': 1,
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  'network.proxy.type': 0,
  // A closed network: nothing is fetched from outside.
  'app.update.enabled': false,
  'app.normandy.enabled': false,
  'browser.safebrowsing.malware.enabled': false,
  'browser.safebrowsing.phishing.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.page': 0,
  'datareporting.policy.dataSubmissionEnabled': false,
  'extensions.update.enabled': false,
  'media.gmp-manager.url': 'http://127.0.0.1:9/',
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': 'http://127.0.0.1:9/',
  'toolkit.telemetry.enabled': false,
};

const WAIT_MS = 30000;

/** A value of BiDi's serialisation as a JavaScript value. */
function plain(value) {
  switch (value.type) {
    case 'undefined':
    case 'null':
      return null;
    case 'array':
      return value.value.map(plain);
    case 'object':
      return Object.fromEntries(value.value.map(([key, one]) => [key, plain(one)]));
    default:
      return value.value;
  }
}

export class Firefox {
  #socket;
  #next = 1;
  #waiting = new Map();

  static async start() {
    const firefox = new Firefox();
    firefox.profile = await mkdtemp(path.join(tmpdir(), 'torg-firefox-'));
    const prefs = Object.entries(PREFERENCES).map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`);
    await writeFile(path.join(firefox.profile, 'user.js'), `${prefs.join('\n')}\n`);
    firefox.child = spawn('firefox-esr', ['--headless', '--no-remote', '--profile', firefox.profile, '--remote-debugging-port', '0'], { stdio: ['ignore', 'ignore', 'pipe'] });
    firefox.exited = once(firefox.child, 'exit');
    const said = [];
    const url = await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`Firefox was not ready\n${said.join('\n')}`)), 60000);
      createInterface({ input: firefox.child.stderr }).on('line', (line) => {
        said.push(line);
        const match = /WebDriver BiDi listening on (ws:\S+)/.exec(line);
        if (match) {
          clearTimeout(timer);
          resolve(match[1]);
        }
      });
      firefox.child.on('exit', (code) => reject(new Error(`Firefox ended early (${code})\n${said.join('\n')}`)));
    });
    firefox.#socket = new WebSocket(`${url}/session`);
    firefox.#socket.on('message', (data) => firefox.#hear(JSON.parse(data)));
    await once(firefox.#socket, 'open');
    const { capabilities } = await firefox.#ask('session.new', { capabilities: {} });
    firefox.version = capabilities.browserVersion;
    return firefox;
  }

  #hear(message) {
    const waiting = this.#waiting.get(message.id);
    if (!waiting) return; // an event
    this.#waiting.delete(message.id);
    if (message.type === 'success') waiting.resolve(message.result);
    else waiting.reject(new Error(`${message.error}: ${message.message}`));
  }

  #ask(method, params) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`Firefox gave no answer to ${method}`)), WAIT_MS);
      const done = (then) => (value) => (clearTimeout(timer), then(value));
      this.#waiting.set(id, { resolve: done(resolve), reject: done(reject) });
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }

  /** A page of its own at `url`. */
  async open(url, { width = 1280, height = 800 } = {}) {
    const { context } = await this.#ask('browsingContext.create', { type: 'tab' });
    await this.#ask('browsingContext.setViewport', { context, viewport: { width, height } });
    await this.#ask('browsingContext.navigate', { context, url, wait: 'complete' });
    return {
      /** Runs a function of the page with plain arguments; promises are awaited. */
      evaluate: async (fn, ...args) => {
        const expression = `(async () => JSON.stringify(await (${fn})(...${JSON.stringify(args)})) ?? null)()`;
        const answer = await this.#ask('script.evaluate', { expression, target: { context }, awaitPromise: true, userActivation: true });
        if (answer.type === 'exception') throw new Error(answer.exceptionDetails.text);
        const text = plain(answer.result);
        return text === null ? undefined : JSON.parse(text);
      },
      screenshot: async (file) => {
        const { data } = await this.#ask('browsingContext.captureScreenshot', { context });
        await writeFile(file, Buffer.from(data, 'base64'));
      },
      close: () => this.#ask('browsingContext.close', { context }),
    };
  }

  async stop() {
    this.#socket?.terminate();
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGKILL');
    await this.exited;
    await rm(this.profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}
