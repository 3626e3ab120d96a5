// Publishers of every make, in short; long/publishers.test.mjs gives each 30 s.
import { test } from 'node:test';
import { publishers } from './lib/publishers.mjs';

test('WHIP publishers', { timeout: 280000 }, (t) => publishers(t, { seconds: 5, share: 0.9 }));
