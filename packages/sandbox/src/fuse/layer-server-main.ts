// SPDX-License-Identifier: Apache-2.0
// What runs in the process of a layer server: its argument is its options, as JSON. It says `begun` when it answers.

import { writeSync } from 'node:fs';
import { PlinthError } from '@plinth/core';
import { type LayerServerOptions, serveLayers } from './layer-server.js';

process.umask(0);
try {
  serveLayers(JSON.parse(process.argv[2] ?? '') as LayerServerOptions, () => writeSync(1, 'begun\n'));
} catch (error) {
  if (!(error instanceof PlinthError)) throw error;
  writeSync(2, `${error.message}\n`);
  process.exitCode = 1;
}
