// SPDX-License-Identifier: Apache-2.0
// The small world that a fuzz case runs in: which pages it sees, what they hold, and what the registers that the case
// does not name start with. runner/start.S builds the same world in QEMU; an engine under test builds it from here.

export const PAGE_BYTES = 0x1000;
/** Executable, read-only in all modes. The instructions under test end where this page ends. */
export const CODE_PAGE = 0x10400000;
export const CODE_END: number = CODE_PAGE + PAGE_BYTES;
/** Two pages, read-write in all modes, execute never; so a case ends by a prefetch abort at CODE_END. */
export const WINDOW: number = CODE_END;
export const WINDOW_BYTES = 0x2000;
/** The border between the two pages of the window, and the end of the window, after which nothing is mapped. */
export const WINDOW_BORDER: number = WINDOW + PAGE_BYTES;
export const WINDOW_END: number = WINDOW + WINDOW_BYTES;

/** Vectors and save area of the runner (privileged only): no case should touch them. */
export const RUNNER_PAGES = { address: 0xffff0000, bytes: 2 * PAGE_BYTES };

/** The parts of the window that a case fills itself: 256 bytes around the border, then the last 64 bytes. */
export const BORDER_BYTES = 256;
export const TAIL_BYTES = 64;
export const MEMORY_BYTES: number = BORDER_BYTES + TAIL_BYTES;
export const BORDER_OFFSET: number = PAGE_BYTES - BORDER_BYTES / 2;
export const TAIL_OFFSET: number = WINDOW_BYTES - TAIL_BYTES;

/** At most this many bytes of instructions. */
export const MAX_CODE_BYTES = 24;

export const MODE = { usr: 0x10, fiq: 0x11, irq: 0x12, svc: 0x13, abt: 0x17, und: 0x1b, sys: 0x1f } as const;

/** SCTLR while a case runs (high vectors, MMU and caches on), before the case inverts its own bits. */
export const SCTLR = 0x00c5387d;
export const SCTLR_A = 2;
export const FPEXC_EN = 0x40000000;

/** Filler before the instructions: undefined in either instruction set from any address a branch can reach. */
const FILL = { A32: 0xe7ffdefe, T32: 0xdeeedeee } as const;

/** The code page of a case. */
export function codePage(isa: 'A32' | 'T32', code: Uint8Array): Uint8Array {
  const page = new Uint8Array(PAGE_BYTES);
  const view = new DataView(page.buffer);
  for (let offset = 0; offset < PAGE_BYTES; offset += 4) view.setUint32(offset, FILL[isa], true);
  page.set(code, PAGE_BYTES - code.length);
  return page;
}

/** What the window holds before the case's own bytes are laid over it. */
export function windowBackground(): Uint8Array {
  const background = new Uint8Array(WINDOW_BYTES);
  const view = new DataView(background.buffer);
  let word = 0x2545f491;
  for (let offset = 0; offset < WINDOW_BYTES; offset += 4) {
    word = (Math.imul(word, 0x19660d) + 0x3c6ef35f) >>> 0;
    view.setUint32(offset, word ^ (word >>> 13), true);
  }
  return background;
}

/** The window at the start of a case. */
export function windowOf(memory: Uint8Array): Uint8Array {
  const window = windowBackground();
  window.set(memory.subarray(0, BORDER_BYTES), BORDER_OFFSET);
  window.set(memory.subarray(BORDER_BYTES, MEMORY_BYTES), TAIL_OFFSET);
  return window;
}

/**
 * Index of each banked register in `TestResult.banked`: r8-r14 of User mode, r8-r14 and SPSR of FIQ mode, then SP, LR
 * and SPSR of the other modes. The registers of the mode a case runs in are found here as well.
 */
export const BANK = { usr: 0, fiq: 7, irq: 15, svc: 18, abt: 21, und: 24, length: 27 } as const;

const BANK_SP: Readonly<Record<keyof typeof BANK, number>> = {
  usr: 0x10402100,
  fiq: 0x104020c0,
  irq: 0x10401f80,
  svc: 0x10401fc0,
  abt: 0x10402040,
  und: 0x10402080,
  length: 0,
};
/** The stack pointer of the mode from which the runner enters the case by RFE. */
const LAUNCH = 0xffff1c00;

/** Where LR of `mode` lies in `banked`; SP is before it and SPSR, if the mode has one, after it. */
export function bankedLr(mode: number): number {
  switch (mode) {
    case MODE.fiq:
      return BANK.fiq + 6;
    case MODE.irq:
      return BANK.irq + 1;
    case MODE.svc:
      return BANK.svc + 1;
    case MODE.abt:
      return BANK.abt + 1;
    case MODE.und:
      return BANK.und + 1;
    default:
      return BANK.usr + 6;
  }
}

/** True if `mode` has a saved program status register. */
export function hasSpsr(mode: number): boolean {
  return mode !== MODE.usr && mode !== MODE.sys;
}

/** All banked registers at the start of a case that runs in `mode` with these r0-r14 and this SPSR. */
export function initialBanks(mode: number, registers: Uint32Array, spsr: number): Uint32Array {
  const banks = new Uint32Array(BANK.length);
  const value = (owner: number, register: number): number => (0x5a000000 | (owner << 8) | register) >>> 0;
  for (let register = 8; register <= 12; register++) {
    banks[BANK.usr + register - 8] = value(MODE.sys, register);
    banks[BANK.fiq + register - 8] = value(MODE.fiq, register);
  }
  for (const [name, owner] of Object.entries(MODE)) {
    if (owner === MODE.sys) continue;
    const lr = bankedLr(owner);
    banks[lr - 1] = BANK_SP[name as keyof typeof BANK];
    banks[lr] = value(owner === MODE.usr ? MODE.sys : owner, 14);
    if (hasSpsr(owner)) banks[lr + 1] = value(owner, 16);
  }
  banks[bankedLr(mode === MODE.fiq ? MODE.irq : MODE.fiq) - 1] = LAUNCH;
  const firstBanked = mode === MODE.fiq ? BANK.fiq : BANK.usr;
  banks.set(registers.subarray(8, 13), firstBanked);
  const lr = bankedLr(mode);
  banks[lr - 1] = registers[13]!;
  banks[lr] = registers[14]!;
  if (hasSpsr(mode)) banks[lr + 1] = spsr;
  return banks;
}

/** r0-r14 as seen in `mode`, from r0-r7 and the banks. */
export function registersIn(mode: number, low: Uint32Array, banks: Uint32Array): Uint32Array {
  const registers = new Uint32Array(15);
  registers.set(low.subarray(0, 8));
  const firstBanked = mode === MODE.fiq ? BANK.fiq : BANK.usr;
  registers.set(banks.subarray(firstBanked, firstBanked + 5), 8);
  const lr = bankedLr(mode);
  registers[13] = banks[lr - 1]!;
  registers[14] = banks[lr]!;
  return registers;
}
