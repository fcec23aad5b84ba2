// SPDX-License-Identifier: Apache-2.0
// Two projects: `unit` beside the sources, which needs nothing but Node, and `system` under tests/, which compares with
// other programs and skips what it cannot have. tests/long and the long forms of tests run with PLINTH_LONG=1.

import { defineConfig } from 'vitest/config';
import { CountsReporter } from './tests/setup/counts-reporter.js';

// Files have the modes that tests expect, and other users may read them; workers inherit it.
process.umask(0o022);

const long = process.env['PLINTH_LONG'] === '1';

export default defineConfig({
  test: {
    reporters: ['default', new CountsReporter()],
    maxWorkers: 2,
    // A hang must end a test, a slow host must not.
    testTimeout: long ? 3_600_000 : 600_000,
    hookTimeout: 600_000,
    projects: [
      { extends: true, test: { name: 'unit', include: ['packages/*/src/**/*.test.ts', 'bench/src/**/*.test.ts'] } },
      {
        extends: true,
        test: {
          name: 'system',
          include: ['tests/**/*.test.ts'],
          exclude: long ? [] : ['tests/long/**'],
          globalSetup: ['tests/setup/packages.ts'],
        },
      },
    ],
  },
});
