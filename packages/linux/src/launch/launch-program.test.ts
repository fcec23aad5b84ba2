// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LaunchProgram, STATUS } from './launch-program.js';

const here = process.platform === 'linux' && process.arch === 'x64';

describe.skipIf(!here)('a launch program', () => {
  let folder = '';
  let number = 0;
  beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'plinth-launch-'))));
  afterAll(() => rmSync(folder, { recursive: true }));

  const run = (program: LaunchProgram, ...args: string[]) => {
    const file = join(folder, `program-${++number}`);
    writeFileSync(file, program.finish(), { mode: 0o755 });
    const { status, stdout, stderr } = spawnSync(file, args, { encoding: 'utf8' });
    return { status, stdout, stderr };
  };

  it('composes texts of texts, numbers and arguments', () => {
    const program = new LaunchProgram('');
    const [stack, argument, count] = [program.slot(), program.slot(), program.slot()];
    program.storeStack(stack);
    program.follow(count, stack, 0);
    program.follow(argument, stack, 16);
    program.compose([
      '<',
      { pointer: argument },
      '> of ',
      { decimal: count },
      ' is not ',
      { decimal: program.slot(0) },
      '\n',
    ]);
    program.writeComposed(1);
    program.compose([{ decimal: program.slot(18_446_744_073n) }]);
    program.writeComposed(1);
    program.exit(7);
    expect(run(program, 'one', 'two')).toEqual({ status: 7, stdout: '<one> of 3 is not 0\n18446744073', stderr: '' });
  });

  it('cuts what is too long', () => {
    const program = new LaunchProgram('');
    const [stack, argument] = [program.slot(), program.slot()];
    program.storeStack(stack);
    program.follow(argument, stack, 16);
    program.compose([{ pointer: argument }, { pointer: argument }, 'end']);
    program.writeComposed(1);
    program.compose(['whole ', { decimal: program.slot(12) }]);
    program.writeComposed(1);
    program.exit(0);
    const { status, stdout } = run(program, 'x'.repeat(5000));
    expect([status, stdout]).toEqual([0, `${'x'.repeat(8191)}whole 12`]);
  });

  it('says which step failed and why', () => {
    const program = new LaunchProgram('plinth: ');
    program.call('chdir', [program.text('/nowhere at all')], { message: '/nowhere at all' });
    program.exit(0);
    expect(run(program)).toEqual({ status: 125, stdout: '', stderr: 'plinth: /nowhere at all: ENOENT\n' });
  });

  it.each([
    ['/nowhere at all', 'ENOENT; make it'],
    ['/dev/null', 'ENOTDIR'],
  ])('says with a status how to mend it, where that is known: %s', (path, said) => {
    const program = new LaunchProgram('plinth: ');
    const mend = { error: constants.errno.ENOENT, text: 'make it' };
    program.call('chdir', [program.text(path)], { message: 'there', status: STATUS.input, mend });
    program.exit(0);
    expect(run(program)).toEqual({ status: 2, stdout: '', stderr: `plinth: there: ${said}\n` });
  });

  it('branches, waits for its child, and passes its status on', () => {
    const program = new LaunchProgram('plinth: ');
    const [child, status, got] = [program.slot(), program.slot(), program.slot()];
    const statusAt = program.slot();
    program.call('fork', [], { message: 'a process' }, child);
    const parent = program.label();
    program.jumpIf(child, 'ne', 0, parent);
    program.exit(42);
    program.here(parent);
    program.call('wait4', [child, statusAt.slot, 0, 0], { message: 'its end' }, got);
    program.bits(status, statusAt, 8, 8);
    program.exit(status);
    expect(run(program).status).toBe(42);
  });

  it('starts another program with its own arguments and environment', () => {
    const program = new LaunchProgram('plinth: ');
    const [stack, path] = [program.slot(), program.slot()];
    program.storeStack(stack);
    program.follow(path, stack, 16);
    const [found, has] = [program.label(), program.label()];
    program.ifContains(path, '/', has);
    program.exit(9);
    program.here(has);
    const args = program.slot();
    program.set(args, stack);
    program.add(args, 16);
    program.call('execve', [path, args, program.textArray(['A=b'])], found);
    program.here(found);
    program.exit(127);
    expect(run(program, '/bin/sh', '-c', 'echo "$A" "$1"', 'sh', 'given')).toEqual({
      status: 0,
      stdout: 'b given\n',
      stderr: '',
    });
    const { status } = spawnSync(join(folder, `program-${number}`), ['env']);
    expect(status).toBe(9);
  });
});
