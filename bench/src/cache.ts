// SPDX-License-Identifier: Apache-2.0
// Where benchmarks keep what they build, and where guest images lie: $XDG_CACHE_HOME/plinth (XDG Base Directory
// Specification).

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDirectory } from '@plinth/cli';
import { PlinthError } from '@plinth/core';

export function benchDirectory(): string {
  return join(cacheDirectory(), 'bench');
}

/** The path of one file of a guest image. */
export function imageFile(image: string, name: string): string {
  const path = join(cacheDirectory(), 'images', image, name);
  if (existsSync(path)) return path;
  throw new PlinthError('host', 'bench-image', `${path}: not there: run "npx plinth image pull ${image}" first`);
}
