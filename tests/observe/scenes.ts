// SPDX-License-Identifier: Apache-2.0
// Small machines for tests of recordings: what they run, and what comes to them from outside while they do.

import { Sections } from '@plinth/core';
import { type EngineKind, Machine, type MachineOptions, VirtioNet, virtBoard, virtioSlots } from '@plinth/machine';
import { VirtioNet as ModelNet } from '../../packages/machine/src/devices/virtio/net.js';
import type { Instruction } from '../../packages/machine/src/testing/assemble.js';
import { CpuTest, DATA, EngineUnderTest, RAM, RAM_SIZE, TABLES } from '../../packages/machine/src/testing/contract.js';
import { a32, add, b, ldr, mov32, str } from '../../packages/machine/src/testing/mnemonics.js';
import { notingProgram } from '../../packages/machine/src/testing/noting-program.js';
import { PageTables } from '../../packages/machine/src/testing/page-tables.js';
import { codeOf, turnOn } from '../../packages/machine/src/testing/several-cpus.js';
import { faultProgram, timerProgram } from '../../packages/machine/src/testing/timer-program.js';
import { REGISTER } from '../../packages/machine/src/testing/virtio-driver.js';
import type { Random } from '../fuzz/random.js';
import type { RecordedMachine } from './recorded-machine.js';

export interface Scene {
  readonly name: string;
  /** A machine with its guest in place. */
  make(engine: EngineKind, options?: MachineOptions): Machine;
  /** Runs it, and sends it what comes to it. */
  live(recorded: RecordedMachine, random: Random): Promise<void>;
}

interface SceneOptions {
  readonly cpus?: number;
  /** With a network card. */
  readonly card?: boolean;
}

const CARD = { name: 'net0', mac: Uint8Array.of(2, 0, 0, 0, 0, 1), onFrame: () => undefined };

/** The guest is put in place by what the machine's own tests have, which are not of the built room: so it is saved there. */
function scene(name: string, guest: (test: CpuTest) => CpuTest, { card = false, cpus = 1 }: SceneOptions = {}): Scene {
  const model = new EngineUnderTest('interpreter').machine({ cpus, virtio: card ? [new ModelNet(CARD)] : [] });
  const saved = guest(new CpuTest(model)).start().machine.save();
  return {
    name,
    make(engine, options) {
      const virtio = card ? [new VirtioNet(CARD)] : [];
      const machine = new Machine({ ramSize: RAM_SIZE, engine, cpus, virtio, ...options });
      machine.restore(new Sections(name, saved));
      return machine;
    },
    async live({ driver }, random) {
      for (let round = 0; round < 60; round++) {
        if (random.below(4) === 0) driver.send('console', Uint8Array.of(33 + random.below(90)));
        if (random.below(20) === 0) await driver.saveSnapshot(false);
        const stop = driver.runSlice(1 + random.below(400), true);
        if (stop.kind === 'waiting') driver.passTime(1 + random.below(40_000));
      }
    },
  };
}

const PAGE_TABLES = (): PageTables =>
  new PageTables(TABLES).section(RAM, RAM).section(0x0800_0000, 0x0800_0000).section(0x0900_0000, 0x0900_0000);

/** Two CPUs that add to one counter, in turn. */
function twoCpus(test: CpuTest): CpuTest {
  const count: Instruction[] = [...mov32(9, DATA), ldr(0, 9), add(0, 0, 1), str(0, 9), add(4, 4, 1), b(-16)];
  return test.code([...turnOn(1), ...count], codeOf(0)).code(count, codeOf(1));
}

/**
 * Frames that a network card takes, whatever the guest does: its queue is ready, with as many buffers as it has places. The
 * last frames find none, and are refused.
 */
function networkScene(): Scene {
  const base = scene('network frames', (test) => timerProgram(test, true), { card: true });
  return {
    name: base.name,
    make(engine, options) {
      const machine = base.make(engine, options);
      setUpReceiving(machine);
      return machine;
    },
    async live(recorded, random) {
      for (let frame = 0; frame < 80; frame++) {
        recorded.driver.runSlice(1 + random.below(500), false);
        const bytes = Uint8Array.from({ length: 14 + random.below(1500) }, () => random.below(256));
        recorded.driver.send('net0', bytes);
      }
    },
  };
}

/** As a driver does it (Virtual I/O Device 1.2, 3.1.1 and 2.7), by hand. */
function setUpReceiving({ memory }: Machine): void {
  const base = virtBoard.virtio!.base + virtBoard.virtio!.stride * virtioSlots(virtBoard, 1)[0]!;
  const set = (register: number, value: number): boolean => memory.write(base + register, 4, value);
  const [descriptors, available, used, buffers] = [0x4_0000, 0x4_1000, 0x4_2000, 0x6_0000].map((at) => RAM + at);
  set(REGISTER.status, 3);
  // VIRTIO_F_EVENT_IDX: the card says in memory of which buffer it wants to be told.
  set(REGISTER.driverFeaturesSel, 0);
  set(REGISTER.driverFeatures, 1 << 29);
  set(REGISTER.driverFeaturesSel, 1);
  set(REGISTER.driverFeatures, 1);
  set(REGISTER.status, 11);
  set(REGISTER.queueSel, 0);
  set(REGISTER.queueNum, 64);
  set(REGISTER.queueDescLow, descriptors!);
  set(REGISTER.queueDriverLow, available!);
  set(REGISTER.queueDeviceLow, used!);
  for (let n = 0; n < 64; n++) {
    memory.write(descriptors! + 16 * n, 4, buffers! + 2048 * n);
    memory.write(descriptors! + 16 * n + 8, 4, 2048);
    memory.write(descriptors! + 16 * n + 12, 4, 2);
    memory.write(available! + 4 + 2 * n, 2, n);
  }
  memory.write(available! + 2, 2, 64);
  set(REGISTER.queueReady, 1);
  set(REGISTER.status, 15);
}

export const SCENES: readonly Scene[] = [
  scene('timer interrupts', (test) => timerProgram(test)),
  scene('waits', (test) => timerProgram(test, true)),
  scene('faults', (test) => faultProgram(test).mmu(PAGE_TABLES())),
  scene('console input', (test) => notingProgram(test)),
  scene('two CPUs', twoCpus, { cpus: 2 }),
  networkScene(),
];

/** A guest that listens to its serial line, and does something of its own after each character. */
export function randomScene(random: Random): Scene {
  const register = (): number => random.below(7);
  const more = Array.from({ length: 5 + random.below(40) }, (): Instruction => {
    switch (random.below(6)) {
      case 0:
        return str(register(), 10, 4 * random.below(1000));
      case 1:
        return ldr(register(), 10, 4 * random.below(1000));
      case 2:
        return a32('STMIA', { Rn: 10, list: 1 + random.below(127) });
      case 3:
        // The next store goes elsewhere: r10 is somewhere in 256 KiB.
        return a32('BFI', { Rd: 10, Rn: register(), lsb: 12, msb: 17 });
      case 4:
        return a32('MLA', { Rd: register(), Rn: register(), Rm: register(), Ra: register() });
      default:
        return a32('ADD (register)', { Rd: register(), Rn: register(), Rm: register(), imm5: random.below(32) });
    }
  });
  return scene('random instructions', (test) =>
    notingProgram(test, [...mov32(10, RAM + 0x8_0000), ...more]).regs({ r4: 0x1234_5678, r5: 0x0f0f_1122 }),
  );
}
