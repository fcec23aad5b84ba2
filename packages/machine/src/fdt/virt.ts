// SPDX-License-Identifier: Apache-2.0
// The device tree of the board `virt`, node by node as QEMU 7.2 describes its board of that name to a kernel, less the
// devices we do not have (PCI, flash, fw_cfg, GPIO, MSI). Bindings: Linux Documentation/devicetree/bindings.

import { cells64, fdtNode, type FdtNode } from './tree.js';
import { writeFdt } from './writer.js';

/** What differs from one machine to the next. Addresses are guest-physical, sizes in bytes. */
export interface DeviceTreeOptions {
  readonly ramSize: number;
  readonly cpus: number;
  readonly bootArguments?: string;
  readonly initrd?: { readonly start: number; readonly end: number };
  /** Random bytes for the kernel's generator; without them some kernels wait for entropy. */
  readonly rngSeed?: Uint8Array;
  readonly kaslrSeed?: Uint8Array;
  /** Slots 0 to 31 that have a virtio device. */
  readonly virtioSlots?: readonly number[];
}

/** Where things are: one source for device tree and memory map. */
export interface VirtLayout {
  readonly cpuCompatible: string;
  readonly ramBase: number;
  readonly gicDistributor: number;
  readonly gicCpuInterface: number;
  readonly uart: number;
  readonly uartSpi: number;
  readonly rtc: number;
  readonly rtcSpi: number;
  readonly virtio: number;
  readonly virtioStride: number;
  readonly virtioSpi: number;
  /** PPIs of the secure physical, physical, virtual and hypervisor timer. */
  readonly timerPpis: readonly [number, number, number, number];
}

const CLOCK_PHANDLE = 1;
const GIC_PHANDLE = 2;
/** First cell and flags of an interrupt specifier (arm,gic.yaml). */
const SPI = 0;
const PPI = 1;
const EDGE_RISING = 1;
const LEVEL_HIGH = 4;

export function virtDeviceTree(layout: VirtLayout, options: DeviceTreeOptions): Uint8Array {
  return writeFdt(virtTree(layout, options));
}

function virtTree(layout: VirtLayout, options: DeviceTreeOptions): FdtNode {
  const { cpus } = options;
  const reg = (base: number, size: number): number[] => [...cells64(base), ...cells64(size)];
  const primeCell = (kind: string, base: number, spi: number, clocks: readonly string[]): FdtNode =>
    fdtNode(at(kind, base), {
      compatible: [`arm,${kind}`, 'arm,primecell'],
      reg: reg(base, 0x1000),
      interrupts: [SPI, spi, LEVEL_HIGH],
      clocks: clocks.map(() => CLOCK_PHANDLE),
      'clock-names': clocks,
    });
  const timerFlags = (((1 << cpus) - 1) << 8) | LEVEL_HIGH;
  return fdtNode(
    '',
    {
      'interrupt-parent': GIC_PHANDLE,
      model: 'linux,dummy-virt',
      compatible: 'linux,dummy-virt',
      '#address-cells': 2,
      '#size-cells': 2,
    },
    [
      fdtNode('psci', {
        compatible: ['arm,psci-1.0', 'arm,psci-0.2', 'arm,psci'],
        method: 'hvc',
        cpu_suspend: 0x8400_0001,
        cpu_off: 0x8400_0002,
        cpu_on: 0x8400_0003,
        migrate: 0x8400_0005,
      }),
      fdtNode(at('memory', layout.ramBase), { device_type: 'memory', reg: reg(layout.ramBase, options.ramSize) }),
      ...(options.virtioSlots ?? []).map((slot) => {
        const base = layout.virtio + slot * layout.virtioStride;
        return fdtNode(at('virtio_mmio', base), {
          compatible: 'virtio,mmio',
          reg: reg(base, layout.virtioStride),
          interrupts: [SPI, layout.virtioSpi + slot, EDGE_RISING],
          'dma-coherent': true,
        });
      }),
      primeCell('pl031', layout.rtc, layout.rtcSpi, ['apb_pclk']),
      primeCell('pl011', layout.uart, layout.uartSpi, ['uartclk', 'apb_pclk']),
      fdtNode(at('intc', layout.gicDistributor), {
        compatible: 'arm,cortex-a15-gic',
        reg: [...reg(layout.gicDistributor, 0x1_0000), ...reg(layout.gicCpuInterface, 0x1_0000)],
        'interrupt-controller': true,
        '#interrupt-cells': 3,
        '#address-cells': 2,
        '#size-cells': 2,
        ranges: true,
        phandle: GIC_PHANDLE,
      }),
      fdtNode(
        'cpus',
        { '#address-cells': 1, '#size-cells': 0 },
        Array.from({ length: cpus }, (_, cpu) =>
          fdtNode(at('cpu', cpu), {
            device_type: 'cpu',
            compatible: layout.cpuCompatible,
            reg: cpu,
            'enable-method': cpus > 1 ? 'psci' : undefined,
          }),
        ),
      ),
      fdtNode('timer', {
        compatible: 'arm,armv7-timer',
        interrupts: layout.timerPpis.flatMap((ppi) => [PPI, ppi, timerFlags]),
        'always-on': true,
      }),
      fdtNode('apb-pclk', {
        compatible: 'fixed-clock',
        'clock-frequency': 24_000_000,
        'clock-output-names': 'clk24mhz',
        '#clock-cells': 0,
        phandle: CLOCK_PHANDLE,
      }),
      fdtNode('chosen', {
        bootargs: options.bootArguments,
        'stdout-path': `/${at('pl011', layout.uart)}`,
        'linux,initrd-start': options.initrd?.start,
        'linux,initrd-end': options.initrd?.end,
        'rng-seed': options.rngSeed,
        'kaslr-seed': options.kaslrSeed,
      }),
    ],
  );
}

function at(name: string, address: number): string {
  return `${name}@${address.toString(16)}`;
}
