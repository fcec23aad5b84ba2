// SPDX-License-Identifier: Apache-2.0
// Writer for cpio archives in the "newc" form that the kernel unpacks as initramfs (Linux
// Documentation/driver-api/early-userspace/buffer-format.rst). Same entries, same bytes: owner is root, times are zero.

import { concatenate, PlinthError, utf8 } from '@plinth/core';

export type CpioEntry =
  | { readonly kind: 'directory'; readonly path: string; readonly mode: number }
  | { readonly kind: 'file'; readonly path: string; readonly mode: number; readonly data: Uint8Array }
  | { readonly kind: 'symlink'; readonly path: string; readonly target: string }
  | {
      readonly kind: 'character';
      readonly path: string;
      readonly mode: number;
      readonly major: number;
      readonly minor: number;
    };

const TYPE = { directory: 0o040000, file: 0o100000, symlink: 0o120000, character: 0o020000 } as const;

/** Builds one archive. Parent directories must come before what they hold; paths have no leading slash. */
export function writeCpio(entries: readonly CpioEntry[]): Uint8Array {
  const parts: Uint8Array[] = [];
  entries.forEach((entry, index) => {
    if (entry.path.startsWith('/') || entry.path === '') {
      throw new PlinthError('internal', 'cpio-path', `cpio: "${entry.path}" must be a relative path`);
    }
    const data = entry.kind === 'file' ? entry.data : entry.kind === 'symlink' ? utf8(entry.target) : new Uint8Array();
    const mode = TYPE[entry.kind] | (entry.kind === 'symlink' ? 0o777 : entry.mode);
    const device = entry.kind === 'character' ? ([entry.major, entry.minor] as const) : ([0, 0] as const);
    append(parts, {
      inode: index + 1,
      mode,
      links: entry.kind === 'directory' ? 2 : 1,
      path: entry.path,
      data,
      device,
    });
  });
  append(parts, { inode: 0, mode: 0, links: 1, path: 'TRAILER!!!', data: new Uint8Array(), device: [0, 0] });
  return concatenate(parts);
}

/**
 * Puts archives one behind the other, as the kernel reads them: each may be compressed or not, and a later one adds to
 * or replaces files of the earlier ones. An uncompressed archive must begin at a multiple of 4; zeros between are skipped.
 */
export function concatenateArchives(archives: readonly Uint8Array[]): Uint8Array {
  return concatenate(archives.flatMap((archive) => [archive, new Uint8Array(-archive.length & 3)]));
}

interface Header {
  readonly inode: number;
  readonly mode: number;
  readonly links: number;
  readonly path: string;
  readonly data: Uint8Array;
  readonly device: readonly [major: number, minor: number];
}

/** magic, then 13 fields of 8 hexadecimal digits; name and data are each padded to 4 bytes. */
function append(parts: Uint8Array[], header: Header): void {
  const name = utf8(`${header.path}\0`);
  const fields = [
    header.inode,
    header.mode,
    0, // uid
    0, // gid
    header.links,
    0, // mtime
    header.data.length,
    0, // device that holds the archive
    0,
    ...header.device,
    name.length,
    0, // checksum, used by the "crc" form only
  ];
  const text = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`;
  parts.push(utf8(text), name, new Uint8Array(-(text.length + name.length) & 3));
  parts.push(header.data, new Uint8Array(-header.data.length & 3));
}
