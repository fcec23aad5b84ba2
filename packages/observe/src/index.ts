// SPDX-License-Identifier: Apache-2.0
// The public face of the room that sees into machines.
export * from './gdb/framing.js';
export * from './gdb/machine-monitor.js';
export * from './gdb/machine-target.js';
export * from './gdb/monitor.js';
export * from './gdb/session.js';
export * from './gdb/stub.js';
export * from './gdb/target.js';
export * from './record/events.js';
export * from './record/history.js';
export * from './record/last-write.js';
export * from './record/ram-hash.js';
export * from './record/recorded-driver.js';
export * from './record/recorder.js';
export * from './record/recording.js';
export * from './record/replay-driver.js';
export * from './record/replay.js';
export * from './record/start.js';
export * from './symbols/dwarf-lines.js';
export * from './symbols/elf-symbols.js';
export * from './symbols/kallsyms.js';
export * from './symbols/symbol-table.js';
export * from './symbols/system-map.js';
