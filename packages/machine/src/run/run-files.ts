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
}
