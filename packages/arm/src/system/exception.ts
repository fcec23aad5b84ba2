// SPDX-License-Identifier: Apache-2.0
// Names of what an instruction can raise (B1.8). The numbers pass between generated code and TypeScript.

export const EXCEPTION = {
  undefined: 0,
  /** Supervisor call; the immediate goes along for semihosting. */
  supervisorCall: 1,
  prefetchAbort: 2,
  dataAbort: 3,
  interrupt: 4,
  fastInterrupt: 5,
  secureMonitorCall: 6,
  hypervisorCall: 7,
  /** BKPT: a prefetch abort with the debug status, unless a debugger takes it. */
  breakpoint: 8,
} as const;

export type ExceptionKind = (typeof EXCEPTION)[keyof typeof EXCEPTION];
