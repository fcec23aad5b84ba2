// SPDX-License-Identifier: Apache-2.0
// The functions that generated code may call by name, with their types. Each gets the address of the CPU block first.
// `runtime` ones touch processor state (the engine must have it in memory); `pure` ones compute; of the
// state they see FPSCR and the result words alone, and they never give an instruction up.

import type { ValueType } from '@plinth/wasmgen';
import { FLOAT_HELPERS } from './float-helpers.js';

export interface Helper {
  readonly parameters: readonly ValueType[];
  readonly result: ValueType | undefined;
  readonly kind: 'runtime' | 'pure';
}

const i: ValueType = 'i32';
const runtime = (count: number, result?: ValueType): Helper => ({
  parameters: Array<ValueType>(count).fill(i),
  result,
  kind: 'runtime',
});

const pure = (count: number): Helper => ({ parameters: Array<ValueType>(count).fill(i), result: i, kind: 'pure' });

/** Helpers by name; parameters exclude the leading CPU block address. */
export const HELPERS: Readonly<Record<string, Helper>> = {
  /** (exception kind, immediate): takes the exception, sets `aborted` and `nextPc`. */
  exception: runtime(2),
  /** (CPSR value, byte mask 1..15 as in MSR): writes CPSR as MSR does, checking privilege. */
  writeCpsr: runtime(2),
  /** (target): exception return to an address: CPSR := SPSR, then `nextPc` = target aligned, `aborted` set. */
  exceptionReturn: runtime(1),
  /** (instruction): MCR/MRC/MCRR/MRRC/CDP and their 2-forms to CP14 and CP15; does the whole instruction. */
  coprocessor: runtime(1),
  /** SRS: (mode) -> that mode's SP, (mode, SP). The current mode's is the register itself. */
  readBankedSp: runtime(1, i),
  writeBankedSp: runtime(2),
  /** (target, CPSR): RFE. */
  returnFromException: runtime(2),
  /** (): WFI; (): WFE; (): SEV; (): YIELD. */
  waitForInterrupt: runtime(0),
  waitForEvent: runtime(0),
  sendEvent: runtime(0),
  /** (E bit): SETEND. */
  setEndianness: runtime(1),
  /**
   * (VMRS register number) -> FPSID 0, MVFR1 6, MVFR0 7, FPEXC 8; undefined in User mode or if CPACR says no, whatever
   * FPEXC.EN says. Writing: FPEXC takes EN and changes whether floating point is enabled; the others ignore it.
   */
  readFloatingPointSystem: runtime(1, i),
  writeFloatingPointSystem: runtime(2),
  /** (address, write): takes the Data Abort of an access that is less aligned than the instruction says it is. */
  alignmentFault: runtime(2),
  ...Object.fromEntries(Object.entries(FLOAT_HELPERS).map(([name, count]) => [name, pure(count)])),
};
