// SPDX-License-Identifier: Apache-2.0
// Short-descriptor translation tables (B3.5.1) for tests: sections, supersections, large and small pages. Only for
// tests; no part of the package.

/** How a mapping may be used; without options: domain 0, read and write for all, executable, global, accessed. */
export interface Mapping {
  readonly domain?: number;
  /** AP[2:0]. */
  readonly ap?: number;
  readonly xn?: boolean;
  readonly pxn?: boolean;
  readonly nG?: boolean;
}

const FULL_ACCESS = 3;

export class PageTables {
  /** Where the first-level table lies: 16 KiB for TTBR0 with TTBCR.N = 0; second-level tables follow. */
  readonly base: number;
  readonly #words = new Map<number, number>();
  #next: number;

  constructor(base: number) {
    this.base = base;
    this.#next = base + 0x4000;
  }

  /** Address of the first-level descriptor of a virtual address. */
  firstLevel(virtual: number): number {
    return this.base + (virtual >>> 20) * 4;
  }

  /** Address of the second-level descriptor of a virtual address whose megabyte has a page table. */
  secondLevel(virtual: number): number {
    const table = this.#words.get(this.firstLevel(virtual)) ?? 0;
    if ((table & 3) !== 1) throw new RangeError(`no page table for 0x${virtual.toString(16)}`);
    return ((table & ~0x3ff) >>> 0) + ((virtual >>> 12) & 0xff) * 4;
  }

  static sectionDescriptor(physical: number, m: Mapping = {}): number {
    const ap = m.ap ?? FULL_ACCESS;
    const bits = ((m.domain ?? 0) << 5) | ((ap & 3) << 10) | ((ap >> 2) << 15);
    return (physical & 0xfff00000) | bits | (m.xn ? 0x10 : 0) | (m.nG ? 0x20000 : 0) | (m.pxn ? 3 : 2);
  }

  static pageDescriptor(physical: number, m: Mapping = {}): number {
    const ap = m.ap ?? FULL_ACCESS;
    return (physical & ~0xfff) | ((ap & 3) << 4) | ((ap >> 2) << 9) | (m.nG ? 0x800 : 0) | (m.xn ? 3 : 2);
  }

  section(virtual: number, physical: number, m: Mapping = {}): this {
    this.#words.set(this.firstLevel(virtual), PageTables.sectionDescriptor(physical, m));
    return this;
  }

  /** 16 MiB; domain 0. */
  supersection(virtual: number, physical: number, m: Mapping = {}): this {
    const word = (PageTables.sectionDescriptor(physical & 0xff000000, { ...m, domain: 0 }) | 0x40000) >>> 0;
    for (let i = 0; i < 16; i++) this.#words.set(this.firstLevel((virtual & 0xff000000) >>> 0) + 4 * i, word);
    return this;
  }

  /** Gives a megabyte a page table; domain and PXN belong to the whole of it. */
  table(virtual: number, m: Mapping = {}): this {
    const at = this.firstLevel(virtual);
    if (((this.#words.get(at) ?? 0) & 3) === 1) return this;
    this.#words.set(at, this.#next | ((m.domain ?? 0) << 5) | (m.pxn ? 4 : 0) | 1);
    this.#next += 0x400;
    return this;
  }

  page(virtual: number, physical: number, m: Mapping = {}): this {
    this.table(virtual, m);
    this.#words.set(this.secondLevel(virtual), PageTables.pageDescriptor(physical, m));
    return this;
  }

  /** 64 KiB. */
  largePage(virtual: number, physical: number, m: Mapping = {}): this {
    this.table(virtual, m);
    const small = PageTables.pageDescriptor(physical & 0xffff0000, { ...m, xn: false });
    const word = (small & ~3) | 1 | (m.xn ? 0x8000 : 0);
    for (let i = 0; i < 16; i++) this.#words.set(this.secondLevel((virtual & 0xffff0000) >>> 0) + 4 * i, word);
    return this;
  }

  /** Any word in place of a descriptor. */
  raw(address: number, word: number): this {
    this.#words.set(address, word);
    return this;
  }

  /** The tables' words by address. */
  entries(): Iterable<[number, number]> {
    return this.#words.entries();
  }
}
