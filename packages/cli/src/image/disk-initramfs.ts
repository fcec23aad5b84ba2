// SPDX-License-Identifier: Apache-2.0
// The initramfs of an image with a disk: busybox, the modules that bring its root file system, and an /init that mounts
// it and hands over. It is made without running anything of the guest's, so any root file system can stand on it.

import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { PlinthError } from '@plinth/core';
import { concatenateArchives, writeCpio } from '@plinth/machine';
import type { CpioEntry } from '@plinth/machine';
import { DISK_INIT_SCRIPT } from './disk-init-script.js';
import { buildInitramfs, recipeOf } from './initramfs.js';

/** Loaded at each start. crc32c is what ext4 asks the kernel's crypto for by name, which no dependency tells. */
const ALWAYS = ['virtio_mmio', 'virtio_blk', 'virtio_net', 'virtio_rng', 'crc32c_generic', 'ext4'];
/** Loaded if rootfstype= asks for it. */
const FILE_SYSTEMS: Readonly<Record<string, readonly string[]>> = {
  '9p': ['9pnet_virtio', '9p'],
  virtiofs: ['virtiofs'],
  overlay: ['overlay'],
};
const MODULE_DIRECTORY = 'lib/modules';

/** Changes whenever what we put around busybox and the modules changes. */
export const DISK_RECIPE: string = recipeOf([1, ALWAYS, FILE_SYSTEMS, DISK_INIT_SCRIPT]);

/** `modulesDirectory` is a directory tree with the kernel's modules somewhere in it. */
export function buildDiskInitramfs(busybox: Uint8Array, modulesDirectory: string): Uint8Array {
  const modules = new ModuleSet(modulesDirectory);
  const lists = { always: modules.withDependencies(ALWAYS) };
  for (const [name, wanted] of Object.entries(FILE_SYSTEMS)) {
    Object.assign(lists, { [name]: modules.withDependencies(wanted) });
  }
  const entries: CpioEntry[] = [
    { kind: 'directory', path: 'lib', mode: 0o755 },
    { kind: 'directory', path: MODULE_DIRECTORY, mode: 0o755 },
    { kind: 'directory', path: 'newroot', mode: 0o755 },
  ];
  const files = [...new Set(Object.values(lists).flat())];
  for (const file of files) {
    entries.push({
      kind: 'file',
      path: `${MODULE_DIRECTORY}/${basename(file)}`,
      mode: 0o644,
      data: readFileSync(file),
    });
  }
  for (const [name, list] of Object.entries(lists)) {
    const text = list.map((file) => `${basename(file)}\n`).join('');
    entries.push({ kind: 'file', path: `${MODULE_DIRECTORY}/load-${name}`, mode: 0o644, data: Buffer.from(text) });
  }
  return buildInitramfs(busybox, DISK_INIT_SCRIPT, entries);
}

/** An image's initramfs with the /init of this version of Plinth: what is unpacked later has the last word. */
export function renewDiskInitramfs(initramfs: Uint8Array): Uint8Array {
  const init = { kind: 'file', path: 'init', mode: 0o755, data: Buffer.from(DISK_INIT_SCRIPT) } as const;
  return concatenateArchives([initramfs, writeCpio([init])]);
}

/** Module files by name, and what each needs loaded before it. */
class ModuleSet {
  readonly #files = new Map<string, string>();

  constructor(directory: string) {
    for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
      if (entry.name.endsWith('.ko')) {
        this.#files.set(moduleName(entry.name.slice(0, -3)), join(entry.parentPath, entry.name));
      }
    }
  }

  /** Files in the order in which they are to be loaded. A module that is built into the kernel is none of them. */
  withDependencies(names: readonly string[]): string[] {
    const ordered: string[] = [];
    const visit = (name: string): void => {
      const file = this.#files.get(moduleName(name));
      if (file === undefined || ordered.includes(file)) return;
      for (const needed of moduleDependencies(readFileSync(file), file)) visit(needed);
      ordered.push(file);
    };
    names.forEach(visit);
    return ordered;
  }
}

/** The kernel takes both spellings for the same. */
function moduleName(name: string): string {
  return name.replaceAll('-', '_');
}

/** From a module's own list (section .modinfo: texts `key=value`, each ended by a zero byte). */
export function moduleDependencies(module: Uint8Array, file: string): string[] {
  const bytes = Buffer.from(module.buffer, module.byteOffset, module.byteLength);
  const at = bytes.indexOf('\0depends=', 0, 'latin1');
  if (at < 0) throw new PlinthError('host', 'module', `${file}: no kernel module: it does not tell what it needs`);
  const start = at + '\0depends='.length;
  const names = bytes.toString('latin1', start, bytes.indexOf(0, start)).split(',');
  return names.filter((name) => name !== '');
}
