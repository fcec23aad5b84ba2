// SPDX-License-Identifier: Apache-2.0
// The core file of a machine in the real GDB: of a program that was stopped in the middle, and of a kernel after its panic.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { missingImage, plinth } from '../boot/guest.js';
import { missingGdb } from './debugged.js';
import { GuestProgram, missingCompiler } from './program.js';

const folder = mkdtempSync(join(tmpdir(), 'plinth-core-'));
afterAll(() => rmSync(folder, { recursive: true }));

function gdb(...commands: string[]): string {
  const args = ['-nx', '-batch', ...commands.flatMap((command) => ['-ex', command])];
  const { stdout, stderr } = spawnSync('gdb-multiarch', args, { encoding: 'utf8' });
  return stdout + stderr;
}

describe('a core file', () => {
  const missing = missingGdb() ?? missingCompiler();

  it('shows where a program stood, its variables and its stack', ({ skip }) => {
    skip(missing !== undefined, missing);
    using program = new GuestProgram();
    const core = join(folder, 'program.core');
    const run = ['run', program.elf, '--semihosting', '--limit-instructions', '300', '--core', core];
    expect(plinth(...run).stderr).toContain('--limit-instructions');
    const registers = ['print $d0', 'print $d1', 'print $d31', 'print $fpscr'];
    const shown = gdb(
      `file ${program.elf}`,
      `core-file ${core}`,
      'info threads',
      'backtrace',
      'print counter',
      ...registers,
    );
    expect(shown).toMatch(/^\* 1 +LWP 1/m);
    expect(shown).toMatch(/#\d .*\bmain \(\)/);
    expect(shown).toMatch(/^\$1 = \d+$/m);
    // product = scale(1.5, 4.0)
    expect(shown).toMatch(/^\$2 = 6\n\$3 = 4\n\$4 = 0\n\$5 = 0$/m);
  });

  it('has holes where RAM has nothing, and registers of a kernel in panic', ({ skip }) => {
    const noGuest = missingGdb() ?? missingImage();
    skip(noGuest !== undefined, noGuest);
    const core = join(folder, 'panic.core');
    const crash = 'echo 1 > /proc/sys/kernel/sysrq; echo c > /proc/sysrq-trigger';
    const limit = ['--limit-seconds', '120', '--limit-instructions', '2000000000'];
    plinth('run', '--image', 'debian-mini', '--append', 'panic=0', '--exec', crash, '--core', core, ...limit);
    const { size, blocks } = statSync(core);
    expect(size).toBeGreaterThan(256 * 1024 * 1024);
    expect(blocks * 512).toBeLessThan(size / 2);
    const shown = gdb(`core-file ${core}`, 'info registers pc cpsr', 'x/i $pc');
    expect(shown).toMatch(/^pc +0xc[0-9a-f]{7}/m);
    expect(shown).toMatch(/^=> 0xc[0-9a-f]{7}:\t\w/m);
  });

  it('that cannot be written is told in one line before the run', () => {
    const { status, stderr } = plinth(
      'run',
      '--image',
      'debian-mini',
      '--exec',
      'true',
      '--core',
      '/proc/nowhere/core',
    );
    expect([status, stderr.split('\n').length]).toEqual([2, 2]);
    expect(stderr).toContain('core: /proc/nowhere/core: cannot be written');
  });
});
