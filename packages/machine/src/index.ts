// SPDX-License-Identifier: Apache-2.0
export * from './boards/board.js';
export * from './boards/virt.js';
export * from './devices/device.js';
export * from './devices/gic.js';
export * from './devices/pl011.js';
export * from './devices/pl031.js';
export * from './devices/registers.js';
export * from './fdt/reader.js';
export * from './fdt/tree.js';
export type { DeviceTreeOptions } from './fdt/virt.js';
export * from './fdt/writer.js';
export * from './loaders/elf.js';
export * from './loaders/linux.js';
export * from './loaders/plan.js';
export * from './loaders/raw.js';
export * from './loaders/zimage.js';
export * from './xz/xz.js';
export * from './semihosting.js';
