// SPDX-License-Identifier: Apache-2.0
// The functions that generated code may call by name, with their types. Each gets the address of the CPU block first.
// `runtime` ones touch processor state (the engine must have it in memory); `pure` ones only compute.

import type { ValueType } from '@plinth/wasmgen';

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

/** Helpers by name; parameters exclude the leading CPU block address. */
export const HELPERS: Readonly<Record<string, Helper>> = {
  /** (exception kind, immediate): takes the exception, sets `aborted` and `nextPc`. */
  exception: runtime(2),
  /** (CPSR value, byte mask 1..15 as in MSR): writes CPSR as MSR does, checking privilege. */
  writeCpsr: runtime(2),
  /** (): CPSR := SPSR as an exception return does; sets nothing else. */
  restoreCpsr: runtime(0),
  /** (target): exception return to an address: CPSR := SPSR, then `nextPc` = target aligned, `aborted` set. */
  exceptionReturn: runtime(1),
  /** (SPSR value, byte mask): MSR SPSR. */
  writeSpsr: runtime(2),
  /** (instruction): MCR/MRC/MCRR/MRRC/CDP and their 2-forms to CP14 and CP15; does the whole instruction. */
  coprocessor: runtime(1),
  /** (register list, base address, flags): LDM/STM of User-bank registers; see system/user-bank. */
  loadUserBank: runtime(2),
  storeUserBank: runtime(2),
  /** (mode, register number m/sysm): banked MRS/MSR are not in this profile; SRS: (mode) -> banked SP. */
  readBankedSp: runtime(1, i),
  writeBankedSp: runtime(2),
  /** (target, CPSR): RFE. */
  returnFromException: runtime(2),
  /** (): WFI; (): WFE; (): SEV; (): YIELD. */
  waitForInterrupt: runtime(0),
  waitForEvent: runtime(0),
  sendEvent: runtime(0),
  /** (immediate, thumb): breakpoint or semihosting HLT. */
  breakpoint: runtime(1),
  /** (E bit): SETEND. */
  setEndianness: runtime(1),
};
