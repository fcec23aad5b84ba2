// SPDX-License-Identifier: Apache-2.0
// A machine of ours as a guest that is looked at.

import { CPU, MODE, SYSTEM } from '@plinth/arm';
import type { Machine } from '@plinth/machine';
import type { GuestView } from './guest-view.js';

/** Live: each property tells what holds when it is read. */
export function machineView({ memory, cpus }: Pick<Machine, 'memory' | 'cpus'>): GuestView {
  return {
    ramBase: memory.ramBase,
    ram: memory.ram,
    cpus: cpus.map(({ index, state }) => ({
      index,
      get user() {
        return state.mode === MODE.usr;
      },
      get pc() {
        return state.reg(15) >>> 0;
      },
      get translationBase(): readonly [number, number] {
        return [state.get(SYSTEM.TTBR0) >>> 0, state.get(SYSTEM.TTBR1) >>> 0];
      },
      get privilegedThreadId() {
        return state.get(CPU.tpidrprw) >>> 0;
      },
      get userThreadId() {
        return state.get(CPU.tpidruro) >>> 0;
      },
    })),
  };
}
