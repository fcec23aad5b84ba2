// SPDX-License-Identifier: Apache-2.0
import { PlinthError } from '@plinth/core';
import { Assembler, R0 } from '@plinth/ebpf';
import { KernelProgram, nativeCalls } from '@plinth/linux';

/** Why this kernel takes no program from us, said once on the way to skipping; undefined if it does. */
export function whyNoKernel(test: string): string | undefined {
  try {
    using program = KernelProgram.load(nativeCalls(), new Assembler('probe', 'schedCls').mov(R0, 0).exit().finish());
    void program;
    return undefined;
  } catch (error) {
    if (!(error instanceof PlinthError)) throw error;
    console.log(`skipped: ${test}: ${error.message}`);
    return error.message;
  }
}
