// SPDX-License-Identifier: Apache-2.0
// Landlock as a second line behind the mounts: what lies in the new root may be read and executed, and written where the plan says
// so; sockets without a name in it are not reached. (Documentation/userspace-api/landlock.rst of Linux 6.16.)

import {
  LANDLOCK_PATH_BENEATH,
  LANDLOCK_RIGHT,
  LANDLOCK_SCOPE_SOCKETS,
  LANDLOCK_VERSIONS,
  type LaunchProgram,
  OPEN_FLAG,
} from '@plinth/linux';

const WORD = 8;

/** Takes the newest version that the kernel has, and does without where it has none. */
export function emitLandlock(program: LaunchProgram, writable: readonly string[]): void {
  const over = program.label();
  const { execute, readFile, readDirectory, deviceControl } = LANDLOCK_RIGHT;
  for (const { rights, size, scopes } of LANDLOCK_VERSIONS) {
    const attributes = new Uint8Array(3 * WORD);
    const view = new DataView(attributes.buffer);
    view.setBigUint64(0, BigInt(rights), true);
    if (scopes) view.setBigUint64(2 * WORD, BigInt(LANDLOCK_SCOPE_SOCKETS), true);
    const [ruleset, older] = [program.slot(), program.label()];
    program.call('landlock_create_ruleset', [program.bytes(attributes), size, 0], older, ruleset);
    const read = execute | readFile | readDirectory | deviceControl;
    emitRule(program, { path: '/', access: read & rights, ruleset: ruleset.slot });
    for (const path of writable) emitRule(program, { path, access: rights, ruleset: ruleset.slot });
    const onError = { message: 'Landlock' };
    program.call('landlock_restrict_self', [ruleset, 0], onError);
    program.call('close', [ruleset], 'ignore');
    program.jump(over);
    program.here(older);
  }
  program.here(over);
}

interface Rule {
  readonly path: string;
  readonly access: number;
  /** Where the number of its descriptor lies. */
  readonly ruleset: number;
}

function emitRule(program: LaunchProgram, { path, access, ruleset }: Rule): void {
  // A struct landlock_path_beneath_attr: rights, and a descriptor of 4 bytes.
  const rule = new Uint8Array(2 * WORD);
  new DataView(rule.buffer).setBigUint64(0, BigInt(access), true);
  const address = program.bytes(rule);
  const fd = program.slot();
  const onError = { message: `Landlock: ${path}` };
  program.call('open', [program.text(path), OPEN_FLAG.path | OPEN_FLAG.closeOnExec, 0], onError, fd);
  program.set({ slot: address + WORD }, fd);
  program.call('landlock_add_rule', [{ slot: ruleset }, LANDLOCK_PATH_BENEATH, address, 0], onError);
  program.call('close', [fd], 'ignore');
}
