// SPDX-License-Identifier: Apache-2.0
// A window where a board has a device that we do not model: it answers the bus, so that a driver that looks at it finds
// something, or finds it absent, instead of an abort. Its few registers are constants of a declaration; all else reads
// as zero, is told as unknown, and forgets what is written.

import type { StateReader, StateWriter } from '@plinth/core';
import type { AccessSize, Device } from './device.js';
import { defineRegisters, type RegisterBank, type RegisterDeclaration, type RegisterHooks } from './registers.js';

export interface PlaceholderOptions extends RegisterHooks {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly registers?: Readonly<Record<string, RegisterDeclaration>>;
}

/** Beyond this no placeholder has registers, and its window may be that of a large memory. */
const REGISTERS_END = 0x1000;

export class Placeholder implements Device {
  readonly name: string;
  readonly size: number;
  readonly #hooks: RegisterHooks;
  readonly #bank: RegisterBank<Readonly<Record<string, RegisterDeclaration>>>;

  constructor(options: PlaceholderOptions) {
    this.name = options.name;
    this.size = options.size;
    this.#hooks = options;
    this.#bank = defineRegisters(options.registers ?? {}, Math.min(options.size, REGISTERS_END), options);
  }

  read(offset: number, size: AccessSize): number {
    if (offset < REGISTERS_END) return this.#bank.read(offset, size);
    this.#hooks.onUnknown?.(offset, false, 0);
    return 0;
  }

  write(offset: number, size: AccessSize, value: number): void {
    if (offset < REGISTERS_END) this.#bank.write(offset, size, value);
    else this.#hooks.onUnknown?.(offset, true, value >>> 0);
  }

  peek(offset: number, size: AccessSize): number {
    return offset < REGISTERS_END ? this.#bank.peek(offset, size) : 0;
  }

  reset(): void {
    this.#bank.reset();
  }

  save(writer: StateWriter): void {
    this.#bank.save(writer);
  }

  restore(reader: StateReader): void {
    this.#bank.restore(reader);
  }
}
