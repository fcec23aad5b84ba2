// SPDX-License-Identifier: Apache-2.0
// Which format a disk image has, where nobody says it.

import { PlinthError } from '@plinth/core';
import type { DriveFormat } from '../drive-spec.js';
import { isOverlay } from './overlay.js';
import { isQcow2 } from './qcow2.js';
import type { RandomAccessFile } from './random-access-file.js';

/**
 * Told by name, and refused where the content says otherwise: a guest that writes a qcow2 header into a raw disk must
 * not get the host's files as backing files of it the next time.
 */
export function imageFormat(file: RandomAccessFile): DriveFormat {
  const wrong = (detail: string): PlinthError => new PlinthError('input', 'drive', `drive: ${file.name}: ${detail}`);
  const bytes = new Uint8Array(8);
  file.read(0, bytes);
  if (isOverlay(bytes)) throw wrong(`an overlay: name its disk as the drive, with overlay=${file.name}`);
  const named = file.name.endsWith('.qcow2') ? 'qcow2' : 'raw';
  if (isQcow2(bytes) && named === 'raw') {
    throw wrong('a qcow2 image by its content: say format=qcow2, or format=raw if the guest wrote that');
  }
  return named;
}
