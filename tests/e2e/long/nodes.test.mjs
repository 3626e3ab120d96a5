// Two nodes at full size: 20,000 intents on 100 hot SKUs.
process.env.TORG_NODES_INTENTS ??= '20000';
process.env.TORG_NODES_SKUS ??= '100';
await import('../nodes.test.mjs');
