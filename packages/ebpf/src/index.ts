// SPDX-License-Identifier: Apache-2.0
export * from './assembler.js';
export * from './blocks.js';
export * from './elf/btf.js';
export * from './elf/elf-reader.js';
export * from './elf/elf-writer.js';
export * from './helpers.js';
export * from './instruction.js';
export * from './program.js';
export * from './scan/scan-code.js';
export * from './scan/stream-code.js';
export * from './simulate/compiler.js';
export * from './simulate/environment.js';
export * from './simulate/interpreter.js';
export * from './simulate/maps.js';
export * from './simulate/memory.js';
