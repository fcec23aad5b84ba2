// SPDX-License-Identifier: Apache-2.0
// Where benchmarks keep what they build, and where guest images lie: $XDG_CACHE_HOME/plinth (XDG Base Directory
// Specification).

import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { PlinthError } from '@plinth/core';

function cacheDirectory(): string {
  const given = process.env['XDG_CACHE_HOME'] ?? '';
  return join(isAbsolute(given) ? given : join(homedir(), '.cache'), 'plinth');
}

export function benchDirectory(): string {
  return join(cacheDirectory(), 'bench');
}

/** The path of one file of a guest image. */
export function imageFile(image: string, name: string): string {
  const path = join(cacheDirectory(), 'images', image, name);
  if (existsSync(path)) return path;
  throw new PlinthError('host', 'bench-image', `${path}: not there: run "npx plinth image pull ${image}" first`);
}
