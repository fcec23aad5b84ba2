// SPDX-License-Identifier: Apache-2.0
// Runs a loaded program on a packet, without a network (BPF_PROG_TEST_RUN).

import type { SystemCalls } from '../system-calls.js';
import { Attribute } from './attribute.js';
import type { KernelProgram } from './kernel-program.js';
import { refusal } from './refusal.js';

export interface TestRun {
  /** What the program returned. */
  readonly result: number;
  /** Nanoseconds of one run, on average. */
  readonly duration: number;
}

/** `frame` has at least an Ethernet header. */
export function testRun(calls: SystemCalls, program: KernelProgram, frame: Uint8Array, repeat = 1): TestRun {
  const attribute = new Attribute(calls).u32(0, program.fd).u32(8, frame.length).pointer(16, frame).u32(32, repeat);
  const result = attribute.call('programTestRun');
  if (result < 0) throw refusal(`a test run of program ${program.program.name}`, -result);
  return { result: attribute.getU32(4), duration: attribute.getU32(36) };
}
