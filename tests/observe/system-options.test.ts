// SPDX-License-Identifier: Apache-2.0
// `plinth run --ps --modules`: what the command line tells of a guest's system.

import { describe, expect, it } from 'vitest';
import { unless } from '../setup/skipping.js';
import { commandOutput, missingImage, plinth } from '../boot/guest.js';
import { CompiledProgram, missingCompiler } from './elf.js';
import { missingModules, VirtioGuest } from '../virtio/guest.js';
import { StoppedGuests } from './stopped-guest.js';

const noImage = missingImage();
if (noImage !== undefined) console.log(`tests/observe/system-options: skipped: ${noImage}`);
const noModules = noImage ?? (await missingModules());
if (noModules !== undefined && noImage === undefined)
  console.log(`tests/observe/system-options: modules skipped: ${noModules}`);

interface Told {
  readonly processes: readonly { pid: number; ppid: number; comm: string; executable?: string }[];
  readonly modules: readonly { name: string; base: number; size: number }[];
}

describe('a guest with processes', unless(noImage), () => {
  it('is told as ps tells it, as a table and as JSON, the second time from what was kept', async () => {
    using guests = new StoppedGuests();
    const { said, snapshot } = await guests.run(['sleep 1234 & sleep 1', 'ps -o pid,ppid,comm']);
    // The run is over before it has begun: nothing has been executed since the guest spoke.
    const look = (...options: string[]) => plinth('run', snapshot, '--limit-instructions', '1', '--ps', ...options);
    const told = look('--json');
    const { processes } = JSON.parse(told.stdout) as Told;
    const theirs = said.matchAll(/^ +(\d+) +(\d+) (\S+)$/gm);
    let compared = 0;
    for (const [, pid, ppid, comm] of theirs) {
      if (comm === 'ps') continue;
      compared++;
      const ours = processes.find((process) => process.pid === Number(pid))!;
      expect([ours.ppid, ours.comm]).toEqual([Number(ppid), comm!.startsWith(ours.comm) ? ours.comm : comm]);
    }
    expect(compared).toBeGreaterThan(30);
    expect(processes.find(({ comm }) => comm === 'sleep')?.executable).toBe('/bin/busybox');
    const { stderr } = look();
    for (const { pid, comm } of processes)
      expect(stderr).toMatch(new RegExp(`^ +${pid} .*[ \\[]${comm.replace(/[()+]/g, '.')}\\]?$`, 'm'));
  });
});

describe('a guest that is traced', unless(noImage), () => {
  const run = (...options: string[]) => plinth('run', '--image', 'debian-mini', ...options);

  it('prints what its command prints, and on standard error what it asks its kernel for', () => {
    const { stdout, stderr, status } = run('--exec', 'cat /etc/passwd', '--strace', '--ftrace', 'vfs_o?en');
    expect([status, stdout.split('\n')[0]]).toEqual([0, 'root:x:0:0:root:/root:/bin/sh']);
    const lines = stderr.split('\n');
    const opened = lines.findIndex((line) => line.includes('"/etc/passwd", O_RDONLY'));
    expect(lines[opened]).toMatch(/^\d+ cat openat\(AT_FDCWD, "\/etc\/passwd", O_RDONLY\|O_LARGEFILE\) = \d+$/);
    expect(lines[opened - 1]).toMatch(/^\d+ cat \} vfs_open = 0x0$/);
    expect(lines[opened - 2]).toMatch(/^\d+ cat vfs_open\(0x[0-9a-f]+, .*\) \{$/);
    expect(stderr).toMatch(/^\d+ cat exit_group\(0\) = \?$/m);
  });

  it('is the same run as one that is not', () => {
    const options = ['--exec', 'ls /', '--seed', '07', '--wall-clock', '1700000000', '--json'];
    const hash = ({ stdout }: { stdout: string }): string => (JSON.parse(stdout) as { stateHash: string }).stateHash;
    expect(hash(run(...options, '--strace', '--ftrace', 'do_sys_open*', '--ps'))).toBe(hash(run(...options)));
  });

  it('is told what cannot be traced', () => {
    const { stderr, status } = run('--exec', 'true', '--ftrace', 'no_such_*');
    expect([status, stderr.trim().split('\n').at(-1)]).toEqual([
      2,
      'plinth: ftrace: the kernel has no function that matches "no_such_*"',
    ]);
  });
});

describe('a guest with modules', unless(noModules), () => {
  it('is told as /proc/modules tells it', () => {
    using guest = new VirtioGuest('cat /proc/modules');
    const { status, stdout, stderr } = plinth(
      'run', '--kernel', guest.kernel, '--initrd', guest.initrd, '--modules', '--json', '--limit-seconds', '400',
    ); // prettier-ignore
    expect(status, stderr).toBe(0);
    const { modules } = JSON.parse(stdout) as Told;
    const theirs = commandOutput(stderr)
      .trim()
      .split('\n')
      .map((line) => line.trim().split(' '));
    expect(theirs.length).toBe(4);
    const ours = modules.map(({ name, size, base }) => [name, String(size), `0x${base.toString(16)}`]);
    expect(ours).toEqual(
      theirs.map((fields) => [fields[0], fields[1], fields.find((field) => field.startsWith('0x'))]),
    );
  });
});

const noCompiler = missingCompiler();
describe('a machine without Linux', unless(noCompiler), () => {
  it('is said to have none, and ends as ever', () => {
    using program = new CompiledProgram('-Wl,-Ttext-segment=0x40008000');
    const { stderr } = plinth('run', program.path, '--ps', '--limit-instructions', '10');
    expect(stderr).toContain('no processes: no Linux kernel with kallsyms is in memory');
    const { stdout } = plinth('run', program.path, '--ps', '--json', '--limit-instructions', '10');
    expect(JSON.parse(stdout)).toMatchObject({ processes: null, unknownSystem: expect.stringContaining('no Linux') });
  });
});
