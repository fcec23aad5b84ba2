// SPDX-License-Identifier: Apache-2.0
// A CPU as a probe sees it, in the middle of an instruction: registers, memory without side effects, and what can be done
// to the guest there.

import { PSR } from '@plinth/arm';
import type { GuestException, Machine, Vcpu } from '@plinth/machine';
import type { DebugMemory } from '../gdb/machine-memory.js';

export class ProbeCpu {
  readonly machine: Machine;
  /** The machine's own, for what is not here. */
  readonly vcpu: Vcpu;
  readonly #memory: DebugMemory;

  constructor(machine: Machine, vcpu: Vcpu, memory: DebugMemory) {
    this.machine = machine;
    this.vcpu = vcpu;
    this.#memory = memory;
  }

  get index(): number {
    return this.vcpu.index;
  }

  /** Address of the instruction that is running, or is about to. */
  get pc(): number {
    return this.vcpu.instructionAddress >>> 0;
  }

  /** r0 to r14 of the current mode, unsigned. */
  register(n: number): number {
    return this.vcpu.state.reg(n) >>> 0;
  }

  setRegister(n: number, value: number): void {
    this.vcpu.state.setReg(n, value);
  }

  get sp(): number {
    return this.register(13);
  }

  get lr(): number {
    return this.register(14);
  }

  get thumb(): boolean {
    return this.vcpu.state.thumb;
  }

  /** Whether it is in any mode but User. */
  get privileged(): boolean {
    return this.vcpu.state.privileged;
  }

  get cpsr(): number {
    return this.vcpu.state.cpsr >>> 0;
  }

  /** Whether IRQs are masked. */
  get interruptsMasked(): boolean {
    return (this.cpsr & PSR.I) !== 0;
  }

  /** Instructions since power-on, of all CPUs, and virtual nanoseconds. */
  get count(): number {
    return this.machine.count;
  }

  get time(): number {
    return this.machine.clock.now();
  }

  /** Memory at a virtual address, as much of it as is mapped; whatever permissions say, and without side effects. */
  read(address: number, length: number): Uint8Array {
    return this.#memory.read((at) => this.vcpu.mappedTo(at), address, length);
  }

  /** A little-endian word; undefined where nothing is mapped. */
  word(address: number): number | undefined {
    const bytes = this.read(address, 4);
    return bytes.length < 4 ? undefined : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  }

  /** Bytes up to a zero, as Latin-1; at most so many. Undefined where nothing is mapped. */
  text(address: number, most = 4096): string | undefined {
    let text = '';
    // By pages, so that the rest of one is not asked for behind a short name at its end.
    for (let at = address; text.length < most;) {
      const part = this.read(at, Math.min(most - text.length, 4096 - (at & 0xfff)));
      if (part.length === 0) return at === address ? undefined : text;
      const end = part.indexOf(0);
      for (const byte of end < 0 ? part : part.subarray(0, end)) text += String.fromCharCode(byte);
      if (end >= 0) break;
      at += part.length;
    }
    return text;
  }

  /** Writes as a device would, so that translated code and watches see it; false, and nothing written, where nothing is mapped. */
  write(address: number, bytes: Uint8Array): boolean {
    return this.#memory.write((at) => this.vcpu.mappedTo(at), address, bytes);
  }

  /** The parameter `n` of a function at its entry, for arguments of a word each (AAPCS32, 6.4: r0 to r3, then the stack). */
  argument(n: number): number | undefined {
    return n < 4 ? this.register(n) : this.word(this.sp + 4 * (n - 4));
  }

  /** Abandons the instruction and goes on at an address in the same instruction set. */
  jump(address: number): void {
    this.vcpu.jump(address);
  }

  /** Abandons the instruction and has the guest take an exception. */
  inject(exception: GuestException): void {
    this.vcpu.inject(exception);
  }
}
