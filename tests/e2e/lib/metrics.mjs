// The server's counters as a test reads them.

/** All samples of /metrics without labels, by name. @param {import('./server.mjs').TorgServer} server */
export async function metrics(server) {
  const response = await fetch(`${server.url}/metrics`);
  if (!response.ok) throw new Error(`/metrics answered ${response.status}`);
  const samples = {};
  for (const line of (await response.text()).split('\n')) {
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
