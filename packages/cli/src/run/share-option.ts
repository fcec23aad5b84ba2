// SPDX-License-Identifier: Apache-2.0
// `--share DIR,key=value,…`, and `--virtfs local,path=DIR,mount_tag=TAG,…` as QEMU users write it; a comma in a name is
// doubled. What comes of it is checked by `parseShareSpecs`.

import { resolve } from 'node:path';
import { PlinthError } from '@plinth/core';
import { splitCommas } from './drive-option.js';

/** Other names of keys, QEMU's. */
const KEYS: Readonly<Record<string, string>> = { mount_tag: 'tag' };
/** QEMU's keys that we take if they say what we do: the driver of files, who owns them, and a name for nothing. */
const IMPLIED: Readonly<Record<string, RegExp>> = { security_model: /^none$/, id: /^./, multidevs: /^(warn|remap)$/ };

export type ShareOption = 'share' | 'virtfs';

/** `directory` is what relative names are relative to: that of a guest file. */
export function parseShare(text: string, option: ShareOption, directory?: string): Readonly<Record<string, unknown>> {
  const parts = splitCommas(text);
  if (option === 'virtfs' && parts.shift() !== 'local') throw wrong(option, text, 'only local can be had here');
  const share: Record<string, unknown> = {};
  for (const [at, part] of parts.entries()) {
    const equals = part.indexOf('=');
    const first = equals < 0 && at === 0 && option === 'share';
    const name = first ? 'path' : equals < 0 ? part : part.slice(0, equals);
    const value = first ? part : equals < 0 ? 'on' : part.slice(equals + 1);
    const key = KEYS[name] ?? name;
    const implied = IMPLIED[key];
    if (share[key] !== undefined) throw wrong(option, text, `${name} is given twice`);
    if (implied !== undefined) {
      if (equals < 0 || !implied.test(value)) throw wrong(option, text, `${name}=${value} cannot be had here`);
    } else if (key === 'readonly') {
      if (value !== 'on' && value !== 'off') throw wrong(option, text, 'readonly: on or off is needed');
      share[key] = value === 'on';
    } else if (equals < 0 && !first) throw wrong(option, text, `"${part}" is no option`);
    else share[key] = key === 'path' && value !== '' && directory !== undefined ? resolve(directory, value) : value;
  }
  if (option === 'virtfs' && share['tag'] === undefined) throw wrong(option, text, 'mount_tag is needed');
  return share;
}

function wrong(option: ShareOption, text: string, detail: string): PlinthError {
  return new PlinthError('input', 'share', `${option}: ${text}: ${detail}`.replace(/\p{Cc}/gu, '?'));
}
