// SPDX-License-Identifier: Apache-2.0
// Pipes of launch programs.

import { type LaunchProgram, OPEN_FLAG, type Slot } from '@plinth/linux';

/** pipe(2) gives two numbers of 32 bits. */
const PAIR_SIZE = 8;

/** The ends of a new pipe, to read and to write; no program that is executed gets them. */
export function emitPipe(program: LaunchProgram): [Slot, Slot] {
  const pair = program.bytes(new Uint8Array(PAIR_SIZE));
  program.call('pipe2', [pair, OPEN_FLAG.closeOnExec], { message: 'a pipe' });
  const [reads, writes] = [program.slot(), program.slot()];
  program.bits(reads, { slot: pair }, 0, 16);
  program.bits(writes, { slot: pair }, 32, 16);
  return [reads, writes];
}
