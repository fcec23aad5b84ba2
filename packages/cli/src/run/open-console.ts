// SPDX-License-Identifier: Apache-2.0
// From the name of a console to the console.

import type { Console } from '@plinth/machine';
import { NullConsole } from './console.js';
import { openPipeConsole, openPtyConsole, openSocketConsole } from './stream-console.js';

/** Opens what the console is connected to; `standard` makes what `stdio` means. */
export async function openConsole(
  name: string,
  say: (line: string) => void,
  standard: () => Console,
): Promise<Console> {
  const colon = name.indexOf(':');
  const path = name.slice(colon + 1);
  if (name === 'none') return new NullConsole();
  if (name === 'pty') return openPtyConsole(say);
  if (name.startsWith('socket:')) return openSocketConsole(path, say);
  if (name.startsWith('pipe:')) return openPipeConsole(path);
  return standard();
}
