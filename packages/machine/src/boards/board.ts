// SPDX-License-Identifier: Apache-2.0
// Boards are data: a memory map, devices with their wiring, and a device tree. `buildBoard` makes the devices of one
// machine from such a description and what the machine offers; it keeps no state of its own.

import { assert, type EventQueue, hex32, PlinthError, type VirtualClock } from '@plinth/core';
import type { Device, InterruptLine } from '../devices/device.js';
import type { DeviceMemory } from '../devices/virtio/chain.js';
import type { DeviceTreeOptions } from '../fdt/virt.js';
import type { InputPort } from '../inputs.js';

/** The side of the console that the machine offers to the board's first serial port. */
export interface ConsolePort {
  /** The guest has sent a byte. */
  onByte(byte: number): void;
  onRoom(): void;
  /** Called once, by the device, when the board is built. A port that took less than all tells by `onRoom` when to go on. */
  connect(input: InputPort): void;
}

export type PowerRequest = 'shutdown' | 'reset';

/**
 * - `device-refused`: a driver broke the rules of its device, which refuses to go on until it is reset
 * - `host-trouble`: what stands behind a device on the host failed
 */
export type DeviceNoticeKind = 'device-refused' | 'host-trouble';

/** What a machine offers to the devices of its board. */
export interface BoardHost {
  readonly cpus: number;
  readonly clock: VirtualClock;
  readonly events: EventQueue;
  /** Seconds since 1970 at virtual time zero: what the real-time clock shows. */
  readonly wallClockBase: number;
  readonly console: ConsolePort;
  /** RAM, for devices that reach it by themselves. */
  readonly memory: DeviceMemory;
  /** The IRQ and FIQ inputs, by CPU. */
  readonly irq: readonly InterruptLine[];
  readonly fiq: readonly InterruptLine[];
  /** The CPU whose access a device is serving. */
  currentCpu(): number;
  /** A device switches the machine off, or asks for a reset of all of it; it happens before the next instruction. */
  requestPower(request: PowerRequest): void;
  /** Firmware that a device stands for starts a CPU in A32 state at an address; nothing happens if it is on already. */
  startCpu?(cpu: number, entry: number): void;
  /** Data that the host gives when the guest asks (`Inputs.answer`). */
  readonly answer?: (port: string, ask: () => Uint8Array) => Uint8Array;
  /** A device was asked for a register that it does not have. */
  onUnknownRegister?(device: string, offset: number, write: boolean, value: number): void;
  /** A device has something to tell to the host's user. */
  onNotice?(kind: DeviceNoticeKind, message: string): void;
}

/** What a device factory gets: the host, and the board's interrupt lines by their number in the device tree. */
export interface BoardContext extends BoardHost {
  interrupt(spi: number): InterruptLine;
}

export interface PlacedDevice {
  /** Guest-physical address of the window; it is `device.size` long. */
  readonly base: number;
  readonly device: Device;
}

export interface BoardDevice {
  readonly name: string;
  readonly base: number;
  create(context: BoardContext): Device;
}

/** An interrupt controller: several windows, and the lines into it. */
export interface InterruptController {
  readonly windows: readonly PlacedDevice[];
  /** Shared interrupt `n` of the device tree. */
  spi(n: number): InterruptLine;
  /** Private interrupt `n` of the device tree. */
  ppi(cpu: number, n: number): InterruptLine;
  /** Whether a shared interrupt that came could reach a CPU as the guest has set it up. */
  acceptsShared(cpu: number): boolean;
}

export interface BoardDescription {
  readonly name: string;
  /** One line for lists. */
  readonly title: string;
  /** CPU model, for example `cortex-a15`. */
  readonly cpu: string;
  readonly maxCpus: number;
  readonly ramBase: number;
  /** Largest RAM in bytes, and what one gets without asking. */
  readonly maxRamSize: number;
  readonly defaultRamSize: number;
  /** Counter frequency of the architected timer in hertz (CNTFRQ). */
  readonly timerFrequency: number;
  /** Private interrupts of the architected timers, as the device tree numbers them. */
  readonly timerInterrupts: {
    readonly secure: number;
    readonly physical: number;
    readonly virtual: number;
    readonly hypervisor: number;
  };
  /** How the guest calls the firmware's power functions; `undefined` when the board has none. */
  readonly psci?: 'hvc' | 'smc';
  /** Windows for virtio devices, for those who attach some. */
  readonly virtio?: { readonly base: number; readonly stride: number; readonly slots: number; readonly spi: number };
  readonly devices: readonly BoardDevice[];
  createInterruptController(host: BoardHost): InterruptController;
  /** Makes the board's device tree; left out where the kernel brings it. */
  deviceTree?(options: DeviceTreeOptions): Uint8Array;
  /** File of the board's device tree among those that are built with a kernel (arch/arm/boot/dts). */
  readonly kernelDeviceTree?: string;
}

