// SPDX-License-Identifier: Apache-2.0
// Layers that the watcher serves by FUSE: made as mounts that are nowhere yet, handed to the watcher one by one, and put in their places by
// the steps (mount-steps.ts).
//
// A mount belongs to the user namespace that it was made in, and only who is in there may look into it. A user's are made in the new one,
// where alone a user may mount. Those of root of the host are made before there is a new one, so that the watcher, which is outside, sees
// what programs execute and may be asked before they do.

import { assert } from '@plinth/core';
import {
  AT,
  DESCRIPTOR_AT,
  ioVector,
  type LaunchProgram,
  messageHeader,
  MOUNT_ATTRIBUTE,
  NEW_MOUNT,
  type NumberMap,
  OPEN_FLAG,
  passedDescriptor,
  SEND_NO_SIGNAL,
  type Slot,
  STATUS,
} from '@plinth/linux';
import { LAYERS_SOURCE } from '../fuse/layer-server.js';
import { LONGEST_REFUSAL, SERVED, type ServeRequest } from '../fuse/serve-request.js';
import type { LayeredStep, Surroundings } from './surroundings.js';

const WATCHER_GONE = 'its watcher has ended';

export class ServedLayers {
  /** By where they are to be. */
  readonly #mounts: ReadonlyMap<LayeredStep, Slot>;
  readonly #program: LaunchProgram;
  readonly #plan: Surroundings;

  constructor(program: LaunchProgram, plan: Surroundings) {
    const steps = plan.steps.filter((step): step is LayeredStep => step.kind === 'fuse');
    assert(steps.length === 0 || plan.watcher !== undefined, 'layers by FUSE have a watcher that serves them');
    this.#mounts = new Map(steps.map((step) => [step, program.slot()]));
    this.#program = program;
    this.#plan = plan;
  }

  /** For the process that is outside, and for the first one inside: one of them makes all of them. */
  emitMounts(where: 'outside' | 'inside'): void {
    if (where !== (this.#plan.user === 0 ? 'outside' : 'inside')) return;
    for (const [step, mount] of this.#mounts) this.#emitMount(step, mount);
  }

  /** Whoever goes on outside keeps none. */
  emitForget(): void {
    if (this.#plan.user === 0)
      for (const mount of this.#mounts.values()) this.#program.call('close', [mount], 'ignore');
  }

  /** At `target`, a path whose address is given. */
  emitPlace(step: LayeredStep, target: number): void {
    const mount = this.#mounts.get(step)!;
    const empty = this.#program.text('');
    this.#program.call('move_mount', [mount, empty, AT.workingDirectory, target, NEW_MOUNT.fromEmptyPath], {
      message: describe(step),
    });
    this.#program.call('close', [mount], 'ignore');
  }

  #emitMount(step: LayeredStep, mount: Slot): void {
    const program = this.#program;
    const [device, context] = [program.slot(), program.slot()];
    const onError = { message: describe(step) };
    const flags = OPEN_FLAG.readWrite | OPEN_FLAG.nonBlocking | OPEN_FLAG.closeOnExec;
    program.call('open', [program.text('/dev/fuse'), flags, 0], { message: '/dev/fuse' }, device);
    program.call('fsopen', [program.text('fuse'), NEW_MOUNT.closeOnExec], onError, context);
    const set = (name: string, value: number): void =>
      program.call('fsconfig', [context, NEW_MOUNT.setText, program.text(name), value, 0], onError);
    const allow = (name: string): void =>
      program.call('fsconfig', [context, NEW_MOUNT.setFlag, program.text(name), 0, 0], onError);
    set('source', program.text(LAYERS_SOURCE));
    program.compose([{ decimal: device }]);
    set('fd', program.composed);
    set('rootmode', program.text('40000'));
    set('user_id', program.text(String(this.#plan.insideUser)));
    set('group_id', program.text(String(this.#plan.insideGroup)));
    allow('default_permissions');
    // Otherwise it is the one user's alone, which is all that there are: the watcher, which is that user too, may look into it then.
    if (this.#plan.user === 0) allow('allow_other');
    program.call('fsconfig', [context, NEW_MOUNT.create, 0, 0, 0], onError);
    const attributes = MOUNT_ATTRIBUTE.noSetUser | MOUNT_ATTRIBUTE.noDevices;
    program.call('fsmount', [context, NEW_MOUNT.closeOnExec, attributes], onError, mount);
    program.call('close', [context], 'ignore');
    this.#emitServe(step, device);
  }

  /** Only the watcher has the device then: when it ends, nobody waits for answers. */
  #emitServe(step: LayeredStep, device: Slot): void {
    const program = this.#program;
    const { socket } = this.#plan.watcher!;
    const line = JSON.stringify(this.#request(step));
    emitPass(program, socket, line, device);
    program.call('close', [device], 'ignore');
    const answer = new Uint8Array(LONGEST_REFUSAL + 1);
    answer.set(Buffer.from(WATCHER_GONE));
    const [at, first, served] = [program.bytes(answer), program.slot(), program.label()];
    const pointer = program.slot(at);
    program.call('read', [socket, at, LONGEST_REFUSAL], 'ignore');
    program.follow(first, pointer, 0);
    program.bits(first, first, 0, 8);
    program.jumpIf(first, 'eq', SERVED, served);
    program.compose([`plinth: ${this.#plan.name}: ${describe(step)}: `, { pointer }, '\n']);
    program.writeComposed(2);
    program.exit(STATUS.failed);
    program.here(served);
  }

  #request({ lower, upper, work }: LayeredStep): ServeRequest {
    const { user, insideUser, group, insideGroup } = this.#plan;
    const layers = { lower, upper, work };
    if (user === insideUser && group === insideGroup) return { layers };
    const pair = (inside: number, outside: number): NumberMap['user'] => ({ inside, outside });
    return { layers, numbers: { user: pair(insideUser, user), group: pair(insideGroup, group) } };
  }
}

/** Sends a line and a descriptor to the watcher. */
export function emitPass(program: LaunchProgram, socket: number, line: string, descriptor: Slot): void {
  const control = program.bytes(passedDescriptor());
  // Eight bytes are written where four are meant, and those behind them are zero.
  program.set({ slot: control + DESCRIPTOR_AT }, descriptor);
  const vector = program.bytes(ioVector(program.text(line), Buffer.byteLength(line)));
  program.call('sendmsg', [socket, program.bytes(messageHeader(vector, control)), SEND_NO_SIGNAL], {
    message: 'its watcher',
  });
}

function describe({ at, kind }: LayeredStep): string {
  return `${at} (${kind})`;
}
