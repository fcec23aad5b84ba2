// SPDX-License-Identifier: Apache-2.0
// What a run loads, as bytes that the shell has brought.

export interface NamedBytes {
  /** For messages. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** What a machine starts with: a kernel and what goes with it, or a program alone. */
export interface BootFiles {
  /** zImage, Image or ELF. */
  readonly kernel?: NamedBytes;
  /** Initial RAM disk, packed or not. */
  readonly initrd?: NamedBytes;
  /** Flattened device tree; the board's own if left out. */
  readonly dtb?: NamedBytes;
  /** Kernel command line. */
  readonly append?: string;
  /** A bare-metal ELF program. */
  readonly program?: NamedBytes;
}

export interface RunFiles extends BootFiles {
  readonly append: string;
  /** What the machine is switched on with, for a guest that gets its own seed and time of day by its request. */
  readonly powerOn?: PowerOn;
}

export interface PowerOn {
  /** Hexadecimal. */
  readonly seed: string;
  /** Seconds since 1970. */
  readonly wallClock: number;
}
