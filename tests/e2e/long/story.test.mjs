// The story ten times in a row.
process.env.TORG_STORY_RUNS ??= '10';
await import('../story.test.mjs');
