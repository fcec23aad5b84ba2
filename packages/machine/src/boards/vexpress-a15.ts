// SPDX-License-Identifier: Apache-2.0
// The board `vexpress-a15`: Versatile Express motherboard (V2M-P1, DUI 0447) with the daughterboard V2P-CA15 (DUI 0604),
// for kernels with the device tree of that name, which comes with them. What QEMU's board has and a kernel needs to
// start is modelled; the other devices of the tree are placeholders, as told at each.

import { Placeholder } from '../devices/placeholder.js';
import { primeCellId, type RegisterDeclaration } from '../devices/registers.js';
import { Sp804 } from '../devices/sp804.js';
import { CONFIG_FUNCTION, CONFIG_SITE, type ConfigItem, VexpressSysreg } from '../devices/vexpress-sysreg.js';
import { type BoardDescription, type BoardDevice, unknownOf } from './board.js';
import { gicController, realTimeClock, uart } from './parts.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const PAGE = 4 * KIB;

const { oscillator, voltage, temperature, reset, muxFpga, shutdown, reboot, dviMode } = CONFIG_FUNCTION;
const { motherboard, daughterboard1 } = CONFIG_SITE;

/** Hertz, by site and number of the oscillator; those of no use are at 0. */
const OSCILLATORS: readonly (readonly [site: number, hertz: readonly number[]])[] = [
  // Static memory bus, display, peripherals; the others feed nothing of ours.
  [motherboard, [50e6, 23.75e6, 24e6, 24e6, 24e6, 24e6]],
  // CPU reference; external AXI; HDLCD; static memory bus; system PLL; DDR PLL.
  [daughterboard1, [60e6, 0, 0, 0, 40e6, 23.75e6, 50e6, 60e6, 40e6]],
];

const CONFIG_ITEMS: readonly ConfigItem[] = [
  ...OSCILLATORS.flatMap(([site, all]) =>
    all.map((hertz, device): ConfigItem => ({ function: oscillator, site, device, access: 'rw', value: hertz })),
  ),
  { function: voltage, site: motherboard, access: 'ro', value: 3_300_000 },
  { function: voltage, site: daughterboard1, access: 'ro', value: 900_000 },
  // A room's temperature, in microdegrees.
  { function: temperature, site: motherboard, access: 'ro', value: 25_000_000 },
  { function: temperature, site: daughterboard1, access: 'ro', value: 25_000_000 },
  { function: reset, site: motherboard, access: 'reset' },
  { function: muxFpga, site: motherboard, access: 'wo' },
  { function: shutdown, site: motherboard, access: 'shutdown' },
  { function: reboot, site: motherboard, access: 'reset' },
  { function: dviMode, site: motherboard, access: 'wo' },
];

function dualTimer(name: string, base: number, spi: number): BoardDevice {
  return {
    name,
    base,
    create: (context) =>
      // The system controller gives its timers 32 kHz at first, but every kernel changes that.
      new Sp804({
        name,
        clock: context.clock,
        events: context.events,
        frequency: 1_000_000,
        interrupt: context.interrupt(spi),
        ...unknownOf(context, name),
      }),
  };
}

function placeholder(
  name: string,
  base: number,
  size: number,
  registers?: Readonly<Record<string, RegisterDeclaration>>,
): BoardDevice {
  return {
    name,
    base,
    create: (context) =>
      new Placeholder({ name, size, ...(registers === undefined ? {} : { registers }), ...unknownOf(context, name) }),
  };
}

/** PeriphID0 to 3 of a PrimeCell; what follows them is in all the same. */
function identified(...ids: readonly number[]): Readonly<Record<string, RegisterDeclaration>> {
  return { ID: primeCellId([...ids, 0x0d, 0xf0, 0x05, 0xb1]) };
}

/** Keyboard or mouse with nothing plugged in: it takes every byte at once and never sends one. */
const KMI: Readonly<Record<string, RegisterDeclaration>> = {
  CR: { offset: 0x00, width: 6 },
  STAT: { offset: 0x04, access: 'ro', reset: 1 << 6 },
  DATA: { offset: 0x08, width: 8, value: () => 0 },
  CLKDIV: { offset: 0x0c, width: 4 },
  IR: { offset: 0x10, access: 'ro', reset: 1 << 1 },
  ...identified(0x50, 0x10, 0x04, 0x00),
};

/** Both wires of an I2C bus are high while nobody pulls them down: no device ever acknowledges. */
const I2C: Readonly<Record<string, RegisterDeclaration>> = {
  CONTROL: { offset: 0x00, value: () => 3 },
  CONTROLC: { offset: 0x04, access: 'wo' },
};

