// SPDX-License-Identifier: Apache-2.0
// What a probe file has thrown, as `FILE:LINE: message`: the place is the innermost one that is not ours and not Node's.

import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Of all rooms. */
const PACKAGES = new URL('../../../', import.meta.url).href;

export function describeFailure(error: unknown, file: string): string {
  const { stack = '', message = String(error) } = (error ?? {}) as Partial<Error>;
  const line = message.split('\n', 1)[0]!;
  if (line.startsWith(`${resolve(file)}:`)) return line;
  // In a stack `(URL:LINE:COLUMN)`; before the stack of a SyntaxError, `URL:LINE` on a line of its own.
  for (const [, url = '', number] of stack.matchAll(/(file:\/\/[^\s()]+?):(\d+)(?::\d+)?(?=\)|\s|$)/g)) {
    if (url.startsWith(PACKAGES) && url.slice(PACKAGES.length).includes('/dist/')) continue;
    const path = fileURLToPath(url);
    return `${path === resolve(file) ? file : path}:${number}: ${line}`;
  }
  return `${file}: ${line}`;
}
