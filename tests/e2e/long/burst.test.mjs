// The bursts with twenty kills.
process.env.TORG_BURST_KILLS ??= '20';
await import('../burst.test.mjs');
