// SPDX-License-Identifier: Apache-2.0
// How the host tells a booted image what to do: /init (cli/image/init-script.ts) prints READY_MARK and reads one line,
//   RANDOM exec MARKER LENGTH\n COMMAND      or      RANDOM terminal ROWS COLUMNS\n      or      RANDOM none\n
// RANDOM is stirred into the guest's generator. Up to there all boots of an image are alike.

import { sha256, toHex, utf8 } from '@plinth/core';
import type { RunSpec } from '../run-spec.js';
import type { GuestFiles } from './guest-files.js';
import type { MachineDriver } from './machine-driver.js';

/** An operating system command (ECMA-48 8.3.89) that no terminal knows, and so none shows. */
export const READY_MARK: Uint8Array = utf8('\x1b]plinth ready\x07');

/** Longer commands go into the initramfs: the line's buffers in the kernel hold less. */
const MAX_COMMAND = 2048;

/** Whether the guest of a run asks for a request: an image's own init, unless the user gives the kernel another. */
export function takesRequests(spec: RunSpec): spec is RunSpec & { readonly image: string } {
  if (spec.image === undefined || /(^|\s)(rd)?init=/.test(spec.append ?? '')) return false;
  return utf8(spec.exec?.command ?? '').length <= MAX_COMMAND;
}

/** What a guest is told when it is ready; its random source and its clock are set just before it reads it. */
export function requestFor(
  spec: RunSpec,
  machine: Pick<MachineDriver, 'personalize' | 'virtualTime'>,
  size: GuestFiles['size'],
): Uint8Array {
  const timeOfDay = (spec.wallClock + Math.floor(machine.virtualTime / 1e9)) % 2 ** 32;
  machine.personalize({ seed: spec.seed, timeOfDay });
  return guestRequest(spec, size);
}

function guestRequest(spec: RunSpec, size: GuestFiles['size']): Uint8Array {
  const random = toHex(sha256(utf8(`plinth request ${spec.seed}`)));
  const { exec } = spec;
  if (exec !== undefined) {
    return utf8(`${random} exec ${exec.marker} ${utf8(exec.command).length}\n${exec.command}`);
  }
  const kind =
    size === undefined || size.rows === 0 || size.columns === 0 ? 'none' : `terminal ${size.rows} ${size.columns}`;
  return utf8(`${random} ${kind}\n`);
}
