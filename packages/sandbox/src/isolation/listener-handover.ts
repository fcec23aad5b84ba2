// SPDX-License-Identifier: Apache-2.0
// How the watcher gets the descriptor that is told of calls (seccomp_unotify(2)). Whoever has set the filter can send no messages
// before somebody answers, so the first process sends it, which has no filter: until the command begins, both have the same open files.

import { type LaunchProgram, type OnError, SECCOMP_FLAG, SECCOMP_SET_FILTER, type Slot } from '@plinth/linux';
import { emitWaitForEither } from './carried-network.js';
import { emitPipe } from './pipe.js';
import { emitPass } from './served-layers.js';
import type { Surroundings } from './surroundings.js';

const WORD = 8;

export class ListenerHandover {
  readonly #program: LaunchProgram;
  /** Of a pipe by which its number comes, and of one that says that it was sent; ends to read and to write. */
  readonly #number: readonly [Slot, Slot];
  readonly #sent: readonly [Slot, Slot];

  /** In the first process. */
  constructor(program: LaunchProgram) {
    this.#program = program;
    this.#number = emitPipe(program);
    this.#sent = emitPipe(program);
  }

  /** In the one that becomes the command: sets the filter, and goes on when the watcher has been sent its descriptor. */
  emitFilter(filter: number, onError: OnError): void {
    const program = this.#program;
    const { newListener, waitKillable } = SECCOMP_FLAG;
    const [listener, older, have] = [program.slot(), program.label(), program.label()];
    program.call('seccomp', [SECCOMP_SET_FILTER, newListener | waitKillable, filter], older, listener);
    program.jump(have);
    program.here(older);
    program.call('seccomp', [SECCOMP_SET_FILTER, newListener, filter], onError, listener);
    program.here(have);
    const byte = program.bytes(new Uint8Array(1));
    program.call('write', [this.#number[1], listener.slot, WORD], onError);
    program.call('read', [this.#sent[0], byte, 1], onError);
  }

  /** In the first process. If the other one, `child`, has ended before, there is nothing to send. */
  emitPassOn(child: Slot, { socket, line }: NonNullable<Surroundings['watcher']>): void {
    const program = this.#program;
    const [childEnd, listener, ended] = [program.slot(), program.slot(), program.label()];
    program.call('pidfd_open', [child, 0], { message: 'a process' }, childEnd);
    const came = emitWaitForEither(program, this.#number[0], childEnd);
    program.jumpIf(came, 'eq', 0, ended);
    program.call('read', [this.#number[0], listener.slot, WORD], { message: 'a pipe' });
    emitPass(program, socket, line!, listener);
    program.call('close', [listener], 'ignore');
    program.call('write', [this.#sent[1], program.text('x'), 1], { message: 'a pipe' });
    program.here(ended);
  }
}
