// SPDX-License-Identifier: Apache-2.0
// What is looked at of a guest: RAM and a few registers of each CPU. Reading has no effect on it. All that is read with
// this interface is of one instant, between two instructions.

export interface GuestCpu {
  readonly index: number;
  /** In User mode. */
  readonly user: boolean;
  readonly pc: number;
  /** TTBR0 and TTBR1 with their attribute bits. */
  readonly translationBase: readonly [number, number];
  /** TPIDRPRW, where Linux keeps the offset of the CPU's own variables. */
  readonly privilegedThreadId: number;
  /** TPIDRURO: in the kernel the current task, in User mode the program's thread pointer. */
  readonly userThreadId: number;
}

export interface GuestView {
  /** Guest-physical address of RAM. */
  readonly ramBase: number;
  /** All of RAM, live. */
  readonly ram: Uint8Array;
  readonly cpus: readonly GuestCpu[];
}
