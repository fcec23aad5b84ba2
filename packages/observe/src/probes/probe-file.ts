// SPDX-License-Identifier: Apache-2.0
// What a probe file is: a module whose default export sets probes. The shell loads it and gives it its tools.

import type { GuestSymbol } from '../symbols/symbol-table.js';
import type { Probes } from './probes.js';

/** Names of the guest's code and data: of the program's ELF file, or of the Linux kernel in its memory. */
export interface ProbeSymbols {
  /** Whether there are any, now. */
  readonly known: boolean;
  /** Address of the first symbol of this name; undefined if there is none, or no symbols are known. */
  address(name: string): number | undefined;
  /** Symbols whose names match a pattern with `*` and `?`, by address. */
  matching(glob: string): readonly GuestSymbol[];
  /** `name+0x12`; undefined where no symbol is. */
  describe(address: number): string | undefined;
  /**
   * Calls once there are symbols: at once, or between two slices of the run, as of a kernel that has first to unpack itself.
   */
  whenKnown(then: () => void): void;
}

export interface ProbeTools {
  /** Prints a line: to standard error, or to the file of `--probe-output`; never among the bytes of the guest's console. */
  print(line: string): void;
  /** The same with a value as JSON, in one line. */
  emit(value: object): void;
  readonly symbols: ProbeSymbols;
  /** From `--probe FILE,key=value`. */
  readonly options: Readonly<Record<string, string>>;
}

/** The default export of a probe file. It is called before the first instruction; what it returns, at the end of the run. */
export type ProbeFile = (probes: Probes, tools: ProbeTools) => (() => void) | void;
