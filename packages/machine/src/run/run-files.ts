// SPDX-License-Identifier: Apache-2.0
// What a run loads, as bytes that the shell has brought.

export interface NamedBytes {
  /** For messages. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface RunFiles {
  /** zImage, Image or ELF. */
  readonly kernel?: NamedBytes;
  readonly initrd?: NamedBytes;
  readonly dtb?: NamedBytes;
  /** Kernel command line. */
  readonly append: string;
  /** A bare-metal ELF program. */
  readonly program?: NamedBytes;
  /** What the machine is switched on with, for a guest that gets its own seed and time of day by its request. */
  readonly powerOn?: PowerOn;
}

export interface PowerOn {
  /** Hexadecimal. */
  readonly seed: string;
  /** Seconds since 1970. */
  readonly wallClock: number;
}
