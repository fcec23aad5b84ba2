// SPDX-License-Identifier: Apache-2.0
// The firmware's power functions as a guest calls them by HVC: PSCI 1.1 (DEN 0022), over version 1.0 of the
// SMC calling convention. One CPU is on; the others' functions answer as for CPUs that do not exist.

export const PSCI_NOT_SUPPORTED = -1;
const INVALID_PARAMETERS = -2;
const ALREADY_ON = -4;

export type PowerRequest = 'off' | 'reset' | 'suspend';

export interface PsciResult {
  /** What r0 becomes. */
  readonly value: number;
  readonly request?: PowerRequest;
}

const SUPPORTED = [0, 1, 2, 3, 4, 6, 8, 9, 10];

/** Answers a call by its function identifier; undefined if it is no call of these. */
export function psciCall(functionId: number, argument: number, cpus: number): PsciResult | undefined {
  const id = functionId >>> 0;
  if (id >>> 16 !== 0x8400) return undefined;
  switch (id & 0xffff) {
    case 0:
      return { value: 0x10001 };
    case 1:
      return { value: 0, request: 'suspend' };
    case 2:
      return { value: PSCI_NOT_SUPPORTED };
    case 3:
      return { value: (argument & 0xffffff) < cpus ? ALREADY_ON : INVALID_PARAMETERS };
    case 4:
      return { value: (argument & 0xffffff) < cpus ? 0 : INVALID_PARAMETERS };
    case 6:
      // No trusted operating system that would have to move.
      return { value: 2 };
    case 8:
      return { value: 0, request: 'off' };
    case 9:
      return { value: 0, request: 'reset' };
    case 10: {
      const asked = argument >>> 0;
      const known = asked >>> 16 === 0x8400 && SUPPORTED.includes(asked & 0xffff);
      return { value: known ? 0 : PSCI_NOT_SUPPORTED };
    }
    default:
      return { value: PSCI_NOT_SUPPORTED };
  }
}
