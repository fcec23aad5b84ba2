// SPDX-License-Identifier: Apache-2.0
// bpf(2): commands, and the union bpf_attr that each fills in (include/uapi/linux/bpf.h). Fields are set by their offsets; pointers
// are addresses of bytes that stay alive until the call is over.

import type { Result, SystemCalls } from '../system-calls.js';

export const COMMAND = {
  mapCreate: 0,
  mapLookup: 1,
  mapUpdate: 2,
  mapDelete: 3,
  mapNextKey: 4,
  programLoad: 5,
  objectPin: 6,
  objectGet: 7,
  programTestRun: 10,
  objectInfo: 15,
  rawTracepointOpen: 17,
  mapFreeze: 22,
  linkCreate: 28,
  linkUpdate: 29,
  linkDetach: 34,
} as const;
export type Command = keyof typeof COMMAND;

const SIZE = 144;

export class Attribute {
  readonly bytes: Uint8Array = new Uint8Array(SIZE);
  readonly #view = new DataView(this.bytes.buffer);
  readonly #calls: SystemCalls;
  /** What the kernel is given the addresses of. */
  readonly #kept: Uint8Array[] = [];

  constructor(calls: SystemCalls) {
    this.#calls = calls;
  }

  u32(offset: number, value: number): this {
    this.#view.setUint32(offset, value, true);
    return this;
  }

  u64(offset: number, value: bigint): this {
    this.#view.setBigUint64(offset, value, true);
    return this;
  }

  pointer(offset: number, to: Uint8Array): this {
    // Of no bytes there is no address.
    if (to.length === 0) return this;
    this.#kept.push(to);
    return this.u64(offset, this.#calls.address(to));
  }

  /** At most 15 characters, and a zero. */
  name(offset: number, name: string): this {
    for (let n = 0; n < Math.min(15, name.length); n++) this.bytes[offset + n] = name.charCodeAt(n);
    return this;
  }

  getU32(offset: number): number {
    return this.#view.getUint32(offset, true);
  }

  call(command: Command): Result {
    return this.#calls.bpf(COMMAND[command], this.bytes);
  }
}
