// SPDX-License-Identifier: Apache-2.0
import { EventQueue } from '@plinth/core';
import { describe, expect, it } from 'vitest';
import { LatchedLine } from '../devices/device.js';
import { readFdt } from '../fdt/reader.js';
import { fdtCells, fdtFind, fdtNode } from '../fdt/tree.js';
import { writeFdt } from '../fdt/writer.js';
import type { InputPort } from '../inputs.js';
import { buildBoard, type PowerRequest } from './board.js';
import { boardDeviceTree } from './device-tree.js';
import { vexpressA15Board } from './vexpress-a15.js';
import { virtBoard } from './virt.js';

function built() {
  const irq = new LatchedLine();
  const sent: number[] = [];
  const power: PowerRequest[] = [];
  const started: number[][] = [];
  const unknown: string[] = [];
  const events = new EventQueue();
  const connected: InputPort[] = [];
  let now = 0;
  const board = buildBoard(vexpressA15Board, {
    cpus: 1,
    clock: { now: () => now },
    events,
    wallClockBase: 1000,
    console: {
      onByte: (byte) => sent.push(byte),
      onRoom: () => {},
      connect: (console) => connected.push(console),
    },
    memory: { bytes: () => undefined, writeBytes: () => false },
    irq: [irq],
    fiq: [],
    currentCpu: () => 0,
    requestPower: (request) => power.push(request),
    startCpu: (cpu, entry) => started.push([cpu, entry]),
    onUnknownRegister: (device, offset) => unknown.push(`${device} ${offset.toString(16)}`),
  });
  const at = (address: number) => {
    const place = board.devices.find(({ base, device }) => address >= base && address < base + device.size)!;
    return {
      read: () => place.device.read(address - place.base, 4),
      write: (value: number) => place.device.write(address - place.base, 4, value),
    };
  };
  const passTo = (time: number): void => {
    now = time;
    events.runUntil(now);
  };
  return { board, at, irq, sent, power, started, unknown, connected, passTo };
}

const GICD = 0x2c00_1000;
const GICC = 0x2c00_2000;

describe('the board vexpress-a15', () => {
  it('wires its devices to the interrupts of its device tree', () => {
    const { board, at, irq, connected, passTo } = built();
    at(GICD).write(1);
    for (const word of [1, 2, 3, 4]) at(GICD + 0x100 + word * 4).write(0xffff_ffff);
    at(GICC).write(1);
    at(GICC + 0x04).write(0xf0);
    const taken = (): number => {
      expect(irq.level).toBe(true);
      return at(GICC + 0x0c).read() - 32;
    };
    at(0x1c09_0038).write(1 << 6);
    expect(connected.length).toBe(1);
    connected[0]!.receive(Uint8Array.of(0x61));
    expect(taken()).toBe(5);
    board.reset();
    expect(irq.level).toBe(false);
    // A write to the data register of the others raises their transmit interrupt.
    for (const [base, spi] of [
      [0x1c0a_0000, 6],
      [0x1c0b_0000, 7],
      [0x1c0c_0000, 8],
    ] as const) {
      at(GICD).write(1);
      at(GICD + 0x104).write(0xffff_ffff);
      at(GICC).write(1);
      at(GICC + 0x04).write(0xf0);
      at(base + 0x38).write(1 << 5);
      at(base).write(0x21);
      expect(taken()).toBe(spi);
      board.reset();
    }
    at(GICD).write(1);
    at(GICD + 0x104).write(0xffff_ffff);
    at(GICC).write(1);
    at(GICC + 0x04).write(0xf0);
    at(0x1c12_0000).write(5);
    at(0x1c12_0008).write(0xe2);
    passTo(5000);
    expect(taken()).toBe(3);
  });

  it('has the first UART on the console, and the power switch in the system registers', () => {
    const { at, sent, power } = built();
    at(0x1c09_0000).write(0x21);
    at(0x1c0a_0000).write(0x22);
    expect(sent).toEqual([0x21]);
    for (const command of [8, 9, 5]) at(0x1c01_00a4).write(0xc000_0000 + command * 2 ** 20);
    expect(power).toEqual(['shutdown', 'reset', 'reset']);
    expect(at(0x1c17_0000).read()).toBe(1000);
  });

  it('starts the second CPU where the flags say', () => {
    const { at, started } = built();
    at(0x1c01_0030).write(0);
    at(0x1c01_0030).write(0x8030_0000);
    expect(started).toEqual([[1, 0x8030_0000]]);
  });

  it('answers wherever its device tree has a device', () => {
    const { at, unknown } = built();
    const primeCells = {
      0x1c04_0000: 0x41,
      0x1c05_0000: 0x81,
      0x1c06_0000: 0x50,
      0x1c07_0000: 0x50,
      0x1c1f_0000: 0x11,
    };
    for (const [base, part] of Object.entries(primeCells)) expect(at(Number(base) + 0xfe0).read()).toBe(part);
    expect(unknown).toEqual([]);
    const windows = [
      0x0800_0000, 0x1a00_0000, 0x1b00_0000, 0x1c0f_0000, 0x2b06_0000, 0x2b0a_0000, 0x7ffb_0000, 0x7ffd_0000,
    ];
    for (const base of windows) expect(at(base + 0xfe0).read()).toBe(0);
    expect(unknown.length).toBe(windows.length);
  });
});

describe('the device tree of a board', () => {
  const options = { ramSize: 0x1000_0000, cpus: 1, bootArguments: 'quiet' };
  const tree = fdtNode('', { '#address-cells': 2, '#size-cells': 2, 'interrupt-parent': 1 }, [
    fdtNode('memory@80000000', { device_type: 'memory', reg: [0, 0x8000_0000, 0, 0x4000_0000] }),
  ]);
  const given = { name: 'x.dtb', bytes: writeFdt(tree) };

  it('is completed with the board’s memory and virtio windows', () => {
    const root = readFdt(boardDeviceTree(vexpressA15Board, given, { ...options, virtioSlots: [1] }), 'completed');
    expect(root.children.map(({ name }) => name)).toEqual(['virtio_mmio@1c130200', 'memory@80000000', 'chosen']);
    expect(fdtCells(fdtFind(root, '/memory@80000000')!, 'reg')).toEqual([0, 0x8000_0000, 0, 0x1000_0000]);
    const virtio = root.children[0]!;
    expect(fdtCells(virtio, 'reg')).toEqual([0, 0x1c13_0200, 0, 0x200]);
    expect(fdtCells(virtio, 'interrupts')).toEqual([0, 41, 1]);
  });

  it('is the board’s own, or has to be given', () => {
    expect(boardDeviceTree(virtBoard, undefined, options)).toEqual(virtBoard.deviceTree(options));
    expect(() => boardDeviceTree(vexpressA15Board, undefined, options)).toThrow(
      "dtb: the board vexpress-a15 has no device tree of its own: give the kernel's vexpress-v2p-ca15-tc1.dtb",
    );
  });
});
