// SPDX-License-Identifier: Apache-2.0
// A guest that listens to its serial line, for tests of inputs and of recordings. Only for tests; no part of the package.

import type { Instruction } from './assemble.js';
import { type CpuTest, DATA } from './contract.js';
import { a32, add, b, ldr, mcr, mov, mov32, mrc, NE, str, wfi } from './mnemonics.js';

const UART = 0x0900_0000;

const setUp = [
  ...mov32(8, UART),
  ...mov32(9, DATA),
  ...mov32(10, 0x0800_0000),
  mov(0, 1),
  str(0, 10), // distributor on
  ...mov32(0, 1 << 27),
  str(0, 10, 0x100), // the virtual timer's PPI
  mov(0, 2),
  str(0, 10, 0x104), // the UART's SPI
  mov(0, 0x10),
  str(0, 8, 0x38), // receive interrupt
  ...mov32(10, 0x0801_0000),
  mov(0, 0xff),
  str(0, 10, 4),
  mov(0, 1),
  str(0, 10), // CPU interface on
];
const wait = [
  ...mov32(0, 5000),
  mcr('CNTV_TVAL', 0),
  mov(0, 1),
  mcr('CNTV_CTL', 0),
  wfi(),
  add(7, 7, 1),
  ldr(1, 8, 0x18),
  a32('TST (immediate)', { Rn: 1, imm12: 0x10 }), // nothing received?
];
const note = [ldr(2, 8), mrc('CNTV_TVAL', 3), str(2, 9), str(3, 9, 4), str(7, 9, 8), add(9, 9, 12)];

/**
 * A guest with interrupts masked that waits in WFI, 5000 ticks at most, and notes each character that the UART has for it
 * with the ticks that were left and the number of waits. After each it does what `more` says, which leaves r7 to r9 alone.
 */
export function notingProgram(test: CpuTest, more: readonly Instruction[] = []): CpuTest {
  const body = [...note, ...more];
  const back = -4 * (wait.length + 1 + body.length);
  return test.code([...setUp, ...wait, b(-4 * wait.length, NE), ...body, b(back)]).start();
}
