// SPDX-License-Identifier: Apache-2.0
// The board `virt`: GICv2, architected timer, PL011, PL031, PSCI and room for virtio, at the addresses and interrupts of
// QEMU's board of that name (without virtualization and Security Extensions), so that the same kernels boot on it.

import { type DeviceTreeOptions, virtDeviceTree, type VirtLayout } from '../fdt/virt.js';
import type { BoardDescription } from './board.js';
import { gicController, realTimeClock, uart } from './parts.js';

const MIB = 1024 * 1024;
const TIMERS = { secure: 13, physical: 14, virtual: 11, hypervisor: 10 };
const LAYOUT: VirtLayout = {
  cpuCompatible: 'arm,cortex-a15',
  ramBase: 0x4000_0000,
  gicDistributor: 0x0800_0000,
  gicCpuInterface: 0x0801_0000,
  uart: 0x0900_0000,
  uartSpi: 1,
  rtc: 0x0901_0000,
  rtcSpi: 2,
  virtio: 0x0a00_0000,
  virtioStride: 0x200,
  virtioSpi: 16,
  timerPpis: [TIMERS.secure, TIMERS.physical, TIMERS.virtual, TIMERS.hypervisor],
};

export const virtBoard: BoardDescription & { deviceTree(options: DeviceTreeOptions): Uint8Array } = {
  name: 'virt',
  title: 'generic virtual board: GICv2, PL011, PL031, virtio (as QEMU virt)',
  cpu: 'cortex-a15',
  maxCpus: 8,
  ramBase: LAYOUT.ramBase,
  maxRamSize: 3072 * MIB,
  defaultRamSize: 256 * MIB,
  timerFrequency: 62_500_000,
  timerInterrupts: TIMERS,
  psci: 'hvc',
  virtio: { base: LAYOUT.virtio, stride: LAYOUT.virtioStride, slots: 32, spi: LAYOUT.virtioSpi },
  devices: [uart('uart0', LAYOUT.uart, LAYOUT.uartSpi, true), realTimeClock(LAYOUT.rtc, LAYOUT.rtcSpi)],
  createInterruptController: gicController(
    { distributor: LAYOUT.gicDistributor, cpuInterface: LAYOUT.gicCpuInterface },
    { spis: 256 },
  ),
  deviceTree: (options) => virtDeviceTree(LAYOUT, options),
};
