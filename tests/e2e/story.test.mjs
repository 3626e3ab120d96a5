// The story: a rig goes live, two phones watch and chat, the desk pins, both want the last unit, one
// gets it and pays, the server dies and comes back, and nothing is lost.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { launchBrowser, phone } from './lib/browser.mjs';
import { Channel, variant } from './lib/channel.mjs';
import { TorgServer } from './lib/server.mjs';
import { Source } from './lib/source.mjs';
