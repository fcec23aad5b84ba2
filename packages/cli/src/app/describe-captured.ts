// SPDX-License-Identifier: Apache-2.0
// What was taken of an installer's work and what was not, as a value and as a line.

import type { LayerEntry } from '@plinth/sandbox';
import { many } from '../host/many.js';
import type { LeftOut } from './captured-changes.js';

export interface Captured {
  readonly files: number;
  readonly bytes: number;
  /** Files and directories of the host that are not there any more. */
  readonly removed: number;
  readonly leftOut: readonly LeftOut[];
  /** Whether an option takes it all the same. */
  readonly canKeep: boolean;
}

export function summaryOf(entries: readonly LayerEntry[], leftOut: readonly LeftOut[], canKeep: boolean): Captured {
  const files = entries.filter(({ kind }) => kind !== 'directory' && kind !== 'removed');
  return {
    files: files.length,
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    removed: entries.filter(({ kind }) => kind === 'removed').length,
    leftOut,
    canKeep,
  };
}

/** `here` is where the installer was started. */
export function describeCaptured(captured: Captured, here: string): string {
  const { files, bytes, removed } = captured;
  const leftOut = describeLeftOut(captured, here);
  return [
    `${many(files, 'file')}, ${sizeText(bytes)}`,
    ...(removed === 0 ? [] : [`${removed} of the host removed`]),
    ...(leftOut === '' ? [] : [leftOut]),
  ].join('; ');
}

export function describeLeftOut({ leftOut, canKeep }: Captured, here: string): string {
  const places = leftOut.map(
    ({ place, files }) => `${many(files, 'file')} in ${place === here ? 'the current directory' : place}`,
  );
  return places.length === 0 ? '' : `left out: ${places.join(', ')}${canKeep ? ' (--capture-keep takes it)' : ''}`;
}

function sizeText(bytes: number): string {
  return bytes < 2 ** 20 ? `${Math.ceil(bytes / 2 ** 10)} KiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
