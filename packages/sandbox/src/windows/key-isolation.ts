// SPDX-License-Identifier: Apache-2.0
// Which keys of a fresh prefix a program finds, as options and manifests say it: `HKCU\Software\Vendor=hidden`.

import { PlinthError } from '@plinth/core';
import type { KeyIsolationRule } from '../registry/isolation-rules.js';
import { PREFIX_PARTS, type PrefixPart } from './prefix-registry.js';

export interface PrefixRule {
  readonly part: PrefixPart['file'];
  readonly rule: KeyIsolationRule;
}

/** Names of roots, as Windows shows and abbreviates them, and the parts that they are. */
const ROOTS: readonly (readonly [string, PrefixPart['file']])[] = [
  ...PREFIX_PARTS.map(({ file, shown }) => [shown, file] as const),
  ['HKLM', 'system.reg'],
  ['HKCU', 'user.reg'],
  [String.raw`HKU\.Default`, 'userdef.reg'],
];
const MODES = ['write-copy', 'full', 'hidden'] as const;

/** Whether a place of `PLACE=MODE` is a key, and none of files. */
export function isKeyPlace(text: string): boolean {
  return /^HK/i.test(text);
}

/** @throws PlinthError `key-isolation` (input) */
export function parseKeyIsolation(text: string): PrefixRule {
  const wrong = (why: string): PlinthError => new PlinthError('input', 'key-isolation', `${text}: ${why}`);
  const at = text.lastIndexOf('=');
  const [key, wanted] = [text.slice(0, Math.max(at, 0)), text.slice(at + 1)];
  const mode = MODES.find((one) => one === wanted);
  if (mode === undefined) throw wrong(`KEY=MODE is wanted, and a mode of keys is one of ${MODES.join(', ')}`);
  const root = ROOTS.find(([name]) => `${key}\\`.toLowerCase().startsWith(`${name}\\`.toLowerCase()));
  if (root === undefined) throw wrong(String.raw`keys begin with HKLM, HKCU or HKU\.Default`);
  const path = key.slice(root[0].length + 1);
  if (/\p{Cc}/u.test(path) || path.split('\\').some((name) => name === '')) throw wrong('no key has such a name');
  return { part: root[1], rule: { path, mode } };
}
