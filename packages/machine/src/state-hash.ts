// SPDX-License-Identifier: Apache-2.0
// A 64-bit hash of what a guest can see of its CPU and its RAM, to compare runs with: by engine, by slice sizes, by
// recording. It is no defence against collisions that someone makes on purpose. Devices are not in it: what they hold
// shows in the interrupts and values that the CPU gets.

import { CPU, type CpuState, MODE, SYSTEM } from '@plinth/arm';

const BANKED = [MODE.usr, MODE.svc, MODE.abt, MODE.und, MODE.irq, MODE.fiq];
const WORDS = [
  CPU.fpscrFlags, CPU.fpscr, CPU.fpexc, CPU.exclusiveAddress, CPU.exclusiveSize, CPU.exclusiveValueLow,
  CPU.exclusiveValueHigh, CPU.tpidrurw, CPU.tpidruro, CPU.tpidrprw, CPU.teehbr, CPU.interruptLines,
]; // prettier-ignore

/** FNV-1a over words, in two lanes that start and multiply differently. */
class Hash {
  #a = 0x811c9dc5 | 0;
  #b = 0x9747b28c | 0;

  word(value: number): void {
    this.#a = Math.imul(this.#a ^ value, 0x01000193);
    this.#b = Math.imul((this.#b ^ value) + (this.#b >>> 15), 0x5bd1e995);
  }

  words(values: Int32Array): void {
    let a = this.#a;
    let b = this.#b;
    for (let i = 0; i < values.length; i++) {
      a = Math.imul(a ^ values[i]!, 0x01000193);
      b = Math.imul((b ^ values[i]!) + (b >>> 15), 0x5bd1e995);
    }
    this.#a = a;
    this.#b = b;
  }

  toString(): string {
    return [this.#a, this.#b].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
  }
}

/** Sixteen hexadecimal digits. Every register counts by its value, wherever the engine keeps it. */
export function stateHash(state: CpuState, ram: Uint8Array): string {
  const hash = new Hash();
  for (let n = 0; n < 16; n++) hash.word(state.reg(n));
  hash.word(state.cpsr);
  for (const mode of BANKED) {
    hash.word(state.banked(mode, 13));
    hash.word(state.banked(mode, 14));
    if (mode !== MODE.usr) hash.word(state.spsrOf(mode));
  }
  for (const mode of [MODE.usr, MODE.fiq]) for (let n = 8; n < 13; n++) hash.word(state.banked(mode, n));
  for (const offset of WORDS) hash.word(state.get(offset));
  for (const offset of Object.values(SYSTEM)) hash.word(state.get(offset));
  for (let i = 0; i < 64; i++) hash.word(state.get(CPU.vectors + 4 * i));
  hash.words(new Int32Array(ram.buffer, ram.byteOffset, ram.length >> 2));
  return hash.toString();
}
