// SPDX-License-Identifier: Apache-2.0
// `--drive` as QEMU users write it: `FILE,key=value,…` or `file=FILE,…`; a comma in a name is doubled. Keys of QEMU's
// that say where a disk is attached are accepted if they say what we do.

import { resolve } from 'node:path';
import { PlinthError } from '@plinth/core';
import { parseDriveSpec } from '@plinth/machine';
import type { DriveSpec } from '@plinth/machine';

const FLAGS = new Set(['readonly', 'snapshot']);
const PATHS = new Set(['file', 'overlay']);
/** What is said about the disk anyway, and an identifier, which names it nowhere here. */
const IMPLIED: Readonly<Record<string, RegExp>> = { if: /^virtio$/, media: /^disk$/, id: /^./ };

/** `directory` is what relative names are relative to: that of a guest file. */
export function parseDrive(text: string, directory?: string): DriveSpec {
  const options: Record<string, unknown> = {};
  for (const [at, part] of splitCommas(text).entries()) {
    const equals = part.indexOf('=');
    const bare = equals < 0;
    const key = bare ? (at === 0 ? 'file' : part) : part.slice(0, equals);
    const value = bare ? (at === 0 ? part : 'on') : part.slice(equals + 1);
    if (options[key] !== undefined) throw wrong(text, `${key} is given twice`);
    const implied = IMPLIED[key];
    if (implied !== undefined) {
      if (bare || !implied.test(value)) throw wrong(text, `${key}=${value} cannot be had here`);
    } else if (FLAGS.has(key)) options[key] = flag(text, key, value);
    else if (bare && at > 0) throw wrong(text, `"${part}" is no option`);
    else options[key] = PATHS.has(key) && value !== '' && directory !== undefined ? resolve(directory, value) : value;
  }
  return parseDriveSpec(options);
}

/** At single commas; a doubled one stands for itself. */
export function splitCommas(text: string): string[] {
  const parts = [''];
  for (const [piece] of text.matchAll(/,,|,|[^,]+/g)) {
    if (piece === ',') parts.push('');
    else parts[parts.length - 1] += piece === ',,' ? ',' : piece;
  }
  return parts;
}

function flag(text: string, key: string, value: string): boolean {
  if (value !== 'on' && value !== 'off') throw wrong(text, `${key}: on or off is needed`);
  return value === 'on';
}

function wrong(text: string, detail: string): PlinthError {
  return new PlinthError('input', 'drive', `drive: ${text}: ${detail}`.replace(/\p{Cc}/gu, '?'));
}
