// SPDX-License-Identifier: Apache-2.0
// What a machine's driver gets from Node and this host.

import { readSync } from 'node:fs';
import { InterpreterImage } from '@plinth/machine';
import type { DriverHost, DriveSpec, RandomAccessFile } from '@plinth/machine';
import { zlibCodec } from '../host/deflate.js';
import type { Network } from '../net/network.js';
import { attachDevices } from './attach-devices.js';
import { keptInterpreterBytes } from './kept-interpreter.js';
import { openDrives } from './open-drives.js';

/**
 * The host, for a run whose machine has a card on this network.
 *
 * @param newLayer an empty file for what the guest writes to a disk and is to be forgotten; one of the host's if left out
 */
export function withCard(
  host: DriverHost,
  network: Network | undefined,
  newLayer?: () => RandomAccessFile,
): DriverHost {
  const drives =
    newLayer === undefined ? {} : { openDrives: (specs: readonly DriveSpec[]) => openDrives(specs, newLayer) };
  return { ...host, attach: (spec, board) => attachDevices(spec, board, { network, ...drives }) };
}

export const nodeHost: DriverHost = {
  codec: zlibCodec,
  interpreter: () => new InterpreterImage(keptInterpreterBytes(false)),
  attach: (spec, board) => attachDevices(spec, board),
  writeError: (bytes) => void process.stderr.write(Buffer.from(bytes)),
  readInput: readStandardInput,
};

/** A program that reads its console waits for it, and so do we: nothing else of it could go on. Empty at the end. */
function readStandardInput(size: number): Uint8Array {
  const buffer = Buffer.alloc(Math.min(size, 65536));
  try {
    return buffer.subarray(0, readSync(0, buffer));
  } catch {
    return new Uint8Array(0); // standard input is closed, or not for reading
  }
}
