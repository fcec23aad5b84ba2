// SPDX-License-Identifier: Apache-2.0
// What the GDB protocol needs of whatever is debugged. Nothing here names a machine, a processor or an operating system:
// registers are what the target's own description says, threads are what it has.

/** Signal numbers as GDB has them (its include/gdb/signals.def). */
export const SIGNAL = { interrupt: 2, illegal: 4, trap: 5, abort: 6, segmentation: 11, terminated: 15 } as const;

export interface TargetThread {
  /** From 1 on. */
  readonly id: number;
  readonly name: string;
  /** What it does, for people. */
  readonly state: string;
}

export interface TargetRegister {
  readonly name: string;
  /** A multiple of 32. */
  readonly bits: number;
}

export interface MemoryRegion {
  readonly kind: 'ram' | 'rom';
  readonly start: number;
  /** Bytes; a region may reach the end of a 32-bit address space. */
  readonly length: number;
}

/** Where a target is to stop. */
export interface StopPoint {
  /** Before an instruction, or before one that accesses. */
  readonly kind: 'software' | 'hardware' | 'write' | 'read' | 'access';
  readonly address: number;
  /** Bytes that are watched; of an instruction what the client takes its size for. */
  readonly length: number;
}

/** How a thread goes on. */
export type Resumption =
  | { readonly kind: 'continue' }
  | { readonly kind: 'step' }
  /** Steps as long as the PC is in `[start, end)`. */
  | { readonly kind: 'range'; readonly start: number; readonly end: number };

/** Why a target has stopped. */
export interface TargetStop {
  readonly signal: number;
  readonly thread: number;
  readonly reason?:
    | { readonly kind: 'software' | 'hardware' }
    | { readonly kind: 'write' | 'read' | 'access'; readonly address: number }
    /** It has been run backwards to where its history begins, or forwards to where it ends. */
    | { readonly kind: 'history'; readonly end: 'begin' | 'end' };
  /** A line for the user. */
  readonly message?: string;
  /** It has ended: when it is to go on, this is its exit status. What is left of it can be looked at. */
  readonly exitStatus?: number;
}

/** Goes backwards in time. Each call ends with a stop that is told as those of `resume` are. */
export interface ReverseExecution {
  step(thread: number): void;
  continue(): void;
}

export interface Target {
  /** Of qXfer:features, by annex; `target.xml` is the first that is asked for. */
  readonly features: ReadonlyMap<string, string>;
  /** In the order of their numbers. */
  readonly registers: readonly TargetRegister[];
  /** Registers from 0 up to this number are in a `g` packet. */
  readonly generalRegisters: number;
  readonly memoryMap: readonly MemoryRegion[];
  /** Name of the program's file, if it runs one. */
  readonly executable?: string;
  readonly threads: readonly TargetThread[];
  /** The thread that stopped last, or runs. */
  readonly currentThread: number;
  readonly reverse?: ReverseExecution;

  // ---- only while it is stopped; nothing of this has effects that the target could notice, but for the writes ----

  /** In the target's byte order; undefined if it cannot be known. */
  readRegister(thread: number, register: number): Uint8Array | undefined;
  /** False if it cannot be written. */
  writeRegister(thread: number, register: number, bytes: Uint8Array): boolean;
  /** As the thread sees memory; what is there up to the first byte that is not. */
  readMemory(thread: number, address: number, length: number): Uint8Array;
  /** False, and nothing written, if some of it is not there. */
  writeMemory(thread: number, address: number, bytes: Uint8Array): boolean;
  /** Addresses of memory are physical from now on, or virtual again; undefined if there is no difference. */
  physicalAddresses?: boolean;
  /** Stops there from now on; returns the function that ends that, or undefined if the target cannot. */
  stopAt(point: StopPoint): (() => void) | undefined;

  // ---- run control --------------------------------------------------------------------------------------------

  /** A debugger has come: the target stops. */
  attach(onStop: (stop: TargetStop) => void): TargetStop;
  /** The debugger has gone: the target goes on by itself. */
  detach(): void;
  /** Goes on, each thread as told; threads that are not named stand still if the target can have that. */
  resume(threads: ReadonlyMap<number, Resumption>): void;
  /** Stops, which is told like any stop; nothing if it has stopped. */
  interrupt(): void;
  /** Power-on state; it stays stopped. */
  reset(): void;
  /** Ends it. */
  kill(): void;
}
