// SPDX-License-Identifier: Apache-2.0
// A 64-bit hash of what a guest can see of its CPUs and its RAM, to compare runs with: by engine, by slice sizes, by
// recording. Devices are not in it: what they hold shows in the interrupts and values that the CPU gets. SHA-256 in
// TypeScript would take seconds for the RAM of a usual guest.

import { CPU, type CpuState, MODE, SYSTEM } from '@plinth/arm';

const BANKED = [MODE.usr, MODE.svc, MODE.abt, MODE.und, MODE.irq, MODE.fiq];
const WORDS = [
  CPU.fpscrFlags, CPU.fpscr, CPU.fpexc, CPU.exclusiveAddress, CPU.exclusiveSize, CPU.exclusiveValueLow,
  CPU.exclusiveValueHigh, CPU.tpidrurw, CPU.tpidruro, CPU.tpidrprw, CPU.teehbr, CPU.interruptLines,
]; // prettier-ignore

/**
 * Sixteen hexadecimal digits. Every register counts by its value, wherever the engine keeps it. States that differ by
 * chance have the same hash once in 2^64; it is no defence against collisions that someone makes on purpose.
 * `schedule` is whatever says which CPU executes next.
 */
export function stateHash(cpus: readonly CpuState[], schedule: readonly number[], ram: Uint8Array): string {
  const hash = hashCpus(cpus, schedule);
  hash.words(new Int32Array(ram.buffer, ram.byteOffset, ram.length >> 2));
  return hash.toString();
}

/** The same without RAM: microseconds. */
export function cpuHash(cpus: readonly CpuState[], schedule: readonly number[]): string {
  return hashCpus(cpus, schedule).toString();
}

function hashCpus(cpus: readonly CpuState[], schedule: readonly number[]): StateHash {
  const hash = new StateHash();
  for (const state of cpus) hash.words(cpuWords(state));
  hash.words(Int32Array.from(schedule));
  return hash;
}

function cpuWords(state: CpuState): Int32Array {
  const words: number[] = [];
  for (let n = 0; n < 16; n++) words.push(state.reg(n));
  words.push(state.cpsr);
  for (const mode of BANKED) {
    words.push(state.banked(mode, 13), state.banked(mode, 14));
    if (mode !== MODE.usr) words.push(state.spsrOf(mode));
  }
  for (const mode of [MODE.usr, MODE.fiq]) for (let n = 8; n < 13; n++) words.push(state.banked(mode, n));
  for (const offset of WORDS) words.push(state.get(offset));
  for (const offset of Object.values(SYSTEM)) words.push(state.get(offset));
  for (let i = 0; i < 64; i++) words.push(state.get(CPU.vectors + 4 * i));
  return Int32Array.from(words);
}

/**
 * Two lanes of 32 bits. What a word does to them can be undone: two states stay different over equal words, and equal
 * states become different by different words. So one changed word always shows, and long runs of zeros lose nothing.
 */
export class StateHash {
  #a = 0x811c9dc5 | 0;
  #b = 0x9747b28c | 0;

  words(values: Int32Array): void {
    let a = this.#a;
    let b = this.#b;
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      a = Math.imul(a ^ value, 0x85ebca6b);
      a ^= a >>> 15;
      b = Math.imul((b ^ value) + a, 0xc2b2ae35);
      b ^= b >>> 13;
    }
    this.#a = a;
    this.#b = b;
  }

  /** Both lanes, unsigned. */
  get lanes(): readonly [number, number] {
    return [this.#a >>> 0, this.#b >>> 0];
  }

  toString(): string {
    return this.lanes.map((half) => half.toString(16).padStart(8, '0')).join('');
  }
}
