// SPDX-License-Identifier: Apache-2.0
// The names that a workspace knows, as hosts(5) has them.

import type { Reachable } from './reachable.js';

export function hostsText(reachable: readonly Reachable[]): string {
  const lines = reachable.flatMap(({ address, name }) => (name === undefined ? [] : [`${address}\t${name}`]));
  return ['127.0.0.1\tlocalhost plinth', '::1\tlocalhost', ...new Set(lines), ''].join('\n');
}
