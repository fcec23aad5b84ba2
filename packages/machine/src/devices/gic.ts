// SPDX-License-Identifier: Apache-2.0
// Arm Generic Interrupt Controller v2 (IHI 0048B): the register maps of the distributor (4.3) and of the CPU interfaces
// (4.4) over GicState, for one to eight CPUs. Which CPU accesses a banked register is asked of `currentCpu`.
// Not modelled: Security Extensions, virtualization, interrupt bypass.

import { assert, type StateReader, type StateWriter } from '@plinth/core';
import { GICC_CTLR_MASK, GicState } from './gic-state.js';
import type { AccessSize, Device, InterruptLine } from './device.js';
import { defineRegisters, type RegisterDeclaration } from './registers.js';

export interface GicOptions {
  /** 1 to 8. */
  readonly cpus: number;
  /** Shared peripheral interrupts: a multiple of 32, at most 960. QEMU's `virt` has 256. */
  readonly spis: number;
  /** The CPU whose access is being served; 0 when the debugger asks. */
  readonly currentCpu: () => number;
  /** Bytes of the two windows, 64 KiB each when left out, so that every page size can map them apart. */
  readonly distributorSize?: number;
  readonly cpuInterfaceSize?: number;
  /** By CPU; a missing line is not connected. */
  readonly irq: readonly InterruptLine[];
  readonly fiq?: readonly InterruptLine[];
  /** As RegisterHooks has it, with the name of the window first. */
  readonly onUnknown?: (window: string, offset: number, write: boolean, value: number) => void;
}

/** As ARM's GIC-400 and QEMU's model identify themselves: PeriphID4 to 7, PeriphID0 to 3, CompID0 to 3. */
const IDENTIFICATION = [0x04, 0, 0, 0, 0x90, 0xb4, 0x2b, 0, 0x0d, 0xf0, 0x05, 0xb1];
const GICD_IIDR = 0x043b;
const GICC_IIDR = 0x0002_043b;
const WINDOW = 0x1_0000;

/** The window that saves the state of both. */
const DISTRIBUTOR = 'gic-distributor';

export class Gic {
  readonly distributor: Device;
  readonly cpuInterface: Device;
  readonly #state: GicState;

