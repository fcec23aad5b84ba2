// SPDX-License-Identifier: Apache-2.0
// What a GICv2 knows and decides (IHI 0048B): per interrupt enabled, pending, active, trigger, group, priority and
// targets; per CPU interface the mask, the running priority and which interrupt is signalled. No register addresses
// here (gic.ts has them), no virtualization, no Security Extensions: one view, both groups, as QEMU's board `virt`.

import type { StateReader, StateWriter } from '@plinth/core';
import type { InterruptLine } from './device.js';

/** INTID read when nothing can be acknowledged (IHI 0048B 3.2.5), and when only a Group 1 interrupt could be. */
const SPURIOUS = 1023;
const SPURIOUS_GROUP1 = 1022;

/** GICC_CTLR bits (IHI 0048B 4.4.1, the view without Security Extensions). */
const ACK_CTL = 1 << 2;
const FIQ_EN = 1 << 3;
const CBPR = 1 << 4;
const EOI_MODE = 1 << 9;
export const GICC_CTLR_MASK = 0x21f;

const IDLE_PRIORITY = 0x100;
/** Active-priority words per CPU interface: 128 preemption levels, since GICC_BPR may be 0. */
const APR_WORDS = 4;
/** Lowest Group 1 binary point: the two views of the same priority differ by one (IHI 0048B 3.3.3). */
const MIN_ABPR = 1;

export class GicState {
  readonly cpus: number;
  /** Number of INTIDs, a multiple of 32. */
  readonly count: number;
  /**
   * Bit sets, one word per 32 INTIDs. Word 0 (SGIs and PPIs) is banked: `slot(0, cpu)` is `cpu`, `slot(w)` is
   * `cpus - 1 + w`.
   */
  readonly enabled: Uint32Array;
  /** Latched pending state: edges, software, SGIs. A level-sensitive interrupt is pending while its input is high, too. */
  readonly latched: Uint32Array;
  readonly active: Uint32Array;
  readonly group: Uint32Array;
  readonly edge: Uint32Array;
  readonly #level: Uint32Array;
  /** By `index(intid, cpu)`. */
  readonly priority: Uint8Array;
  /** One byte per SPI: a bit per CPU. */
  readonly targets: Uint8Array;
  /** By `cpu * 16 + sgi`: a bit per CPU that sent it. */
  readonly sgiSources: Uint8Array;
  /** GICD_CTLR: bit 0 enables Group 0, bit 1 Group 1. */
  distributorControl: number = 0;

  readonly control: Uint32Array;
  readonly priorityMask: Uint8Array;
  readonly binaryPoint: Uint8Array;
  readonly aliasedBinaryPoint: Uint8Array;
  /** Active priorities of Group 0 and of Group 1, by `cpu * 4 + word`. */
  readonly activePriorities: readonly [Uint32Array, Uint32Array];
  /** Highest-priority pending INTID of each CPU, or 1023. */
  readonly #best: Uint16Array;
  readonly #irq: readonly InterruptLine[];
  readonly #fiq: readonly InterruptLine[];

  constructor(cpus: number, spis: number, irq: readonly InterruptLine[], fiq: readonly InterruptLine[]) {
    this.cpus = cpus;
    this.count = 32 + spis;
    const slots = cpus + spis / 32;
    this.enabled = new Uint32Array(slots);
    this.latched = new Uint32Array(slots);
    this.active = new Uint32Array(slots);
    this.group = new Uint32Array(slots);
    this.edge = new Uint32Array(slots);
    this.#level = new Uint32Array(slots);
    this.priority = new Uint8Array(cpus * 32 + spis);
    this.targets = new Uint8Array(spis);
    this.sgiSources = new Uint8Array(cpus * 16);
    this.control = new Uint32Array(cpus);
    this.priorityMask = new Uint8Array(cpus);
    this.binaryPoint = new Uint8Array(cpus);
    this.aliasedBinaryPoint = new Uint8Array(cpus);
    this.activePriorities = [new Uint32Array(cpus * APR_WORDS), new Uint32Array(cpus * APR_WORDS)];
    this.#best = new Uint16Array(cpus);
    this.#irq = irq;
    this.#fiq = fiq;
    this.reset();
  }

