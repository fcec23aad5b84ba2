// SPDX-License-Identifier: Apache-2.0
// How one machine's WebAssembly memory is divided. WebAssembly memory that was never touched costs nothing, so the
// tables may be sparse. Address 0 stays unused: a null pointer of ours must not hit anything.

/** Bytes of one shadow table: a 32-bit entry for each of the 2^20 virtual pages. */
export const TABLE_SIZE: number = 4 * 1024 * 1024;
/** Contexts (privilege, domains, address space) whose shadow tables are kept at a time. */
export const SHADOW_SLOTS = 8;
/** Room for the descriptors and handler arrays of code pages. */
const CODE_POOL_SIZE = 64 * 1024 * 1024;
/** A wide load at the very end of RAM must stay inside the memory. */
const TAIL = 64 * 1024;

/** Branch counters by hashed target, 16 bits each: what becomes hot is translated. */
export const HOT_COUNTERS = 32768;
export const HOT_COUNTERS_AT: number = 40 * 1024;
/** CPU blocks, up to eight. */
export const CPU_BLOCKS_AT = 4096;
/** The control words of the ring of blocks (BLOCK_RING). */
export const BLOCK_RING_AT: number = HOT_COUNTERS_AT + 2 * HOT_COUNTERS;
/** Room for its entries. */
export const BLOCK_RING_SIZE: number = 1024 * 1024;
/** A table without any entry, for contexts that are not resolved yet. Never written. */
export const EMPTY_TABLE_AT: number = 128 * 1024;
export const SLOTS_AT: number = EMPTY_TABLE_AT + TABLE_SIZE;
export const CODE_POOL_AT: number = SLOTS_AT + SHADOW_SLOTS * 3 * TABLE_SIZE;
export const CODE_POOL_END: number = CODE_POOL_AT + CODE_POOL_SIZE;
/** Host address of the first byte of guest RAM, 64 KiB aligned. */
export const RAM_AT: number = CODE_POOL_END;

/** RAM is watched by granules of so many bytes. */
export const GRANULE = 64;

/** Where the bitmaps of watched granules lie, behind RAM: a bit for each granule, and their size in bytes. */
export function watchBitmaps(ramSize: number): { read: number; write: number; size: number } {
  const size = Math.ceil(ramSize / GRANULE / 8);
  const read = RAM_AT + ramSize + TAIL;
  return { read, write: read + size, size };
}

/** Where the entries of the ring of blocks lie, behind the bitmaps. */
export function blockRingBase(ramSize: number): number {
  const { write, size } = watchBitmaps(ramSize);
  return Math.ceil((write + size) / 65536) * 65536;
}

/** Counters of 64 bits for instructions and edges. */
export const COUNTERS = 32768;

/** Where the counters lie, behind the ring. */
export function countersBase(ramSize: number): number {
  return blockRingBase(ramSize) + BLOCK_RING_SIZE;
}

/** Pages of 64 KiB that a machine with so much RAM needs. */
export function memoryPages(ramSize: number): number {
  return (countersBase(ramSize) + COUNTERS * 8) / 65536;
}
