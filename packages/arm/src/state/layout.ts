// SPDX-License-Identifier: Apache-2.0
// Where the state of one virtual CPU lies in the machine's WebAssembly memory. This one table feeds the generated code
// and the TypeScript accessors alike; offsets are bytes from the start of the CPU's block.

/** Size of one CPU's block, aligned to a host page. */
export const CPU_BLOCK_SIZE = 4096;

export const CPU = {
  /** r0 to r14 of the current mode; while an instruction runs, slot 15 is what a read of the PC gives. */
  registers: 0,
  /** N is the sign of this word. */
  flagN: 64,
  /** Z is set exactly if this word is zero. */
  flagZ: 68,
  /** C, 0 or 1. */
  flagC: 72,
  /** V is the sign of this word. */
  flagV: 76,
  /** Cumulative saturation bit Q, 0 or 1. */
  flagQ: 80,
  /** GE[3:0] of the parallel additions. */
  flagGE: 84,
  /** CPSR bits A, I, F, E, T, J and M[4:0] at their places; all others are zero here. */
  control: 88,
  /** ITSTATE[7:0]; zero outside an IT block. */
  itState: 92,

  /** Instructions that may still run before the engine must return (signed). */
  budget: 96,
  /** Virtual page that the fetch cache is for (page-aligned), or 1: look again, and look for attention first. */
  fetchPage: 100,
  /** Host address of an instruction = its virtual address + this. */
  fetchHost: 104,
  /** Address of its 16-bit handler number = its virtual address + this. */
  fetchHandlers: 108,
  /** 8 in A32 state, 4 in T32: what the PC reads ahead. */
  pcAhead: 112,
  /** Bases of the three shadow page tables of the current context (read, write, fetch). */
  tableRead: 116,
  tableWrite: 120,
  tableFetch: 124,
  /** Non-zero: the run loop must return to TypeScript before the next instruction. */
  attention: 128,
  /** Non-zero after a slow path: the instruction is abandoned, execution goes on at `nextPc`. */
  aborted: 132,
  nextPc: 136,
  /** Level of the interrupt inputs as a mask of CPSR bits (I = 0x80, F = 0x40). */
  interruptLines: 140,

  /** Exclusive monitor: virtual address of the reservation or 0xffffffff when open, its size, the value seen. */
  exclusiveAddress: 144,
  exclusiveSize: 148,
  exclusiveValueLow: 152,
  exclusiveValueHigh: 156,

  /** FPSCR: NZCV in bits 31:28; the rest (control and cumulative bits, QC) in the second word. */
  fpscrFlags: 160,
  fpscr: 164,
  /** FPEXC; bit 30 EN. */
  fpexc: 168,
  /** Non-zero if the current mode may use the floating-point registers: FPEXC.EN and CPACR allow it. */
  fpEnabled: 172,
  /** Results wider than a register that helper functions hand back. */
  result0: 176,
  result1: 180,
  result2: 184,
  result3: 188,

  /** SPSR of the current mode. */
  spsr: 192,
  /** Banked r13, r14, SPSR (12 bytes each) by bank: user, svc, abt, und, irq, fiq, mon; the current bank is stale. */
  banks: 196,
  /** r8 to r12 of FIQ mode while another mode runs, and of the others while FIQ runs. */
  fiqRegisters: 292,
  userRegisters: 312,

  /** Thread-identity registers, read by user programs at every turn. */
  tpidrurw: 336,
  tpidruro: 340,
  tpidrprw: 344,
  teehbr: 348,

  /** Translated regions that have called each other and not returned yet. */
  callDepth: 352,
  /** Bases of the read and write tables for accesses with User permissions (LDRT, STRT). */
  tableUserRead: 356,
  tableUserWrite: 360,
  /**
   * Bitmaps of watched granules, one bit for each 64 bytes of the machine's memory: the bits of a host address are in
   * the byte at this + (address >>> 9).
   */
  watchedForRead: 364,
  watchedForWrite: 368,
  /** Counts the interpreter's accesses to unwatched granules of watched pages. */
  secondLooks: 372,
  /**
   * Kept while blocks are counted: non-zero if the next instruction begins a block, and the address of the instruction that
   * ended the one before.
   */
  blockEntry: 376,
  blockFrom: 380,

  /** D0 to D31, 64 bits each. */
  vectors: 512,
  /** Coprocessor 15 registers that only TypeScript touches: one word each, see system/registers. */
  system: 1024,
} as const;

/** CPSR bits at their architectural places. */
export const PSR = {
  T: 0x20,
  F: 0x40,
  I: 0x80,
  A: 0x100,
  E: 0x200,
  J: 0x100_0000,
} as const;

/** All of CPU.fpscr that can be written: not NZCV, not the trap enables, which read as zero. */
export const FPSCR_WRITABLE = 0x0ff7_009f;

/** Mode field values (B1.3.1). */
export const MODE = {
  usr: 0x10,
  fiq: 0x11,
  irq: 0x12,
  svc: 0x13,
  mon: 0x16,
  abt: 0x17,
  hyp: 0x1a,
  und: 0x1b,
  sys: 0x1f,
} as const;

/** Bits of the description that accompanies a memory access to the slow path. */
export const ACCESS = {
  /** Low bits: size in bytes, 1, 2, 4 or 8. */
  sizeMask: 0xf,
  /** Sign-extend a byte or halfword. */
  signed: 0x10,
  /** Checked with User permissions (LDRT, STRT). */
  unprivileged: 0x20,
  /** Must be aligned to its size (exclusives) whatever SCTLR.A says. */
  aligned: 0x40,
  /** Must be word-aligned (LDM, LDRD, VLDR). */
  wordAligned: 0x80,
  /** The instruction's first read of a location that it will write: faults count as writes. */
  write: 0x100,
  /** Made of smaller elements: whatever the size, only bytes or halfwords need be aligned when SCTLR.A asks for it. */
  byteElements: 0x200,
  halfwordElements: 0x400,
} as const;