  /** Power-on state. The levels of the input lines are not ours to change and stay. */
  reset(): void {
    for (const bits of [this.enabled, this.latched, this.active, this.group, this.edge]) bits.fill(0);
    for (let cpu = 0; cpu < this.cpus; cpu++) {
      this.enabled[cpu] = 0xffff;
      this.edge[cpu] = 0xffff;
    }
    for (const bytes of [this.priority, this.targets, this.sgiSources, this.priorityMask, this.binaryPoint])
      bytes.fill(0);
    this.aliasedBinaryPoint.fill(MIN_ABPR);
    this.control.fill(0);
    for (const words of this.activePriorities) words.fill(0);
    this.distributorControl = 0;
    this.updateAll();
  }

  /** All arrays that are state, in the order in which they are saved. */
  get #arrays(): readonly (Uint32Array | Uint8Array)[] {
    return [
      this.enabled, this.latched, this.active, this.group, this.edge, this.#level, this.priority, this.targets,
      this.sgiSources, this.control, this.priorityMask, this.binaryPoint, this.aliasedBinaryPoint,
      ...this.activePriorities,
    ]; // prettier-ignore
  }

  save(writer: StateWriter): void {
    writer.u8(this.distributorControl);
    for (const values of this.#arrays) writer.array(values);
  }

  /** With the levels of the input lines; the lines to the CPUs are not driven. */
  restore(reader: StateReader): void {
    this.distributorControl = reader.u8() & 3;
    for (const values of this.#arrays) reader.array(values);
    for (let cpu = 0; cpu < this.cpus; cpu++) {
      const points = [this.binaryPoint[cpu]!, this.aliasedBinaryPoint[cpu]!];
      reader.check(Math.max(...points) <= 7, 'a binary point above 7');
      this.#best[cpu] = this.#highestPriority(cpu);
    }
  }

  slot(word: number, cpu: number): number {
    return word === 0 ? cpu : this.cpus - 1 + word;
  }

  index(intid: number, cpu: number): number {
    return intid < 32 ? cpu * 32 + intid : (this.cpus - 1) * 32 + intid;
  }

  /** Pending bits as GICD_ISPENDR shows them. */
  pendingWord(word: number, cpu: number): number {
    const slot = this.slot(word, cpu);
    return this.latched[slot]! | (this.#level[slot]! & ~this.edge[slot]!);
  }

  /** An input line of the INTID (PPI or SPI) has the given level. */
  setInput(intid: number, cpu: number, level: boolean): void {
    const slot = this.slot(intid >>> 5, cpu);
    const bit = 1 << (intid & 31);
    if (((this.#level[slot]! & bit) !== 0) === level) return;
    if (level) {
      this.#level[slot]! |= bit;
      if ((this.edge[slot]! & bit) !== 0) this.latched[slot]! |= bit;
    } else this.#level[slot]! &= ~bit;
    if (intid < 32) this.update(cpu);
    else this.updateAll();
  }

  sendSgi(sgi: number, from: number, targets: number): void {
    for (let cpu = 0; cpu < this.cpus; cpu++) {
      if (((targets >>> cpu) & 1) !== 0) this.setSgiSources(sgi, cpu, this.sgiSources[cpu * 16 + sgi]! | (1 << from));
    }
  }

  setSgiSources(sgi: number, cpu: number, sources: number): void {
    this.sgiSources[cpu * 16 + sgi] = sources;
    if (sources !== 0) this.latched[cpu]! |= 1 << sgi;
    else this.latched[cpu]! &= ~(1 << sgi);
    this.update(cpu);
  }

  updateAll(): void {
    for (let cpu = 0; cpu < this.cpus; cpu++) this.update(cpu);
  }

  /** Chooses the highest-priority pending interrupt of a CPU again and drives its lines (IHI 0048B 3.3). */
  update(cpu: number): void {
    const best = this.#highestPriority(cpu);
    this.#best[cpu] = best;
    const signalled = this.#signalled(cpu);
    const fiq = signalled && this.groupOf(best, cpu) === 0 && (this.control[cpu]! & FIQ_EN) !== 0;
    this.#irq[cpu]?.set(signalled && !fiq);
    this.#fiq[cpu]?.set(fiq);
  }

  #highestPriority(cpu: number): number {
    let best = SPURIOUS;
    let bestPriority = IDLE_PRIORITY;
    const words = this.count >>> 5;
    for (let word = 0; word < words; word++) {
      const slot = this.slot(word, cpu);
      let bits = this.pendingWord(word, cpu) & this.enabled[slot]! & ~this.active[slot]!;
      while (bits !== 0) {
        const bit = 31 - Math.clz32(bits & -bits);
        bits &= bits - 1;
        const intid = word * 32 + bit;
        if (word !== 0 && this.cpus > 1 && ((this.targets[intid - 32]! >>> cpu) & 1) === 0) continue;
        if (((this.distributorControl >>> ((this.group[slot]! >>> bit) & 1)) & 1) === 0) continue;
        const priority = this.priority[this.index(intid, cpu)]!;
        if (priority < bestPriority) {
          best = intid;
          bestPriority = priority;
        }
      }
    }
    return best;
  }

  /** Whether a shared interrupt that came could be signalled to a CPU: enabled, for it, and passed on by its interface. */
  acceptsShared(cpu: number): boolean {
    const groups = this.distributorControl & this.control[cpu]! & 3;
    for (let intid = 32; groups !== 0 && intid < this.count; intid++) {
      const enabled = (this.enabled[this.slot(intid >>> 5, cpu)]! >>> (intid & 31)) & 1;
      const ours = this.cpus === 1 || ((this.targets[intid - 32]! >>> cpu) & 1) !== 0;
      const passes = ((groups >>> this.groupOf(intid, cpu)) & 1) !== 0;
      if (enabled !== 0 && ours && passes && this.priority[this.index(intid, cpu)]! < this.priorityMask[cpu]!)
        return true;
    }
    return false;
  }

  groupOf(intid: number, cpu: number): 0 | 1 {
    return ((this.group[this.slot(intid >>> 5, cpu)]! >>> (intid & 31)) & 1) as 0 | 1;
  }

  /** Whether the pending interrupt passes the CPU interface: group enabled, above the mask, above what runs. */
  #signalled(cpu: number): boolean {
    const best = this.#best[cpu]!;
    if (best === SPURIOUS) return false;
    const group = this.groupOf(best, cpu);
    if (((this.control[cpu]! >>> group) & 1) === 0) return false;
    const priority = this.priority[this.index(best, cpu)]!;
    if (priority >= this.priorityMask[cpu]!) return false;
    const running = this.runningPriority(cpu);
    return running === IDLE_PRIORITY || (priority & this.#groupPriorityMask(group, cpu)) < running;
  }

  #groupPriorityMask(group: 0 | 1, cpu: number): number {
    const shared = group === 0 || (this.control[cpu]! & CBPR) !== 0;
    const subpriorityBits = shared ? this.binaryPoint[cpu]! + 1 : this.aliasedBinaryPoint[cpu]!;
    return 0xff & ~((1 << subpriorityBits) - 1);
  }

  /** Group priority of the most urgent active interrupt, 0x100 when none is. */
  runningPriority(cpu: number): number {
    const [group0, group1] = this.activePriorities;
    for (let word = 0; word < APR_WORDS; word++) {
      const bits = group0[cpu * APR_WORDS + word]! | group1[cpu * APR_WORDS + word]!;
      if (bits !== 0) return (word * 32 + 31 - Math.clz32(bits & -bits)) * 2;
    }
    return IDLE_PRIORITY;
  }

  /** GICC_HPPIR, or GICC_AHPPIR when `aliased`: the pending interrupt, whether or not it can be signalled. */
  highestPending(cpu: number, aliased: boolean): number {
    const best = this.#best[cpu]!;
    return best === SPURIOUS ? SPURIOUS : this.#visible(best, cpu, aliased);
  }

  /** What GICC_IAR (or GICC_AIAR) reads now, without acknowledging it. */
  acknowledgeable(cpu: number, aliased: boolean): number {
    return this.#signalled(cpu) ? this.#visible(this.#best[cpu]!, cpu, aliased) : SPURIOUS;
  }

  /** The INTID with, for an SGI, the sender in bits 12:10; the group decides which register may name it. */
  #visible(intid: number, cpu: number, aliased: boolean): number {
    const group = this.groupOf(intid, cpu);
    if (aliased) {
      if (group === 0) return SPURIOUS;
    } else if (group === 1 && (this.control[cpu]! & ACK_CTL) === 0) return SPURIOUS_GROUP1;
    if (intid >= 16) return intid;
    const sources = this.sgiSources[cpu * 16 + intid]!;
    return intid | ((31 - Math.clz32(sources & -sources)) << 10);
  }

  /** The side effect of reading GICC_IAR or GICC_AIAR: pending becomes active. */
  acknowledge(cpu: number, aliased: boolean): void {
    const value = this.acknowledgeable(cpu, aliased);
    const intid = value & 0x3ff;
    if (intid >= SPURIOUS_GROUP1) return;
    const slot = this.slot(intid >>> 5, cpu);
    const bit = 1 << (intid & 31);
    const group = this.groupOf(intid, cpu);
    const level = (this.priority[this.index(intid, cpu)]! & this.#groupPriorityMask(group, cpu)) >>> 1;
    this.activePriorities[group][cpu * APR_WORDS + (level >>> 5)]! |= 1 << (level & 31);
    this.active[slot]! |= bit;
    if (intid < 16) this.setSgiSources(intid, cpu, this.sgiSources[cpu * 16 + intid]! & ~(1 << (value >>> 10)));
    else this.latched[slot]! &= ~bit;
    if (intid < 32) this.update(cpu);
    else this.updateAll();
  }

  /** A write to GICC_EOIR or GICC_AEOIR: priority drop, and deactivation unless GICC_CTLR.EOImode splits them. */
  endOfInterrupt(cpu: number, value: number): void {
    const intid = value & 0x3ff;
    if (intid >= this.count || this.runningPriority(cpu) === IDLE_PRIORITY) return;
    const words = this.activePriorities[this.groupOf(intid, cpu)];
    for (let at = cpu * APR_WORDS; at < (cpu + 1) * APR_WORDS; at++) {
      const bits = words[at]!;
      if (bits === 0) continue;
      words[at] = bits & (bits - 1);
      break;
    }
    if ((this.control[cpu]! & EOI_MODE) === 0) this.#clearActive(cpu, intid);
    this.updateAll();
  }

  /** A write to GICC_DIR. */
  deactivate(cpu: number, value: number): void {
    const intid = value & 0x3ff;
    if (intid >= this.count || (this.control[cpu]! & EOI_MODE) === 0) return;
    this.#clearActive(cpu, intid);
    this.updateAll();
  }

  #clearActive(cpu: number, intid: number): void {
    this.active[this.slot(intid >>> 5, cpu)]! &= ~(1 << (intid & 31));
  }

  setBinaryPoint(cpu: number, value: number): void {
    this.binaryPoint[cpu] = value & 7;
    this.update(cpu);
  }

  setAliasedBinaryPoint(cpu: number, value: number): void {
    this.aliasedBinaryPoint[cpu] = Math.max(value & 7, MIN_ABPR);
    this.update(cpu);
  }
}
