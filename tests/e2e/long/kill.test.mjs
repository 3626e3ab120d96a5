// A hundred kills on each engine.
process.env.TORG_KILLS ??= '100';
await import('../kill.test.mjs');
