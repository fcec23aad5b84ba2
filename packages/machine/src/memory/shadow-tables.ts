// SPDX-License-Identifier: Apache-2.0
// Shadow page tables: for each context that the guest uses, three flat tables indexed by virtual page (read, write,
// fetch). They are a cache of the guest's own translation tables, kept in step by its TLB maintenance. An entry for
// data is (host page - virtual page) | 1, without the 1 if granules of the page are watched; for fetches it is the
// address of a code-page descriptor; 0 is "ask".
//
// A context is everything that a translation depends on. The kernel's domain switches (10,000 a boot) only choose
// other tables.

import { EMPTY_TABLE_AT, SHADOW_SLOTS, SLOTS_AT, TABLE_SIZE } from './layout.js';

/** What a translation depends on besides the tables in memory. */
export interface ContextKey {
  readonly privileged: boolean;
  /** SCTLR.M, AFE and EE. */
  readonly control: number;
  readonly ttbr0: number;
  readonly ttbr1: number;
  readonly ttbcr: number;
  readonly dacr: number;
  readonly asid: number;
}

/** Table bases of a context, as addresses in the machine's memory. */
export interface Slot {
  key: ContextKey | undefined;
  readonly read: number;
  readonly write: number;
  readonly fetch: number;
  readonly number: number;
  lastUse: number;
}

/** Host 4 KiB chunks of a table: 1024 entries each. */
const CHUNKS = TABLE_SIZE / 4096;
/** Remembered places of entries, so that a page can be taken out of the tables. */
const PLACES = 1 << 18;
const FETCH_PLACE = 0x0800_0000;

function sameKey(a: ContextKey, b: ContextKey): boolean {
  return (
    a.privileged === b.privileged &&
    a.control === b.control &&
    a.ttbr0 === b.ttbr0 &&
    a.dacr === b.dacr &&
    a.asid === b.asid &&
    a.ttbr1 === b.ttbr1 &&
    a.ttbcr === b.ttbcr
  );
}

export class ShadowTables {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #slots: Slot[] = [];
  readonly #dirty: Uint8Array[] = [];
  /** By slot and megabyte of virtual space: log2 of the largest mapping that entries there were made from, if above 12. */
  readonly #large: Uint8Array[] = [];
  /** Entries by RAM page: head of a list of places (slot << 20 | virtual page, and whether a fetch entry). */
  readonly #heads: Int32Array;
  readonly #places: Int32Array = new Int32Array(PLACES);
  readonly #nextPlace: Int32Array = new Int32Array(PLACES);
  #usedPlaces = 1;
  #clock = 0;