  constructor(options: GicOptions) {
    const { cpus, spis } = options;
    assert(cpus >= 1 && cpus <= 8 && spis >= 0 && spis <= 960 && spis % 32 === 0, `GIC: ${cpus} CPUs, ${spis} SPIs`);
    this.#state = new GicState(cpus, spis, options.irq, options.fiq ?? []);
    const window = (
      name: string,
      registers: Readonly<Record<string, RegisterDeclaration>>,
      registersEnd: number,
      size: number,
    ): Device => {
      const bank = defineRegisters(registers, registersEnd, {
        onUnknown: (offset, write, value) => options.onUnknown?.(name, offset, write, value),
      });
      return {
        name,
        size,
        read: (offset: number, width: AccessSize) => bank.read(offset, width),
        write: (offset: number, width: AccessSize, value: number) => bank.write(offset, width, value),
        peek: (offset: number, width: AccessSize) => bank.peek(offset, width),
        reset: () => this.reset(),
        // Registers are views of the state; what the bank itself stores shows nowhere.
        save: (writer: StateWriter) => {
          if (name === DISTRIBUTOR) this.#state.save(writer);
        },
        restore: (reader: StateReader) => {
          if (name === DISTRIBUTOR) this.#state.restore(reader);
        },
      };
    };
    const { currentCpu } = options;
    const { distributorSize = WINDOW, cpuInterfaceSize = WINDOW } = options;
    const distributor = distributorRegisters(this.#state, currentCpu);
    const cpuInterface = cpuInterfaceRegisters(this.#state, currentCpu);
    this.distributor = window(DISTRIBUTOR, distributor, 0x1000, distributorSize);
    this.cpuInterface = window('gic-cpu-interface', cpuInterface, 0x1004, cpuInterfaceSize);
  }

  /** SPI `n`, as a device tree counts them: INTID `n + 32`. */
  spi(n: number): InterruptLine {
    assert(n >= 0 && n + 32 < this.#state.count, `GIC: no SPI ${n}`);
    return { set: (level) => this.#state.setInput(n + 32, 0, level) };
  }

  /** PPI `n` of a CPU, as a device tree counts them: INTID `n + 16`. */
  ppi(cpu: number, n: number): InterruptLine {
    assert(n >= 0 && n < 16 && cpu < this.#state.cpus, `GIC: no PPI ${n} of CPU ${cpu}`);
    return { set: (level) => this.#state.setInput(n + 16, cpu, level) };
  }

  /** Whether a shared interrupt that came could reach a CPU as all is set up. */
  acceptsShared(cpu: number): boolean {
    return this.#state.acceptsShared(cpu);
  }

  reset(): void {
    this.#state.reset();
  }
}

/** Four bytes of a byte-per-interrupt row as one register. */
function bytesAt(byte: (intid: number) => number, word: number): number {
  const at = word * 4;
  return byte(at) | (byte(at + 1) << 8) | (byte(at + 2) << 16) | (byte(at + 3) << 24);
}

function distributorRegisters(gic: GicState, cpu: () => number): Readonly<Record<string, RegisterDeclaration>> {
  const words = gic.count >>> 5;
  /** SGIs have their own registers for these two: their bits ignore writes. */
  const withoutSgis = (word: number): number => (word === 0 ? 0xffff_0000 : -1);
  const setOrClear = (offset: number, bits: Uint32Array, set: boolean, writable: (word: number) => number) =>
    ({
      offset,
      count: words,
      strobe: true,
      value: (word) => bits[gic.slot(word, cpu())]!,
      onWrite: (value, _old, word) => {
        const slot = gic.slot(word, cpu());
        const mask = value & writable(word);
        bits[slot] = set ? bits[slot]! | mask : bits[slot]! & ~mask;
        gic.updateAll();
      },
    }) satisfies RegisterDeclaration;
  const all = (): number => -1;
  const pending = (offset: number, set: boolean): RegisterDeclaration => ({
    ...setOrClear(offset, gic.latched, set, withoutSgis),
    value: (word) => gic.pendingWord(word, cpu()),
  });
  const sgiPending = (offset: number, set: boolean): RegisterDeclaration => ({
    offset,
    count: 4,
    strobe: true,
    value: (word) => bytesAt((sgi) => gic.sgiSources[cpu() * 16 + sgi]!, word),
    onWrite: (value, _old, word) => {
      for (let lane = 0; lane < 4; lane++) {
        const sgi = word * 4 + lane;
        const old = gic.sgiSources[cpu() * 16 + sgi]!;
        const mask = (value >>> (lane * 8)) & 0xff & ((1 << gic.cpus) - 1);
        gic.setSgiSources(sgi, cpu(), set ? old | mask : old & ~mask);
      }
    },
  });
  const target = (intid: number): number => {
    if (gic.cpus === 1) return 0;
    return intid < 32 ? 1 << cpu() : gic.targets[intid - 32]!;
  };
  return {
    CTLR: {
      offset: 0x000,
      value: () => gic.distributorControl,
      onWrite: (value) => {
        gic.distributorControl = value & 3;
        gic.updateAll();
      },
    },
    TYPER: { offset: 0x004, access: 'ro', value: () => (words - 1) | ((gic.cpus - 1) << 5) },
    IIDR: { offset: 0x008, access: 'ro', value: () => GICD_IIDR },
    IGROUPR: {
      offset: 0x080,
      count: words,
      value: (word) => gic.group[gic.slot(word, cpu())]!,
      onWrite: (value, _old, word) => {
        gic.group[gic.slot(word, cpu())] = value;
        gic.updateAll();
      },
    },
    // SGIs are always enabled (IHI 0048B 4.3.5 lets an implementation say so, and QEMU's does).
    ISENABLER: setOrClear(0x100, gic.enabled, true, all),
    ICENABLER: setOrClear(0x180, gic.enabled, false, withoutSgis),
    ISPENDR: pending(0x200, true),
    ICPENDR: pending(0x280, false),
    ISACTIVER: setOrClear(0x300, gic.active, true, all),
    ICACTIVER: setOrClear(0x380, gic.active, false, all),
    IPRIORITYR: {
      offset: 0x400,
      count: gic.count / 4,
      value: (word) => bytesAt((intid) => gic.priority[gic.index(intid, cpu())]!, word),
      onWrite: (value, _old, word) => {
        for (let lane = 0; lane < 4; lane++) gic.priority[gic.index(word * 4 + lane, cpu())] = value >>> (lane * 8);
        gic.updateAll();
      },
    },
    ITARGETSR: {
      offset: 0x800,
      count: gic.count / 4,
      value: (word) => bytesAt(target, word),
      onWrite: (value, _old, word) => {
        if (word < 8 || gic.cpus === 1) return;
        const mask = (1 << gic.cpus) - 1;
        for (let lane = 0; lane < 4; lane++) gic.targets[word * 4 + lane - 32] = (value >>> (lane * 8)) & mask;
        gic.updateAll();
      },
    },
    // Bit 1 of each pair: edge-triggered. SGIs are edge-triggered and cannot change.
    ICFGR: {
      offset: 0xc00,
      count: gic.count / 16,
      value: (half) => {
        const bits = gic.edge[gic.slot(half >>> 1, cpu())]! >>> ((half & 1) * 16);
        let pairs = 0;
        for (let n = 0; n < 16; n++) pairs |= ((bits >>> n) & 1) << (2 * n + 1);
        return pairs;
      },
      onWrite: (value, _old, half) => {
        if (half === 0) return;
        const slot = gic.slot(half >>> 1, cpu());
        const shift = (half & 1) * 16;
        let bits = 0;
        for (let n = 0; n < 16; n++) bits |= ((value >>> (2 * n + 1)) & 1) << n;
        gic.edge[slot] = (gic.edge[slot]! & ~(0xffff << shift)) | (bits << shift);
        gic.updateAll();
      },
    },
    /** Non-secure access control: only with Security Extensions, else reads as zero. */
    NSACR: { offset: 0xe00, count: words * 2, access: 'ro' },
    SGIR: {
      offset: 0xf00,
      access: 'wo',
      strobe: true,
      onWrite: (value) => {
        const self = cpu();
        const filter = (value >>> 24) & 3;
        const others = ((1 << gic.cpus) - 1) & ~(1 << self);
        const targets = filter === 0 ? (value >>> 16) & 0xff : filter === 1 ? others : filter === 2 ? 1 << self : 0;
        gic.sendSgi(value & 15, self, targets);
      },
    },
    CPENDSGIR: sgiPending(0xf10, false),
    SPENDSGIR: sgiPending(0xf20, true),
    ID: { offset: 0xfd0, count: 12, access: 'ro', value: (index) => IDENTIFICATION[index]! },
  };
}

function cpuInterfaceRegisters(gic: GicState, cpu: () => number): Readonly<Record<string, RegisterDeclaration>> {
  const activePriorities = (offset: number, words: Uint32Array): RegisterDeclaration => ({
    offset,
    count: 4,
    value: (word) => words[cpu() * 4 + word]!,
    onWrite: (value, _old, word) => {
      words[cpu() * 4 + word] = value;
      gic.update(cpu());
    },
  });
  return {
    CTLR: {
      offset: 0x00,
      value: () => gic.control[cpu()]!,
      onWrite: (value) => {
        gic.control[cpu()] = value & GICC_CTLR_MASK;
        gic.update(cpu());
      },
    },
    PMR: {
      offset: 0x04,
      value: () => gic.priorityMask[cpu()]!,
      onWrite: (value) => {
        gic.priorityMask[cpu()] = value;
        gic.update(cpu());
      },
    },
    BPR: { offset: 0x08, value: () => gic.binaryPoint[cpu()]!, onWrite: (value) => gic.setBinaryPoint(cpu(), value) },
    IAR: {
      offset: 0x0c,
      access: 'ro',
      value: () => gic.acknowledgeable(cpu(), false),
      onRead: () => gic.acknowledge(cpu(), false),
    },
    EOIR: { offset: 0x10, access: 'wo', onWrite: (value) => gic.endOfInterrupt(cpu(), value) },
    RPR: { offset: 0x14, access: 'ro', value: () => Math.min(gic.runningPriority(cpu()), 0xff) },
    HPPIR: { offset: 0x18, access: 'ro', value: () => gic.highestPending(cpu(), false) },
    ABPR: {
      offset: 0x1c,
      value: () => gic.aliasedBinaryPoint[cpu()]!,
      onWrite: (value) => gic.setAliasedBinaryPoint(cpu(), value),
    },
    AIAR: {
      offset: 0x20,
      access: 'ro',
      value: () => gic.acknowledgeable(cpu(), true),
      onRead: () => gic.acknowledge(cpu(), true),
    },
    AEOIR: { offset: 0x24, access: 'wo', onWrite: (value) => gic.endOfInterrupt(cpu(), value) },
    AHPPIR: { offset: 0x28, access: 'ro', value: () => gic.highestPending(cpu(), true) },
    APR: activePriorities(0xd0, gic.activePriorities[0]),
    NSAPR: activePriorities(0xe0, gic.activePriorities[1]),
    IIDR: { offset: 0xfc, access: 'ro', value: () => GICC_IIDR },
    DIR: { offset: 0x1000, access: 'wo', onWrite: (value) => gic.deactivate(cpu(), value) },
  };
}
