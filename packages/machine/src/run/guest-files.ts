// SPDX-License-Identifier: Apache-2.0
// What the host hands to the init of a guest image: a small archive behind the image's own, under /plinth. The kernel
// unpacks both into one root file system.

import { utf8 } from '@plinth/core';
import { concatenateArchives, type CpioEntry, writeCpio } from './cpio.js';

export interface GuestFiles {
  readonly exec?: { readonly command: string; readonly marker: string };
  /** Of the terminal at the other end of the console. */
  readonly size?: { readonly rows: number; readonly columns: number };
  /** The guest says when it is ready, and waits for a request (guest-request.ts). */
  readonly wait?: boolean;
}

export function withGuestFiles(initramfs: Uint8Array, files: GuestFiles): Uint8Array {
  const entries: CpioEntry[] = [{ kind: 'directory', path: 'plinth', mode: 0o700 }];
  const directory = (name: string, contents: Readonly<Record<string, string>>): void => {
    entries.push({ kind: 'directory', path: `plinth/${name}`, mode: 0o700 });
    for (const [file, text] of Object.entries(contents)) {
      entries.push({ kind: 'file', path: `plinth/${name}/${file}`, mode: 0o600, data: utf8(text) });
    }
  };
  if (files.exec !== undefined) directory('exec', files.exec);
  if (files.size !== undefined) directory('console', { size: `${files.size.rows} ${files.size.columns}\n` });
  if (files.wait === true) {
    entries.push({ kind: 'file', path: 'plinth/wait', mode: 0o600, data: new Uint8Array(0) });
  }
  return entries.length === 1 ? initramfs : concatenateArchives([initramfs, writeCpio(entries)]);
}
