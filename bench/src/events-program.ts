// SPDX-License-Identifier: Apache-2.0
// The program by which the cost of an event is measured, in our machine and under GDB: rounds in which r0 is counted up and
// stored at r1, and a function is called that returns at once. A32, to be put where the machines have RAM, and QEMU puts nothing:
// at the start of RAM it has its device tree.

export const EVENTS_AT = 0x4020_0000;
export const FUNCTION_AT: number = EVENTS_AT + 0x24;
export const DATA_AT: number = EVENTS_AT + 0x8000;
/** Instructions of a round. */
export const PER_ROUND = 6;

const WORDS = [
  0xe59f_1020, // ldr r1, DATA_AT
  0xe3a0_0000, // mov r0, #0
  0xe280_0001, // the loop: add r0, r0, #1
  0xe581_0000, // str r0, [r1]
  0xeb00_0003, // bl FUNCTION_AT
  0xe252_2001, // subs r2, r2, #1
  0xeaff_fffa, // b to the loop
  0xe1a0_0000, // nop
  0xe1a0_0000, // nop
  0xe12f_ff1e, // bx lr
  DATA_AT,
];
/** Where a round begins, and its last instruction. */
export const LOOP_AT: number = EVENTS_AT + 8;
export const LOOP_END: number = EVENTS_AT + 0x18;

export function eventsProgram(): Uint8Array {
  return new Uint8Array(Uint32Array.from(WORDS).buffer);
}
