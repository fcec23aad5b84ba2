// SPDX-License-Identifier: Apache-2.0
// What signals do to processes of launch programs, and to the programs that these become: both are inherited.

import { type LaunchProgram, SIGNAL, SIGNAL_MASK_SET } from '@plinth/linux';

/** Room for a struct sigaction: handler, flags, restorer, mask. */
const SIGNAL_ACTION_SIZE = 32;
const ACTION = { default: 0, ignore: 1 } as const;
const SIGNAL_MASK_SIZE = 8;

/** Sets some, and blocks none: whoever started us may have done so. */
export function emitSignals(
  program: LaunchProgram,
  names: readonly (keyof typeof SIGNAL)[],
  action: keyof typeof ACTION,
): void {
  for (const name of names) {
    const bytes = new Uint8Array(SIGNAL_ACTION_SIZE);
    bytes[0] = ACTION[action];
    program.call('rt_sigaction', [SIGNAL[name], program.bytes(bytes), 0, SIGNAL_MASK_SIZE], 'ignore');
  }
  const none = program.bytes(new Uint8Array(SIGNAL_MASK_SIZE));
  program.call('rt_sigprocmask', [SIGNAL_MASK_SET, none, 0, SIGNAL_MASK_SIZE], 'ignore');
}
