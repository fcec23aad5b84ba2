// SPDX-License-Identifier: Apache-2.0
// `--probe FILE,key=value,…`; a comma in a name or a value is doubled. What the keys mean is up to the file.

import { resolve } from 'node:path';
import { PlinthError } from '@plinth/core';
import type { ProbeSpec } from '@plinth/machine';
import { splitCommas } from './drive-option.js';

/** `directory` is what a relative name is relative to: that of a guest file. */
export function parseProbe(text: string, directory?: string): ProbeSpec {
  const [file = '', ...parts] = splitCommas(text);
  const wrong = (detail: string): PlinthError =>
    new PlinthError('input', 'probe', `probe: ${text}: ${detail}`.replace(/\p{Cc}/gu, '?'));
  if (file === '') throw wrong('a file is needed');
  const options: Record<string, string> = {};
  for (const part of parts) {
    const equals = part.indexOf('=');
    if (equals < 1) throw wrong(`"${part}" is no option: write key=value`);
    const key = part.slice(0, equals);
    if (Object.hasOwn(options, key)) throw wrong(`${key} is given twice`);
    options[key] = part.slice(equals + 1);
  }
  return { file: directory === undefined ? file : resolve(directory, file), options };
}