/** Reports of one device's unknown registers, under its name: a board hands them to the device as its hooks. */
export function unknownOf(
  host: BoardHost,
  device: string,
): { onUnknown(offset: number, write: boolean, value: number): void } {
  return { onUnknown: (offset, write, value) => host.onUnknownRegister?.(device, offset, write, value) };
}

export interface Board {
  readonly description: BoardDescription;
  /** By rising base address, without overlaps. */
  readonly devices: readonly PlacedDevice[];
  readonly interrupts: InterruptController;
  /** Power-on state of every device. */
  reset(): void;
}

/** Throws unless the board can have so many bytes of RAM. */
export function checkRamSize({ name, maxRamSize }: BoardDescription, ramSize: number): void {
  if (!Number.isSafeInteger(ramSize) || ramSize <= 0 || ramSize % 4096 !== 0) {
    const why = `${ramSize} bytes are no whole number of 4096-byte pages; give for example ${256 * 1024 ** 2}`;
    throw new PlinthError('input', 'ram-size', `memory: ${why}`);
  }
  if (ramSize > maxRamSize) {
    const most = maxRamSize / 1024 ** 2;
    throw new PlinthError('input', 'ram-too-large', `memory: the board ${name} takes ${most} MiB at most`);
  }
}

/** @throws PlinthError `cpu-count` */
export function checkCpuCount({ name, maxCpus }: BoardDescription, cpus: number): void {
  if (Number.isInteger(cpus) && cpus >= 1 && cpus <= maxCpus) return;
  const room = maxCpus === 1 ? 'has one CPU' : `takes 1 to ${maxCpus} CPUs`;
  throw new PlinthError('input', 'cpu-count', `cpus: the board ${name} ${room}, not ${cpus}`);
}

/** `extra` are devices beyond the board's own, such as virtio ones. */
export function buildBoard(description: BoardDescription, host: BoardHost, extra: readonly BoardDevice[] = []): Board {
  assert(host.cpus >= 1 && host.cpus <= description.maxCpus, `${description.name}: ${host.cpus} CPUs`);
  const interrupts = description.createInterruptController(host);
  // Not a spread: the host may be a class whose methods sit on its prototype.
  const context: BoardContext = {
    cpus: host.cpus,
    clock: host.clock,
    events: host.events,
    wallClockBase: host.wallClockBase,
    console: host.console,
    memory: host.memory,
    irq: host.irq,
    fiq: host.fiq,
    currentCpu: () => host.currentCpu(),
    requestPower: (request) => host.requestPower(request),
    startCpu: (cpu, entry) => host.startCpu?.(cpu, entry),
    ...(host.answer === undefined ? {} : { answer: host.answer }),
    onUnknownRegister: (device, offset, write, value) => host.onUnknownRegister?.(device, offset, write, value),
    onNotice: (kind, message) => host.onNotice?.(kind, message),
    interrupt: (spi) => interrupts.spi(spi),
  };
  const devices = [
    ...interrupts.windows,
    ...[...description.devices, ...extra].map((entry) => ({ base: entry.base, device: entry.create(context) })),
  ].toSorted((a, b) => a.base - b.base);
  devices.forEach(({ base, device }, at) => {
    const next = devices[at + 1];
    assert(
      next === undefined || base + device.size <= next.base,
      `${description.name}: ${device.name} at ${hex32(base)} overlaps ${next?.device.name}`,
    );
  });
  return {
    description,
    devices,
    interrupts,
    reset: () => {
      for (const { device } of devices) device.reset();
    },
  };
}
