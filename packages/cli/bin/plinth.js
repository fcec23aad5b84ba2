#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// What `npx plinth` runs. It is not built itself, so that npm finds it before the first build.
import { existsSync } from 'node:fs';

if (existsSync(new URL('../dist/main.js', import.meta.url))) {
  await import('../dist/main.js');
} else {
  process.stderr.write('plinth: not built yet: run "npm run build" in the project\'s directory\n');
  process.exitCode = 3;
}
