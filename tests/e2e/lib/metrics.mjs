// The server's counters as a test reads them.
import { once } from 'node:events';
import { get } from 'node:http';
import { text } from 'node:stream/consumers';

/** All samples of /metrics without labels, by name. @param {import('./server.mjs').TorgServer} server */
export async function metrics(server) {
  // A connection of its own that ends with the answer: tests count the server's descriptors.
  const [response] = await once(get(`${server.url}/metrics`, { agent: false }), 'response');
  if (response.statusCode !== 200) throw new Error(`/metrics answered ${response.statusCode}`);
  const samples = {};
  for (const line of (await text(response)).split('\n')) {
    const match = /^(torg_\w+) (-?[\d.e+]+)$/.exec(line);
    if (match) samples[match[1]] = Number(match[2]);
  }
  return samples;
}

/** Polls until `test` holds of the metrics, and returns them. */
export async function metricsUntil(server, test, timeoutMs = 20000) {
  for (const end = Date.now() + timeoutMs; ; ) {
    const now = await metrics(server);
    if (test(now)) return now;
    if (Date.now() > end) throw new Error(`not reached within ${timeoutMs} ms: ${test}\n${JSON.stringify(now)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
