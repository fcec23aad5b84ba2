// SPDX-License-Identifier: Apache-2.0
import { EventQueue } from '@plinth/core';
import { describe, expect, it } from 'vitest';
import { LatchedLine } from '../devices/device.js';
import { readFdt } from '../fdt/reader.js';
import { fdtCells, fdtFind, fdtStrings } from '../fdt/tree.js';
import type { InputPort } from '../inputs.js';
import { type BoardHost, buildBoard } from './board.js';
import { virtBoard } from './virt.js';

function host(cpus = 1) {
  const sent: number[] = [];
  const unknown: string[] = [];
  const irq = Array.from({ length: cpus }, () => new LatchedLine());
  const input: { console?: InputPort } = {};
  const boardHost: BoardHost = {
    cpus,
    clock: { now: () => 5e9 },
    events: new EventQueue(),
    wallClockBase: 1000,
    console: { onByte: (byte) => sent.push(byte), onRoom: () => {}, connect: (console) => (input.console = console) },
    memory: { bytes: () => undefined, writeBytes: () => false },
    irq,
    fiq: [],
    currentCpu: () => 0,
    requestPower: () => {},
    onUnknownRegister: (device, offset, write, value) => unknown.push(`${device} ${offset} ${write} ${value}`),
  };
  return { boardHost, sent, unknown, irq, input };
}

describe('the board virt', () => {
  it('has its devices where QEMU has them', () => {
    const board = buildBoard(virtBoard, host().boardHost);
    expect(board.devices.map(({ base, device }) => [base, device.size, device.name])).toEqual([
      [0x0800_0000, 0x1_0000, 'gic-distributor'],
      [0x0801_0000, 0x1_0000, 'gic-cpu-interface'],
      [0x0900_0000, 0x1000, 'uart0'],
      [0x0901_0000, 0x1000, 'rtc'],
    ]);
  });

  it('wires the UART to SPI 1 and to the console, and the clock to the base', () => {
    const { boardHost, sent, irq, input, unknown } = host();
    const board = buildBoard(virtBoard, boardHost);
    const [distributor, cpuInterface, uart, rtc] = board.devices.map(({ device }) => device);
    distributor!.write(0x000, 4, 1);
    distributor!.write(0x104, 4, 1 << 1);
    cpuInterface!.write(0x00, 4, 1);
    cpuInterface!.write(0x04, 4, 0xf0);
    uart!.write(0x38, 4, 1 << 6);
    uart!.write(0x00, 4, 0x21);
    expect(sent).toEqual([0x21]);
    expect(irq[0]!.level).toBe(false);
    expect(input.console!.receive(Uint8Array.of(0x61))).toBe(1);
    expect(irq[0]!.level).toBe(true);
    expect(cpuInterface!.read(0x0c, 4)).toBe(33);
    expect(rtc!.read(0, 4)).toBe(1005);
    rtc!.read(0x100, 4);
    expect(unknown).toEqual(['rtc 256 false 0']);
    board.reset();
    expect(irq[0]!.level).toBe(false);
  });

  it('refuses a device on top of another', () => {
    const { boardHost } = host();
    const extra = { ...virtBoard.devices[1]!, name: 'second', base: 0x0900_0800 };
    expect(() => buildBoard(virtBoard, boardHost, [extra])).toThrow('uart0 at 0x09000000 overlaps rtc');
  });

  it('describes itself in the device tree', () => {
    const root = readFdt(
      virtBoard.deviceTree({
        ramSize: 0x1000_0000,
        cpus: 2,
        bootArguments: 'console=ttyAMA0',
        initrd: { start: 0x4800_0000, end: 0x4810_0000 },
        rngSeed: new Uint8Array(32).fill(7),
        virtioSlots: [0, 31],
      }),
      'virt',
    );
    expect(fdtCells(fdtFind(root, '/memory@40000000')!, 'reg')).toEqual([0, 0x4000_0000, 0, 0x1000_0000]);
    const chosen = fdtFind(root, '/chosen')!;
    expect(fdtStrings(chosen, 'bootargs')).toEqual(['console=ttyAMA0']);
    expect(fdtCells(chosen, 'linux,initrd-end')).toEqual([0x4810_0000]);
    expect(fdtFind(root, fdtStrings(chosen, 'stdout-path')![0]!)).toBeDefined();
    expect(chosen.properties.has('kaslr-seed')).toBe(false);
    expect(fdtStrings(fdtFind(root, '/cpus/cpu@1')!, 'enable-method')).toEqual(['psci']);
    expect(fdtCells(fdtFind(root, '/virtio_mmio@a003e00')!, 'interrupts')).toEqual([0, 47, 1]);
    expect(fdtCells(fdtFind(root, '/timer')!, 'interrupts')!.slice(0, 3)).toEqual([1, 13, 0x304]);
    const gic = fdtFind(root, '/intc@8000000')!;
    expect(fdtCells(gic, 'phandle')).toEqual(fdtCells(root, 'interrupt-parent'));
  });

  it('leaves out what one CPU and no options do not need', () => {
    const root = readFdt(virtBoard.deviceTree({ ramSize: 0x400_0000, cpus: 1 }), 'virt');
    expect(fdtFind(root, '/cpus/cpu@0')!.properties.has('enable-method')).toBe(false);
    expect([...fdtFind(root, '/chosen')!.properties.keys()]).toEqual(['stdout-path']);
    expect(root.children.some((node) => node.name.startsWith('virtio'))).toBe(false);
  });
});
