// SPDX-License-Identifier: Apache-2.0
// A Linux kernel in a guest's RAM, wherever it lies: its symbols, its own address space, and which build it is.

import { latin1 } from '@plinth/core';
import { findBuildId } from '../symbols/elf-symbols.js';
import { findKallsyms, type Kallsyms } from '../symbols/kallsyms.js';
import { AddressSpace } from './address-space.js';
import type { GuestView } from './guest-view.js';

export interface FoundKernel {
  readonly kallsyms: Kallsyms;
  readonly memory: AddressSpace;
  /** As /proc/version has it; undefined if it is not found. */
  readonly banner: string | undefined;
  /** NT_GNU_BUILD_ID in hexadecimal; undefined if the kernel has none. */
  readonly buildId: string | undefined;
  /** RAM from the kernel's first symbol on, as far as its data may reach. */
  readonly image: Uint8Array;
}

/** How far behind its first symbol a kernel's data may reach. */
const KERNEL_SIZE = 64 * 1024 * 1024;
const BANNER = 'Linux version ';
const PAGE_MASK = ~0xfff;

export type Found<T> = { readonly found: T } | { readonly reason: string };

export function findKernel(view: GuestView): Found<FoundKernel> {
  const kallsyms = findKallsyms(view.ram);
  const first = kallsyms?.table.symbols[0];
  if (kallsyms === undefined || first === undefined) return { reason: 'no Linux kernel with kallsyms is in memory' };
  for (const { translationBase } of view.cpus) {
    // TTBR1 is the kernel's own table, which has all of its mappings; that of a process gets some when they are needed.
    for (const base of [translationBase[1], translationBase[0]]) {
      const memory = new AddressSpace(view, base);
      const physical = memory.physical(first.address);
      if (physical === undefined || memory.u32(first.address) === undefined) continue;
      const start = physical - view.ramBase;
      const image = view.ram.subarray(start, start + KERNEL_SIZE);
      // What lies behind one another in RAM is mapped so too: else this is the table of something else.
      const last = kallsyms.table.symbols.at(-1)!.address;
      if (memory.physical(last) !== physical + last - first.address) continue;
      return { found: { kallsyms, memory, image, banner: findBanner(image), buildId: findKernelBuildId(image) } };
    }
  }
  return { reason: 'a Linux kernel is in memory, but no CPU has translation tables that map it yet' };
}

function findBanner(image: Uint8Array): string | undefined {
  const at = indexOf(image, BANNER, 0);
  if (at < 0) return undefined;
  const end = image.subarray(at, at + 1024).findIndex((byte) => byte === 0 || byte === 0x0a);
  return end < 0 ? undefined : latin1(image.subarray(at, at + end));
}

/** The vDSO has a note of its own, in an ELF image that begins at a page. */
function findKernelBuildId(image: Uint8Array): string | undefined {
  for (let at = -1; (at = indexOf(image, 'GNU\0', at + 1)) >= 0;) {
    const note = at - 12;
    if (note < 0 || at % 4 !== 0) continue;
    const id = findBuildId(image.subarray(note, note + 256));
    const page = note & PAGE_MASK;
    const inElf = [page, page - 4096].some(
      (begin) => begin >= 0 && latin1(image.subarray(begin, begin + 4)) === '\x7fELF',
    );
    if (id !== undefined && !inElf) return id;
  }
  return undefined;
}

function indexOf(bytes: Uint8Array, text: string, from: number): number {
  const first = text.charCodeAt(0);
  for (let at = from; (at = bytes.indexOf(first, at)) >= 0; at++) {
    if (latin1(bytes.subarray(at, at + text.length)) === text) return at;
  }
  return -1;
}