  constructor(memory: WebAssembly.Memory, ramPages: number) {
    this.#words = new Int32Array(memory.buffer);
    this.#bytes = new Uint8Array(memory.buffer);
    this.#heads = new Int32Array(ramPages);
    for (let number = 0; number < SHADOW_SLOTS; number++) {
      const base = SLOTS_AT + number * 3 * TABLE_SIZE;
      this.#slots.push({
        key: undefined,
        read: base,
        write: base + TABLE_SIZE,
        fetch: base + 2 * TABLE_SIZE,
        number,
        lastUse: 0,
      });
      this.#dirty.push(new Uint8Array(CHUNKS));
      this.#large.push(new Uint8Array(4096));
    }
  }

  /** The tables of a context; the one that was not used for longest makes room. */
  slot(key: ContextKey): Slot {
    this.#clock++;
    let oldest = this.#slots[0]!;
    for (const slot of this.#slots) {
      if (slot.key !== undefined && sameKey(slot.key, key)) {
        slot.lastUse = this.#clock;
        return slot;
      }
      if (slot.lastUse < oldest.lastUse) oldest = slot;
    }
    this.#flushSlot(oldest);
    oldest.key = key;
    oldest.lastUse = this.#clock;
    return oldest;
  }

  #place(slot: Slot, virtual: number, page: number, fetch: boolean): void {
    if (this.#usedPlaces === PLACES) this.flush();
    const place = this.#usedPlaces++;
    this.#places[place] = (slot.number << 20) | (virtual >>> 12) | (fetch ? FETCH_PLACE : 0);
    this.#nextPlace[place] = this.#heads[page]!;
    this.#heads[page] = place;
  }

  #note(slot: Slot, virtual: number, sizeLog2: number): void {
    this.#dirty[slot.number]![virtual >>> 22] = 1;
    if (sizeLog2 === 12) return;
    const large = this.#large[slot.number]!;
    if (sizeLog2 <= 20) large[virtual >>> 20] = Math.max(large[virtual >>> 20]!, sizeLog2);
    else large.fill(sizeLog2, (virtual >>> 24) << 4, ((virtual >>> 24) + 1) << 4);
  }

  /**
   * Enters a data page. `host` is the host address of the page, `page` its RAM page number; `watched` if some of its
   * granules are.
   */
  enter(
    slot: Slot,
    virtual: number,
    host: number,
    page: number,
    write: boolean,
    sizeLog2: number,
    watched: boolean,
  ): void {
    const virtualPage = virtual & ~0xfff;
    this.#place(slot, virtual, page, false);
    this.#note(slot, virtual, sizeLog2);
    this.#words[((write ? slot.write : slot.read) >>> 2) + (virtual >>> 12)] = (host - virtualPage) | (watched ? 0 : 1);
  }

  /** The entry of a data page, as generated code sees it; 0 if there is none. */
  entry(slot: Slot, virtual: number, write: boolean): number {
    return this.#words[((write ? slot.write : slot.read) >>> 2) + (virtual >>> 12)]!;
  }

  /** Enters a code page for fetches: the address of its descriptor. */
  enterFetch(slot: Slot, virtual: number, descriptor: number, page: number, sizeLog2: number): void {
    this.#place(slot, virtual, page, true);
    this.#note(slot, virtual, sizeLog2);
    this.#words[(slot.fetch >>> 2) + (virtual >>> 12)] = descriptor;
  }

  /** Takes a RAM page out of the tables for writes, and if asked for reads, or only for fetches. */
  remove(page: number, what: 'writes' | 'all-data' | 'fetches'): void {
    for (let place = this.#heads[page]!; place !== 0; place = this.#nextPlace[place]!) {
      const where = this.#places[place]!;
      const slot = this.#slots[(where >>> 20) & 0x7f]!;
      const virtualPage = where & 0xfffff;
      const isFetch = (where & FETCH_PLACE) !== 0;
      // A place may be out of date: then dropping what is there now only costs a refill.
      if (isFetch !== (what === 'fetches')) continue;
      if (isFetch) this.#words[(slot.fetch >>> 2) + virtualPage] = 0;
      else {
        this.#words[(slot.write >>> 2) + virtualPage] = 0;
        if (what === 'all-data') this.#words[(slot.read >>> 2) + virtualPage] = 0;
      }
    }
  }

  #flushSlot(slot: Slot): void {
    const dirty = this.#dirty[slot.number]!;
    for (let chunk = 0; chunk < CHUNKS; chunk++) {
      if (dirty[chunk] === 0) continue;
      for (const table of [slot.read, slot.write, slot.fetch]) {
        this.#bytes.fill(0, table + chunk * 4096, table + (chunk + 1) * 4096);
      }
    }
    dirty.fill(0);
    this.#large[slot.number]!.fill(0);
  }

  /** Drops everything: TLBIALL. */
  flush(): void {
    for (const slot of this.#slots) if (slot.key !== undefined) this.#flushSlot(slot);
    this.#heads.fill(0);
    this.#usedPlaces = 1;
  }

  /** As when the machine was made: no contexts, and so no order among them either. */
  reset(): void {
    this.flush();
    this.#clock = 0;
    for (const slot of this.#slots) {
      slot.key = undefined;
      slot.lastUse = 0;
    }
  }

  /** Drops the contexts of an address space: TLBIASID. Global entries go with them, which is allowed. */
  flushAsid(asid: number): void {
    for (const slot of this.#slots) if (slot.key?.asid === asid) this.#flushSlot(slot);
  }

  /** Drops one page, or the whole megabyte or 16 of them if larger mappings were entered there: TLBIMVA and TLBIMVAA. */
  flushAddress(virtual: number): void {
    for (const slot of this.#slots) {
      if (slot.key === undefined) continue;
      const large = this.#large[slot.number]![virtual >>> 20]!;
      const log2 = large === 0 ? 12 : Math.max(large, 20);
      if (log2 < 24 && this.#dirty[slot.number]![virtual >>> 22] === 0) continue;
      const first = (virtual >>> log2) << (log2 - 12);
      const count = 1 << (log2 - 12);
      for (const table of [slot.read, slot.write, slot.fetch]) {
        this.#words.fill(0, (table >>> 2) + first, (table >>> 2) + first + count);
      }
    }
  }

  /** Drops the pages of a range of virtual addresses in every context. */
  dropRange(first: number, last: number): void {
    const [from, to] = [first >>> 12, (last >>> 12) + 1];
    for (const slot of this.#slots) {
      if (slot.key === undefined) continue;
      for (const table of [slot.read, slot.write, slot.fetch]) {
        this.#words.fill(0, (table >>> 2) + from, (table >>> 2) + to);
      }
    }
  }

  /** Table base for a context that is not resolved: every access asks. */
  static readonly empty: number = EMPTY_TABLE_AT;
}
