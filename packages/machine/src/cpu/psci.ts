// SPDX-License-Identifier: Apache-2.0
// The firmware's power functions as a guest calls them by HVC: PSCI 1.1 (DEN 0022), over version 1.0 of the
// SMC calling convention. CPUs are named by their affinity, which is their number here; there is one level of it.

export const PSCI_NOT_SUPPORTED = -1;
const INVALID_PARAMETERS = -2;
const ALREADY_ON = -4;

/** What a call wants to happen. */
export type PsciRequest =
  /** The whole machine. */
  | { readonly kind: 'off' }
  | { readonly kind: 'reset' }
  /** The caller waits for an interrupt. */
  | { readonly kind: 'suspend' }
  /** The caller turns itself off; the call does not return. */
  | { readonly kind: 'cpu-off' }
  /** Another CPU starts: bit 0 of the entry chooses T32, `context` comes in its r0. */
  | { readonly kind: 'cpu-on'; readonly cpu: number; readonly entry: number; readonly context: number };

export interface PsciResult {
  /** What r0 becomes. */
  readonly value: number;
  readonly request?: PsciRequest;
}

const SUPPORTED = [0, 1, 2, 3, 4, 6, 8, 9, 10];

/**
 * Answers a call by its function identifier and up to three arguments; `on` says which CPUs are. Undefined if it is no
 * call of these.
 */
export function psciCall(
  functionId: number,
  [first, second, third]: readonly [number, number, number],
  on: readonly boolean[],
): PsciResult | undefined {
  const id = functionId >>> 0;
  if (id >>> 16 !== 0x8400) return undefined;
  const target = first >>> 0;
  switch (id & 0xffff) {
    case 0:
      return { value: 0x10001 };
    case 1:
      return { value: 0, request: { kind: 'suspend' } };
    case 2:
      return { value: 0, request: { kind: 'cpu-off' } };
    case 3: {
      const state = on[target];
      if (state === undefined) return { value: INVALID_PARAMETERS };
      if (state) return { value: ALREADY_ON };
      return { value: 0, request: { kind: 'cpu-on', cpu: target, entry: second, context: third } };
    }
    case 4: {
      // Whatever is above the CPUs is on.
      if (second !== 0) return { value: 0 };
      const state = on[target];
      return { value: state === undefined ? INVALID_PARAMETERS : state ? 0 : 1 };
    }
    case 6:
      // No trusted operating system that would have to move.
      return { value: 2 };
    case 8:
      return { value: 0, request: { kind: 'off' } };
    case 9:
      return { value: 0, request: { kind: 'reset' } };
    case 10: {
      const known = target >>> 16 === 0x8400 && SUPPORTED.includes(target & 0xffff);
      return { value: known ? 0 : PSCI_NOT_SUPPORTED };
    }
    default:
      return { value: PSCI_NOT_SUPPORTED };
  }
}
