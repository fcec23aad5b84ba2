// SPDX-License-Identifier: Apache-2.0
// Guests that have died, in the real GDB, which comes only then: a kernel after its panic, a kernel that hangs with
// interrupts off, and a program that does. The backtrace shows the function, and so does that of the core file.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Finding } from '@plinth/core';
import { afterAll, describe, expect, it } from 'vitest';
import { missingImage, plinth } from '../boot/guest.js';
import { DebuggedMachine, missingGdb } from './debugged.js';
import { GuestProgram, missingCompiler } from './program.js';

const folder = mkdtempSync(join(tmpdir(), 'plinth-crash-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = (name: string): string => join(folder, name);

/** Names of the functions of a backtrace, from the innermost out. */
function functions(lines: readonly string[]): string[] {
  return lines.flatMap((line) => /^#\d+ +(?:0x[0-9a-f]+ in )?(\w+) ?\(/.exec(line)?.[1] ?? []);
}

function ofCore(symbols: string, core: string): string[] {
  // Where it is, it says on opening the file, too.
  const commands = [`core-file ${core}`, 'echo opened\\n', 'backtrace'];
  const args = ['-nx', '-batch', symbols, ...commands.flatMap((command) => ['-ex', command])];
  const { stdout } = spawnSync('gdb-multiarch', args, { encoding: 'utf8' });
  return functions(stdout.split('opened\n')[1]?.split('\n') ?? []);
}

function findings(name: string): Finding[] {
  return readFileSync(path(name), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Finding)
    .filter(({ guard }) => guard === 'crash');
}

/** The functions in a finding's backtrace. */
function told({ evidence }: Finding): string[] {
  return (evidence['backtrace'] as string[]).map((frame) => /<(\w+)/.exec(frame)?.[1] ?? frame);
}

const LINUX = ['--image', 'debian-mini', '--append', 'panic=0', '--seed', '00', '--wall-clock', '0'];

describe('a program that hangs with interrupts off', () => {
  const missing = missingGdb() ?? missingCompiler();

  it('waits for GDB, goes on when it leaves, and is there for the next one', async ({ skip }) => {
    skip(missing !== undefined, missing);
    using program = new GuestProgram('crash-guest');
    const options = [
      '--on-crash',
      'pause',
      '--hang-seconds',
      '0.01',
      '--core',
      path('hang.core'),
      '--last-blocks',
      path('last'),
    ];
    await using machine = await DebuggedMachine.plinth(program.elf, ...options, '--events', path('hang.json'));
    expect(await machine.says('finding: CPU 0 hangs')).toBe(true);
    const session = ['backtrace', 'monitor info crash', 'monitor last-blocks 2', 'info symbol $pc', 'detach'];
    const shown = await machine.gdb(program.elf, session);
    expect(functions(shown)).toEqual(['spin_with_interrupts_off', 'driver_request', 'main']);
    expect(shown).toContainEqual(expect.stringMatching(/^CPU 0 hangs: an interrupt has waited for/));
    expect(shown.filter((line) => /cpu 0 A32 0x[0-9a-f]{8} <spin_with_interrupts_off/.test(line))).toHaveLength(2);
    // It hangs on, and nothing new is told.
    const again = await machine.gdb(program.elf, ['backtrace', 'monitor info crash', 'kill']);
    expect(functions(again)).toEqual(['spin_with_interrupts_off', 'driver_request', 'main']);
    expect(again).toContain('the machine does not stand for a crash');
    expect(await machine.end()).toBe(1);
    expect(ofCore(program.elf, path('hang.core'))).toEqual(functions(shown));
    const [finding, ...more] = findings('hang.json');
    expect(more).toEqual([]);
    // The program has no unwind tables: beyond the caller they would be needed.
    expect([finding!.rule, told(finding!)]).toEqual(['hang', ['spin_with_interrupts_off', 'driver_request']]);
    const blocks = readFileSync(path('last'), 'utf8').trimEnd().split('\n');
    expect(blocks).toHaveLength(10_000);
    expect(JSON.parse(blocks.at(-1)!)).toMatchObject({ cpu: 0, thumb: false });
  });

  it('is gone back from, and found once', async ({ skip }) => {
    skip(missing !== undefined, missing);
    using program = new GuestProgram('crash-guest');
    const options = ['--on-crash', 'pause', '--hang-seconds', '0.01', '--reverse', '--events', path('back.json')];
    await using machine = await DebuggedMachine.plinth(program.elf, ...options);
    expect(await machine.says('finding: CPU 0 hangs')).toBe(true);
    const back = ['break driver_request', 'reverse-continue', 'backtrace', 'delete', 'continue', 'info symbol $pc'];
    const shown = await machine.gdb(program.elf, ['monitor last-blocks 2', ...back, 'monitor last-blocks 2', 'kill']);
    expect(functions(shown)).toEqual(['driver_request', 'main']);
    expect(shown).toContain('No more reverse-execution history.');
    const blocks = shown.filter((line) => /^ *\d+ cpu 0 A32/.test(line));
    expect(blocks).toHaveLength(4);
    expect(blocks.slice(2)).toEqual(blocks.slice(0, 2));
    expect(findings('back.json')).toHaveLength(1);
  });

  it('stops under a debugger that is there', async ({ skip }) => {
    skip(missing !== undefined, missing);
    using program = new GuestProgram('crash-guest');
    const options = ['--on-crash', 'pause', '--hang-seconds', '0.01', '--paused'];
    await using machine = await DebuggedMachine.plinth(program.elf, ...options);
    const shown = await machine.gdb(program.elf, ['continue', 'print $_exitcode', 'info threads', 'kill']);
    expect(shown).toContain('Program received signal SIGABRT, Aborted.');
    expect(shown).toContainEqual(expect.stringMatching(/^CPU 0 hangs: /));
  });

  it('is the same finding in both engines, in a recording and in its replay', ({ skip }) => {
    skip(missing !== undefined, missing);
    using program = new GuestProgram('crash-guest');
    const limits = ['--hang-seconds', '0.01', '--limit-instructions', '6_000_000', '--json'];
    const run = (...more: string[]): Finding[] =>
      JSON.parse(plinth('run', program.elf, ...limits, ...more).stdout).findings;
    const plain = ({ time, ...rest }: Finding): object => ({ ...rest, instruction: time.instruction });
    const [interpreter, translator] = ['interpreter', 'translator'].map((engine) => run('--engine', engine).map(plain));
    expect(interpreter).toHaveLength(1);
    expect(translator).toEqual(interpreter);
    expect(run('--record', path('hang.rec')).map(plain)).toEqual(interpreter);
    for (const engine of ['interpreter', 'translator']) {
      const replay = JSON.parse(plinth('replay', path('hang.rec'), '--engine', engine, '--json').stdout);
      expect([replay.agrees, replay.findings.map(plain)]).toEqual([true, interpreter]);
    }
  });
});

describe('the last blocks', () => {
  const missing = missingGdb() ?? missingCompiler();

  it('are in a replay what they were in the run, at its end and before', async ({ skip }) => {
    skip(missing !== undefined, missing);
    using program = new GuestProgram('crash-guest');
    const end = ['--limit-instructions', '2_000_000'];
    plinth('run', program.elf, ...end, '--last-blocks', path('run.blocks'), '--last-blocks-count', '50');
    plinth('record', program.elf, ...end, '-o', path('blocks.rec'));
    const blocks = readFileSync(path('run.blocks'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { instruction: number; address: string });
    expect(blocks).toHaveLength(50);
    await using machine = await DebuggedMachine.replay(path('blocks.rec'));
    const back = Array.from({ length: 20 }, () => 'reverse-stepi');
    const session = ['continue', 'monitor last-blocks 40', 'echo before\\n', ...back, 'monitor last-blocks 5', 'kill'];
    const lines = (await machine.gdb(program.elf, session)).join('\n').split('before');
    const shown = lines.map((text) =>
      Array.from(text.matchAll(/^ *(\d+) cpu 0 A32 (0x[0-9a-f]{8})/gm), ([, instruction, address]) => ({
        instruction: Number(instruction),
        address,
      })),
    );
    const told = blocks.map(({ instruction, address }) => ({ instruction, address }));
    expect(shown[0]).toEqual(told.slice(-40));
    const earlier = told.filter(({ instruction }) => instruction < 2_000_000 - 20);
    expect(shown[1]).toEqual(earlier.slice(-5));
    expect(machine.errors).not.toContain('differs');
  });

  it('of a live machine are kept when that is asked for', async ({ skip }) => {
    skip(missing !== undefined, missing);
    using program = new GuestProgram('crash-guest');
    await using machine = await DebuggedMachine.plinth(program.elf, '--paused');
    const session = ['monitor last-blocks', 'monitor last-blocks on', 'tbreak driver_request', 'continue'];
    const more = ['monitor last-blocks 2', 'monitor last-blocks 0', 'monitor last-blocks off', 'kill'];
    const lines = await machine.gdb(program.elf, [...session, ...more]);
    expect(lines.filter((line) => /last-blocks|blocks are kept|^ *\d+ cpu/.test(line))).toEqual([
      expect.stringContaining('last-blocks: none are kept'),
      'the last 10000 blocks are kept',
      expect.stringMatching(/^ *\d+ cpu 0 A32 0x[0-9a-f]{8} <main\+0x/),
      expect.stringMatching(/^ *\d+ cpu 0 A32 0x[0-9a-f]{8} <driver_request>$/),
      'last-blocks: "0" is no number from 1 to 131072',
      'no blocks are kept',
    ]);
  });
});

describe('Debian’s kernel', () => {
  const missing = missingGdb() ?? missingImage();

  it('is looked at after its panic', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const crash = 'echo 1 > /proc/sys/kernel/sysrq; echo c > /proc/sysrq-trigger';
    const files = ['--core', path('panic.core'), '--kernel-symbols', path('kernel'), '--events', path('panic.json')];
    await using machine = await DebuggedMachine.plinth(...LINUX, '--exec', crash, '--on-crash', 'pause', ...files);
    expect(await machine.says('finding: the kernel panics: sysrq triggered crash')).toBe(true);
    const shown = functions(await machine.gdb(path('kernel'), ['backtrace', 'kill']));
    expect(shown.slice(0, 4)).toEqual(['panic', 'sysrq_handle_crash', '__handle_sysrq', 'write_sysrq_trigger']);
    expect(shown).toContain('ksys_write');
    expect(await machine.end()).toBe(1);
    expect(ofCore(path('kernel'), path('panic.core'))).toEqual(shown);
    const [finding] = findings('panic.json');
    expect(finding).toMatchObject({ rule: 'panic', severity: 'critical', verdict: 'stop' });
    expect(finding!.evidence).toMatchObject({
      symbol: 'panic',
      message: 'sysrq triggered crash',
      process: { name: 'sh' },
    });
    expect(told(finding!).slice(0, 6)).toEqual(shown.slice(0, 6));
  });

  it('is looked at when one of its functions hangs with interrupts off', async ({ skip }) => {
    skip(missing !== undefined, missing);
    // What a broken driver would do, put in the place of a function: cpsid if; add r12, r12, #1; b .-4
    writeFileSync(
      path('hang.ts'),
      `export default (probes, { symbols }) => symbols.whenKnown(() => {
        const place = symbols.address('cmdline_proc_show');
        const probe = probes.function(place, { entry: ({ cpu }) => {
          cpu.write(place, new Uint8Array(Uint32Array.of(0xf10c00c0, 0xe28cc001, 0xeafffffd).buffer));
          probe.remove();
        } });
      });`,
    );
    const files = ['--core', path('stuck.core'), '--kernel-symbols', path('kernel'), '--events', path('stuck.json')];
    const options = ['--exec', 'cat /proc/cmdline', '--probe', path('hang.ts'), '--hang-seconds', '0.1'];
    await using machine = await DebuggedMachine.plinth(...LINUX, ...options, '--on-crash', 'pause', ...files);
    expect(await machine.says('finding: CPU 0 hangs')).toBe(true);
    const shown = functions(await machine.gdb(path('kernel'), ['backtrace', 'kill']));
    expect(shown[0]).toBe('cmdline_proc_show');
    expect(shown).toContain('seq_read_iter');
    expect(await machine.end()).toBe(1);
    expect(ofCore(path('kernel'), path('stuck.core'))).toEqual(shown);
    const [finding, ...more] = findings('stuck.json');
    expect(more).toEqual([]);
    expect(finding).toMatchObject({ rule: 'hang', evidence: { process: { name: 'cat' } } });
    expect(told(finding!)[0]).toBe('cmdline_proc_show');
  });

  it('goes on after an oops, which is told', ({ skip }) => {
    skip(missing !== undefined, missing);
    // A null pointer in a function of the kernel that holds no lock.
    writeFileSync(
      path('oops.ts'),
      `export default (probes, { symbols }) => symbols.whenKnown(() => {
        const probe = probes.function(symbols.address('ksys_sync'), { entry: ({ cpu }) => {
          probe.remove();
          cpu.inject({ kind: 'data-abort', address: 8, status: 5 });
        } });
      });`,
    );
    const command = ['--exec', 'sync; echo went on'];
    const options = ['--probe', path('oops.ts'), '--on-crash', 'stop', '--events', path('oops.json')];
    const { status, stdout, stderr } = plinth('run', ...LINUX, ...command, ...options);
    // What the kernel says of it is on the console, too.
    expect([status, stdout.endsWith('\nwent on\n')]).toEqual([1, true]);
    expect(stderr).toContain('plinth: finding: the kernel has an oops: Oops\n');
    const [finding, ...more] = findings('oops.json');
    expect(more).toEqual([]);
    expect(finding).toMatchObject({
      rule: 'oops',
      severity: 'medium',
      verdict: 'report',
      evidence: { symbol: 'die', process: { name: 'sync' }, lastException: { kind: 'data-abort' } },
    });
    expect(told(finding!)).toContain('ksys_sync');
  });

  it('has nothing to be told of while it boots, works and switches off', ({ skip }) => {
    skip(missing !== undefined, missing);
    const work = 'for n in 1 2 3; do cat /proc/kallsyms | md5sum; done; sleep 8';
    for (const cpus of ['1', '2']) {
      const run = ['run', ...LINUX, '--cold', '--cpus', cpus, '--exec', work, '--on-crash', 'report', '--json'];
      const { status, stdout } = plinth(...run);
      const result = JSON.parse(stdout) as { findings: Finding[] };
      expect([status, result.findings.filter(({ guard }) => guard === 'crash')]).toEqual([0, []]);
    }
  });
});
