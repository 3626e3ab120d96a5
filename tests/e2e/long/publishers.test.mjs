// Publishers of every make, 30 s each (TORG_PUBLISH_SECONDS): at least 95 % of the frames arrive.
import { test } from 'node:test';
import { publishers } from '../lib/publishers.mjs';

const SECONDS = Number(process.env.TORG_PUBLISH_SECONDS ?? 30);

test('WHIP publishers', (t) => publishers(t, { seconds: SECONDS, share: 0.95 }));
