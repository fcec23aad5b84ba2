// SPDX-License-Identifier: Apache-2.0
// `monitor` commands about the past of a machine.

import { hex32, PlinthError, toHex } from '@plinth/core';
import type { History } from '../record/history.js';
import { lastWrite } from '../record/last-write.js';
import type { MachineTarget } from './machine-target.js';
import type { MonitorCommands } from './monitor.js';

const MOST_BYTES = 4096;
const WORD = 4;

/** `nameOf` gives the name of a code address, if one is known. */
export function addHistoryCommands(
  monitor: MonitorCommands,
  target: MachineTarget,
  history: History,
  nameOf: (address: number) => string | undefined,
): void {
  monitor.add({
    name: 'last-write',
    parameters: 'ADDRESS [BYTES]',
    help: 'who wrote it last, before now: instruction, old and new value',
    run: ([address, bytes = String(WORD)], thread) => {
      const start = numberOf(address, 'last-write', 2 ** 32 - 1);
      const length = numberOf(bytes, 'last-write', MOST_BYTES);
      return tellLastWrite(history, start, physicalOf(target, thread, start, length), length, nameOf);
    },
  });
  monitor.add({
    name: 'info history',
    help: 'where this is, where the recording begins, and what is kept of it',
    run: () => {
      const { bytes, places } = history.size;
      const kept = `${places} places, ${(bytes / 2 ** 20).toFixed(1)} MiB`;
      return `instruction ${history.count}; the recording begins at ${history.begin}; kept: ${kept}\n`;
    },
  });
}

function tellLastWrite(
  history: History,
  address: number,
  physical: number,
  length: number,
  nameOf: (address: number) => string | undefined,
): string {
  const last = lastWrite(history, physical, length);
  if (last === undefined) return `${hex32(address)}: not written since instruction ${history.begin}\n`;
  const { count, instruction, access, before, after } = last;
  const name = nameOf(instruction);
  const where = `${hex32(instruction)}${name === undefined ? '' : ` <${name}>`}`;
  const who =
    access.by === 'cpu' ? `the instruction at ${where}` : `a device, while the instruction at ${where} was next`;
  const when = `after ${count} instructions, ${history.count - count} before here`;
  return `${hex32(address)}: ${show(before)} -> ${show(after)}\nwritten by ${who}\n${when}\n`;
}

/** A word as one; anything else byte by byte. */
function show(bytes: Uint8Array): string {
  return bytes.length === WORD ? `0x${toHex(bytes.toReversed())}` : toHex(bytes);
}

function physicalOf(target: MachineTarget, thread: number, address: number, length: number): number {
  const { machine } = target;
  const physical = target.physicalAddresses ? address : target.mapping(thread)(address);
  if (physical === undefined || machine.memory.bytes(physical >>> 0, length) === undefined) {
    throw new PlinthError('input', 'monitor', `${hex32(address)}: there is no RAM`);
  }
  if ((address & 0xfff) + length > 0x1000) {
    throw new PlinthError('input', 'monitor', `last-write: ${length} bytes from ${hex32(address)} on are on two pages`);
  }
  return physical >>> 0;
}

function numberOf(word: string | undefined, command: string, most: number): number {
  const value = word !== undefined && /^(0x[0-9a-f]+|\d+)$/i.test(word) ? Number(word) : NaN;
  if (value >= 0 && value <= most) return value;
  throw new PlinthError('input', 'monitor', `${command}: "${word ?? ''}" is no number up to ${most}`);
}
