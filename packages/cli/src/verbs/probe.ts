// SPDX-License-Identifier: Apache-2.0
// `plinth probe init`: a file to begin with.

import { readFileSync, writeFileSync } from 'node:fs';
import { PlinthError } from '@plinth/core';
import { reasonOf } from '../host/reason.js';
import { EXIT } from '../report-error.js';

const TEMPLATE = new URL('../../templates/my-probe.ts', import.meta.url);

/** @throws PlinthError `input` if the file cannot be made, or is there already */
export function initProbe(file: string): number {
  try {
    writeFileSync(file, readFileSync(TEMPLATE), { flag: 'wx' });
  } catch (cause) {
    const there = (cause as NodeJS.ErrnoException).code === 'EEXIST';
    const why = there
      ? 'there is such a file already, and it is left as it is'
      : `cannot be written: ${reasonOf(cause)}`;
    throw new PlinthError('input', 'probe-file', `${file}: ${why}`, { cause });
  }
  process.stdout.write(`${file}: try it: plinth run --image debian-mini --exec 'ls /' --probe ${file}\n`);
  return EXIT.clean;
}
