// SPDX-License-Identifier: Apache-2.0
// What a CPU and the machine around it have to do with each other: what it is made of, what it asks, why it stops.

import type { CpuModel } from '@plinth/arm';
import type { CodePages } from '../memory/code-pages.js';
import type { PhysicalMemory } from '../memory/physical-memory.js';
import type { ShadowTables } from '../memory/shadow-tables.js';
import type { VirtualWatches } from '../memory/virtual-watches.js';
import type { ArchTimer } from './arch-timer.js';
import type { Blocks } from './blocks.js';
import type { Hooks } from './hooks.js';
import type { Taps } from './taps.js';
import type { Vcpu } from './vcpu.js';

export interface VcpuOptions {
  readonly index: number;
  readonly memory: WebAssembly.Memory;
  readonly base: number;
  readonly model: CpuModel;
  readonly physical: PhysicalMemory;
  readonly shadow: ShadowTables;
  readonly codePages: CodePages;
  readonly hooks: Hooks;
  readonly blocks: Blocks;
  readonly taps: Taps;
  readonly watches: VirtualWatches;
  readonly host: CpuHost;
}

/** What the CPU asks of the machine around it. */
export interface CpuHost {
  /** HVC or SMC: true if the firmware answered in the registers. */
  firmwareCall(cpu: Vcpu, conduit: 'hvc' | 'smc'): boolean;
  /** SVC, HLT or BKPT that may be semihosting: true if it was, and has been done. */
  semihostingCall(cpu: Vcpu, kind: number, immediate: number): boolean;
  /** Asked before the first instruction of a page runs, and again after the page has changed. */
  fetchAllowed(page: number): boolean;
  /** The CPU's own timer. */
  timer(cpu: Vcpu): ArchTimer;
  /** SEV: an event for every CPU. */
  sendEvent(): void;
  /** CPUs of the machine. */
  readonly cpuCount: number;
  /** Instructions since power-on. */
  readonly count: number;
  unknownRegister(description: string, write: boolean): void;
  /** An instruction fetch or a data access where nothing is on the bus. */
  busError(address: number, kind: number): void;
}

/** Why `execute` came back before its budget was spent. */
export type CpuStop =
  /** A device, a timer or a system register was touched: events and lines must be looked at. */
  | 'device'
  /** WFI or WFE, and what it waits for has not come; or the CPU has turned itself off. */
  | 'wait'
  /** Exceptions taken one after the other with no instruction between that could change anything. */
  | 'fault-loop'
  /** `CpuHost.fetchAllowed` said no; the PC is at the page's first instruction. */
  | 'fetch-denied'
  /** A hook said so; the PC is at its instruction. */
  | 'hook';

/** An exception that is put upon a guest; `status` as in DFSR[10, 3:0], a permission fault of a page if left out. */
export type GuestException =
  | { readonly kind: 'undefined' }
  | { readonly kind: 'prefetch-abort'; readonly status?: number }
  | { readonly kind: 'data-abort'; readonly address: number; readonly write?: boolean; readonly status?: number };

/** Which reason to stop is told when several come together: the caller looks at devices and time anyway. */
export const STOP_RANK: Readonly<Record<CpuStop, number>> = {
  device: 0,
  wait: 1,
  'fault-loop': 2,
  'fetch-denied': 3,
  hook: 4,
};