/**
 * What has an identification is found by its driver: empty slots and sockets. What has none (and reads as zero in QEMU,
 * too) is not: nobody should rely on a watchdog or a DMA controller that does nothing.
 */
const PLACEHOLDERS: readonly BoardDevice[] = [
  placeholder('flash0', 0x0800_0000, 64 * MIB),
  placeholder('flash1', 0x0c00_0000, 64 * MIB),
  placeholder('psram', 0x1400_0000, 32 * MIB),
  placeholder('vram', 0x1800_0000, 8 * MIB),
  placeholder('ethernet', 0x1a00_0000, 64 * KIB),
  placeholder('usb', 0x1b00_0000, 128 * KIB),
  // Which clock each timer counts is kept, and without effect.
  placeholder('sp810', 0x1c02_0000, PAGE, { SCCTRL: { offset: 0x00 } }),
  placeholder('i2c1', 0x1c03_0000, PAGE, I2C),
  placeholder('aaci', 0x1c04_0000, PAGE, identified(0x41, 0x10, 0x04, 0x29)),
  placeholder('mmci', 0x1c05_0000, PAGE, identified(0x81, 0x11, 0x04, 0x00)),
  placeholder('kmi0', 0x1c06_0000, PAGE, KMI),
  placeholder('kmi1', 0x1c07_0000, PAGE, KMI),
  placeholder('sp805', 0x1c0f_0000, PAGE),
  placeholder('i2c0', 0x1c16_0000, PAGE, I2C),
  placeholder('compact-flash', 0x1c1a_0000, PAGE),
  placeholder('clcd', 0x1c1f_0000, PAGE, identified(0x11, 0x11, 0x24, 0x00)),
  placeholder('hdlcd', 0x2b00_0000, PAGE),
  placeholder('sp805-daughterboard', 0x2b06_0000, PAGE),
  placeholder('pl341', 0x2b0a_0000, PAGE),
  placeholder('pl330', 0x7ffb_0000, PAGE),
  placeholder('pl354', 0x7ffd_0000, PAGE),
];

export const vexpressA15Board: BoardDescription = {
  name: 'vexpress-a15',
  title: 'Versatile Express with V2P-CA15: GIC, SP804, PL011, PL031, system registers (as QEMU vexpress-a15)',
  cpu: 'cortex-a15',
  maxCpus: 2,
  ramBase: 0x8000_0000,
  maxRamSize: 2048 * MIB,
  defaultRamSize: 256 * MIB,
  // As in QEMU; the architecture leaves it to firmware, which tells it in CNTFRQ.
  timerFrequency: 62_500_000,
  timerInterrupts: { secure: 13, physical: 14, virtual: 11, hypervisor: 10 },
  // Not of the real board: where QEMU has them.
  virtio: { base: 0x1c13_0000, stride: 0x200, slots: 4, spi: 40 },
  kernelDeviceTree: 'vexpress-v2p-ca15-tc1.dtb',
  devices: [
    {
      name: 'sysreg',
      base: 0x1c01_0000,
      create: (context) =>
        new VexpressSysreg({
          name: 'sysreg',
          clock: context.clock,
          // Motherboard HBI-0190; daughterboard HBI-0237 with a Cortex-A15; an empty second site.
          id: 0x1190_f500,
          processorIds: [0x1400_0237, 0xff00_0000],
          items: CONFIG_ITEMS,
          // A boot monitor would have the second CPU wait for an interrupt first; kernels have it wait for its turn.
          onFlags: (entry) => {
            if (entry !== 0) context.startCpu?.(1, entry);
          },
          onPower: (request) => context.requestPower(request),
          ...unknownOf(context, 'sysreg'),
        }),
    },
    uart('uart0', 0x1c09_0000, 5, true),
    uart('uart1', 0x1c0a_0000, 6, false),
    uart('uart2', 0x1c0b_0000, 7, false),
    uart('uart3', 0x1c0c_0000, 8, false),
    dualTimer('timer01', 0x1c11_0000, 2),
    dualTimer('timer23', 0x1c12_0000, 3),
    realTimeClock(0x1c17_0000, 4),
    ...PLACEHOLDERS,
  ],
  createInterruptController: gicController(
    { distributor: 0x2c00_1000, cpuInterface: 0x2c00_2000 },
    { spis: 128, distributorSize: 0x1000, cpuInterfaceSize: 0x2000 },
  ),
};
