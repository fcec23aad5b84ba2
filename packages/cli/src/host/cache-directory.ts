// SPDX-License-Identifier: Apache-2.0
// Where Plinth keeps what can be had again: $XDG_CACHE_HOME/plinth (XDG Base Directory Specification).

import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

export function cacheDirectory(): string {
  const given = process.env['XDG_CACHE_HOME'] ?? '';
  return join(isAbsolute(given) ? given : join(homedir(), '.cache'), 'plinth');
}
