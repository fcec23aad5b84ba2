// SPDX-License-Identifier: Apache-2.0
// A value as people read it: in a list of changes, not for reading it back (reg-text.ts is for that).

import { REG_DWORD, REG_EXPAND_SZ, REG_MULTI_SZ, REG_QWORD, REG_SZ, type RegistryValue } from './key.js';
import { decodeUtf16 } from './names.js';

/** By their numbers (winnt.h). */
const TYPE_NAMES = [
  'REG_NONE',
  'REG_SZ',
  'REG_EXPAND_SZ',
  'REG_BINARY',
  'REG_DWORD',
  'REG_DWORD_BIG_ENDIAN',
  'REG_LINK',
  'REG_MULTI_SZ',
  'REG_RESOURCE_LIST',
  'REG_FULL_RESOURCE_DESCRIPTOR',
  'REG_RESOURCE_REQUIREMENTS_LIST',
  'REG_QWORD',
];
/** Of texts more is not shown. */
const LONGEST = 120;

/** Type and data: `REG_SZ "text"`, `REG_DWORD 3`, `REG_BINARY 12 bytes`. */
export function describeValue({ type, data }: RegistryValue): string {
  const name = TYPE_NAMES[type] ?? `type ${type}`;
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  if (type === REG_SZ || type === REG_EXPAND_SZ) return `${name} ${quote(decodeUtf16(data).replace(/\0+$/, ''))}`;
  if (type === REG_MULTI_SZ)
    return `${name} ${decodeUtf16(data).replace(/\0+$/, '').split('\0').map(quote).join(', ')}`;
  if (type === REG_DWORD && data.length === 4) return `${name} ${view.getUint32(0, true)}`;
  if (type === REG_QWORD && data.length === 8) return `${name} ${view.getBigUint64(0, true)}`;
  return `${name} ${data.length} bytes`;
}

function quote(text: string): string {
  return `"${text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text}"`;
}
