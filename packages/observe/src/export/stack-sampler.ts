// SPDX-License-Identifier: Apache-2.0
// What a machine executes at an instant, as a stack: the process, then functions from the outermost to the innermost. Frames
// are followed by unwind tables as long as each is a return to behind a call; at the innermost instruction, where such tables
// may be wrong, the link register is the second choice. Of what has no tables the innermost frame is all that is known.

import { MODE } from '@plinth/arm';
import type { Machine, Vcpu } from '@plinth/machine';
import type { LinuxGuest, TaskIdentity } from '../linux/linux-guest.js';
import { type ReadWord, UnwindTable } from '../symbols/arm-unwind.js';
import type { GuestSymbols } from '../symbols/guest-symbols.js';

/** A process, of which no functions are known. */
const USER = '[user]';
const MAX_DEPTH = 64;
/** How far behind its first symbol the tables of a kernel may lie. */
const KERNEL_SIZE = 64 * 1024 * 1024;

export interface Sample {
  readonly task: TaskIdentity | undefined;
  /** By name if it has one. */
  readonly function: string;
}

export interface SamplerSource {
  readonly machine: Machine;
  readonly symbols: GuestSymbols;
  /** The guest's Linux, if it has one that can be seen. */
  guest(): LinuxGuest | undefined;
  /** Of the program, if it has any; a kernel's are found in its memory. */
  readonly unwind?: UnwindTable | undefined;
}

export class StackSampler {
  readonly #source: SamplerSource;
  #unwind: UnwindTable | undefined;
  #searched = false;

  constructor(source: SamplerSource) {
    this.#source = source;
    this.#unwind = source.unwind;
  }

  /** Process and innermost function; the machine is to stand between two instructions. */
  innermost(): Sample {
    const { machine } = this.#source;
    const { index, state } = machine.currentCpu;
    const guest = this.#source.guest();
    const task = guest?.currentIdentity(index);
    return { task, function: this.#inProcess(guest) ? USER : this.#name(state.reg(15) >>> 0) };
  }

  /** Process and functions from the outermost to the innermost. */
  stack(): string[] {
    const { machine } = this.#source;
    const { index, state } = machine.currentCpu;
    const guest = this.#source.guest();
    const root = guest === undefined ? [] : [guest.currentIdentity(index)?.comm ?? '[kernel]'];
    if (this.#inProcess(guest)) return [...root, USER];
    const addresses = this.frames(machine.currentCpu, state.reg(15) >>> 0);
    return [...root, ...addresses.reverse().map((address) => this.#name(address))];
  }

  /**
   * Addresses in the functions on a CPU's stack, from the innermost, at `pc`, out: each but the first is that of a call, or
   * near it. `registers` are r0 to r14 there, those of the CPU as it stands if left out.
   */
  frames(cpu: Vcpu, pc: number, registers?: readonly number[]): number[] {
    const core = registers ?? Array.from({ length: 15 }, (_, n) => cpu.state.reg(n) >>> 0);
    return this.#stack(cpu, pc, [...core, pc]);
  }

  #inProcess(guest: LinuxGuest | undefined): boolean {
    return guest !== undefined && this.#source.machine.currentCpu.state.mode === MODE.usr;
  }

  #name(address: number): string {
    return this.#source.symbols.table?.nearest(address)?.symbol.name ?? `0x${address.toString(16)}`;
  }

  #stack(cpu: Vcpu, pc: number, core: number[]): number[] {
    this.#findTable(this.#source.guest());
    const read: ReadWord = (address) => {
      const physical = cpu.mappedTo(address >>> 0);
      const bytes = physical === undefined ? undefined : this.#source.machine.memory.bytes(physical >>> 0, 4);
      return bytes === undefined ? undefined : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    };
    const stack = [pc];
    let returned: number | undefined;
    let registers = core;
    for (let at = pc; stack.length < MAX_DEPTH;) {
      const lr = registers[14]!;
      let frame = this.#unwind?.unwind(at, registers, read);
      // A function that has called has its own frame below the caller's.
      const possible = frame !== undefined && (frame.exact || this.#isReturn(frame.registers[15]!, read));
      if (!possible) {
        if (stack.length > 1 || !this.#isReturn(lr, read)) break;
        frame = { pc: (lr & ~1) >>> 0, registers: [...registers.slice(0, 15), lr], exact: false };
      }
      const [sp, spBefore] = [frame!.registers[13]!, registers[13]!];
      // The outermost function often says that it has nothing on the stack, and returns to itself.
      if (sp < spBefore || (sp === spBefore && frame!.pc === returned)) break;
      returned = frame!.pc;
      // Where it returns to may be the next function, if it never does.
      at = frame!.exact ? frame!.pc : frame!.pc - 2;
      if (this.#source.symbols.table !== undefined && this.#source.symbols.table.nearest(at) === undefined) break;
      stack.push(at);
      registers = frame!.registers;
      if (!possible) break;
    }
    return stack;
  }

  /** Whether a call is before an address: BL and BLX in A32, and in T32 of 4 or 2 bytes. */
  #isReturn(address: number, read: ReadWord): boolean {
    const at = (address & ~1) >>> 0;
    if ((at & 2) === 0 && (address & 1) === 0) {
      const word = read(at - 4);
      if (word === undefined) return false;
      return (word & 0x0f00_0000) === 0x0b00_0000 || word >>> 25 === 0x7d || (word & 0x0fff_fff0) === 0x012f_ff30;
    }
    const [low, high] = [read((at - 2) & ~3), read((at - 4) & ~3)];
    if (low === undefined || high === undefined) return false;
    const half = (address: number, word: number): number => ((address & 2) !== 0 ? word >>> 16 : word & 0xffff);
    const last = half(at - 2, low);
    if ((last & 0xff80) === 0x4780) return true;
    return (half(at - 4, high) & 0xf800) === 0xf000 && (last & 0xc000) === 0xc000;
  }

  /** A kernel's table, as soon as the kernel is mapped. */
  #findTable(guest: LinuxGuest | undefined): void {
    if (this.#unwind !== undefined || this.#searched || guest === undefined) return;
    this.#searched = true;
    const { machine, symbols } = this.#source;
    const first = guest.symbols.symbols[0]!.address;
    const physical = guest.kernel.memory.physical(first);
    if (physical === undefined) return;
    const start = physical - machine.memory.ramBase;
    const last = (symbols.table ?? guest.symbols).symbols.at(-1)!.address;
    const image = machine.memory.ram.subarray(start, start + KERNEL_SIZE);
    this.#unwind = UnwindTable.find(image, first, first, last);
  }
}
