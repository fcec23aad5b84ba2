// SPDX-License-Identifier: Apache-2.0
// Coverage, profile and trace of runs: each file as a reader of its published format takes it, the run as it is without, and
// in Debian's kernel what must be in them.

import { spawnSync } from 'node:child_process';
import { afterAll, describe, expect, it } from 'vitest';
import { unless } from '../setup/skipping.js';
import { missingImage } from '../boot/guest.js';
import { PlinthFolder } from '../cli/plinth-folder.js';

const folder = new PlinthFolder();
afterAll(() => folder[Symbol.dispose]());
const { plinth } = folder;

interface Coverage {
  readonly modules: readonly { readonly base: number; readonly end: number; readonly path: string }[];
  readonly blocks: readonly { readonly start: number; readonly size: number; readonly module: number }[];
}

/** The format as DynamoRIO's documentation of drcov has it, read strictly. */
function readDrcov(name: string): Coverage {
  const bytes = folder.bytes(name);
  let at = 0;
  const line = (): string => {
    const end = bytes.indexOf('\n', at);
    const text = bytes.toString('utf8', at, end);
    at = end + 1;
    return text;
  };
  expect([line(), line()]).toEqual(['DRCOV VERSION: 2', 'DRCOV FLAVOR: drcov']);
  const count = Number(/^Module Table: version 2, count (\d+)$/.exec(line())![1]);
  expect(line()).toBe('Columns: id, base, end, entry, path');
  const modules = Array.from({ length: count }, (_, n) => {
    const [id, base, end, entry, path] = line().trim().split(', ');
    expect([Number(id), Number(entry) >= 0]).toEqual([n, true]);
    return { base: Number(base), end: Number(end), path: path! };
  });
  const blocks = Number(/^BB Table: (\d+) bbs$/.exec(line())![1]);
  expect(bytes.length - at).toBe(8 * blocks);
  return {
    modules,
    blocks: Array.from({ length: blocks }, (_, n) => ({
      start: bytes.readUInt32LE(at + 8 * n),
      size: bytes.readUInt16LE(at + 8 * n + 4),
      module: bytes.readUInt16LE(at + 8 * n + 6),
    })),
  };
}

interface TraceEvent {
  readonly name: string;
  readonly cat?: string;
  readonly ph: string;
  readonly ts?: number;
  readonly dur?: number;
  readonly pid: number;
  readonly tid: number;
  readonly args?: Readonly<Record<string, string>>;
}

/** What the Trace Event Format asks of each kind of event; B and E nest by thread. */
function readTrace(name: string): TraceEvent[] {
  const events = JSON.parse(folder.read(name)) as TraceEvent[];
  const open = new Map<number, string[]>();
  for (const { name: what, ph, ts, dur, pid, tid, args } of events) {
    expect(what.length).toBeGreaterThan(0);
    for (const number of [pid, tid, ph === 'M' ? 0 : ts, ph === 'X' ? dur : 0])
      expect(number).toBeGreaterThanOrEqual(0);
    if (ph === 'M') expect(args?.['name']).toBeTypeOf('string');
    const names = open.get(tid) ?? [];
    open.set(tid, names);
    if (ph === 'B') names.push(what);
    else if (ph === 'E') expect(names.pop()).toBe(what);
    else expect(['M', 'X', 'i']).toContain(ph);
  }
  return events;
}

// mov r2, #0; loop: add r2, #1; str r2, [pc, #4080]; cmp r2, #100; bne loop; end: b end
const kernel = folder.kernel('kernel', 0xe3a02000, 0xe2822001, 0xe58f2ff0, 0xe3520064, 0x1afffffb, 0xeafffffe);
const RUN = ['run', '--kernel', kernel, '--limit-instructions', '30000', '--seed', '00', '--wall-clock', '0'];

describe('exports of a small run', () => {
  it('have its blocks with their sizes', () => {
    expect(plinth(...RUN, '--coverage', 'coverage').status).toBe(1);
    const { modules, blocks } = readDrcov('coverage');
    expect(modules.map(({ path }) => path)).toEqual(['[other]']);
    const [first] = blocks;
    const sizes = blocks.map(({ start, size }) => [start - first!.start, size]);
    // The first block runs into the loop's, which is entered again behind its first instruction; last a jump to itself.
    expect(sizes).toEqual([
      [0, 20],
      [4, 16],
      [20, 4],
    ]);
  });

  it('leave the run as it is, in every engine', () => {
    for (const engine of ['interpreter', 'translator']) {
      const hash = (...more: string[]): unknown =>
        JSON.parse(plinth(...RUN, '--engine', engine, '--json', ...more).stdout).stateHash;
      expect(hash('--coverage', 'c', '--profile', 'p', '--profile-interval', '7', '--trace', 't')).toBe(hash());
    }
  });

  it('have a sample at every so many instructions', () => {
    plinth(...RUN, '--profile', 'profile', '--profile-interval', '100');
    const counts = folder
      .read('profile')
      .trimEnd()
      .split('\n')
      .map((line) => Number(/^\S+ (\d+)$/.exec(line)![1]));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(300);
  });

  it('are one line if their files cannot be written, or their options do not fit', () => {
    for (const [status, part, ...args] of [
      [2, 'coverage: /proc/absent/x: cannot be written: there is no such file', '--coverage', '/proc/absent/x'],
      [2, 'profile: /proc/absent/x: cannot be written', '--profile', '/proc/absent/x'],
      [2, 'trace: /proc/absent/x: cannot be written', '--trace', '/proc/absent/x'],
      [3, 'coverage: /dev/full: cannot be written: the host’s disk is full', '--coverage', '/dev/full'],
      [
        3,
        'profile: /dev/full: cannot be written: the host’s disk is full',
        '--profile',
        '/dev/full',
        '--profile-interval',
        '9',
      ],
      [3, 'trace: /dev/full: cannot be written: the host’s disk is full', '--trace', '/dev/full'],
      [2, 'trace-function: needs trace', '--trace-function', 'x'],
      [2, 'profile-interval: needs profile', '--profile-interval', '5'],
      [2, 'profile-interval: a whole number of instructions', '--profile', 'p', '--profile-interval', '0.5'],
      [2, 'coverage: not together with lockstep', '--coverage', 'c', '--lockstep'],
    ] as const) {
      const result = plinth(...RUN, ...args);
      expect(result.stderr).toMatch(/^plinth: [^\n]*\n$/);
      expect(result.stderr).toContain(part);
      expect(result.status).toBe(status);
    }
  });
});

describe('plinth top', () => {
  it('tells as JSON what the machine is busy with, and leaves the run as it is', () => {
    const run = [
      ...RUN.slice(0, -6),
      '--limit-instructions',
      '300_000_000',
      '--seed',
      '00',
      '--wall-clock',
      '0',
      '--json',
    ];
    const { status, stdout } = plinth(...run, '--engine', 'interpreter', '--top');
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const result = lines.pop();
    expect(status).toBe(1);
    expect(result.stateHash).toBe(JSON.parse(plinth(...run).stdout).stateHash);
    for (const report of lines) {
      expect(report.instructions).toBeLessThanOrEqual(300_000_000);
      expect(report.processes).toBe(null);
      for (const { share } of report.functions) expect(share).toBeLessThanOrEqual(1);
    }
  });

  it('needs a terminal or --json', () => {
    const { status, stdout, stderr } = plinth('top', ...RUN.slice(1));
    expect([status, stdout, stderr]).toEqual([
      2,
      '',
      'plinth: top: needs a terminal, or --json for a line of JSON a second\n',
    ]);
  });
});

const missing = missingImage();

describe('exports of Debian’s kernel', unless(missing), () => {
  it('have what it has done', () => {
    const run = ['run', '--image', 'debian-mini', '--cold', '--exec', 'cat /etc/passwd', '--seed', '00', '--wall-clock', '0', '--json']; // prettier-ignore
    const { status, stdout, stderr } = plinth(...run, '--coverage', 'c', '--profile', 'p', '--trace', 't', '--trace-function', 'vfs_*'); // prettier-ignore
    expect([status, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout).stateHash).toBe(JSON.parse(plinth(...run).stdout).stateHash);

    const { modules, blocks } = readDrcov('c');
    expect(modules[0]!.path).toBe('vmlinux');
    const inKernel = blocks.filter(({ module }) => module === 0);
    expect(inKernel.length).toBeGreaterThan(20_000);
    expect(inKernel.every(({ start, size }) => size > 0 && start + size <= modules[0]!.end - modules[0]!.base)).toBe(
      true,
    );

    const stacks = folder.read('p').trimEnd().split('\n');
    for (const stack of stacks) expect(stack).toMatch(/^[^;\s]+(;[^;\s]+)* \d+$/);
    // From a process through a fault and through a system call, and from the kernel's first thread.
    expect(stacks.some((stack) => /;__[pd]abt_usr;do_(Prefetch|Data)Abort;do_page_fault;handle_mm_fault/.test(stack))).toBe(true); // prettier-ignore
    expect(stacks.some((stack) => /;sys_execve;/.test(stack))).toBe(true);
    expect(stacks.some((stack) => /^swapper\/0;(.*;)?kernel_init_freeable;do_one_initcall;/.test(stack))).toBe(true);

    const events = readTrace('t');
    const names = (cat: string): Set<string> =>
      new Set(events.filter((event) => event.cat === cat).map(({ name }) => name));
    for (const call of ['execve', 'openat', 'read', 'write', 'mmap2']) expect(names('syscall')).toContain(call);
    for (const exception of ['irq', 'data-abort', 'prefetch-abort']) expect(names('exception')).toContain(exception);
    for (const name of ['vfs_read', 'vfs_write']) expect(names('function')).toContain(name);
    const opened = events.find(({ name, args }) => name === 'openat' && args?.['text']?.includes('/etc/passwd'))!;
    const inside = events.filter(({ name, ph, ts, tid }) => name === 'vfs_open' && ph === 'B' && tid === opened.tid && ts! > opened.ts! && ts! < opened.ts! + opened.dur!); // prettier-ignore
    expect(inside.length).toBeGreaterThan(0);
  });
});

const noCompiler =
  spawnSync('arm-none-eabi-gcc', ['--version']).status === 0 ? undefined : 'arm-none-eabi-gcc is not installed';

describe('exports of a program', unless(noCompiler), () => {
  it('name its functions, with their callers by its unwind tables', () => {
    folder.file(
      'program.c',
      `__attribute__((noinline)) int leaf(int n) { int s = 0; for (volatile int i = 0; i < n; i++) s += i; return s; }
       __attribute__((noinline)) int middle(int n) { return leaf(n) + leaf(2 * n); }
       void __aeabi_unwind_cpp_pr0(void) {}
       void __aeabi_unwind_cpp_pr1(void) {}
       int main(void) { int s = 0; for (int i = 0; i < 100; i++) s += middle(10); return s; }
       __attribute__((naked, target("arm"))) void _start(void) {
         __asm__("ldr sp, =0x40100000; bl main; mov r0, #0x18; ldr r1, =0x20026; svc 0x123456"); }`,
    );
    for (const mode of ['-marm', '-mthumb']) {
      const flags = [mode, '-O1', '-funwind-tables', '-mcpu=cortex-a15', '-nostdlib', '-Ttext=0x40008000'];
      expect(
        spawnSync('arm-none-eabi-gcc', [...flags, 'program.c', '-o', 'program.elf'], { cwd: folder.path }).status,
      ).toBe(0);
      const outputs = [
        '--coverage',
        'c',
        '--profile',
        'p',
        '--profile-interval',
        '37',
        '--trace',
        't',
        '--trace-function',
        'm*',
      ];
      const { stderr, status } = plinth(
        'run',
        'program.elf',
        '--semihosting',
        ...outputs,
        '--limit-instructions',
        '100000',
      );
      expect([mode, status, stderr]).toEqual([mode, 0, '']);
      const stacks = folder.read('p').trimEnd().split('\n');
      const share = (pattern: RegExp): number =>
        stacks.reduce((sum, stack) => sum + (pattern.test(stack) ? Number(stack.split(' ')[1]) : 0), 0);
      expect(share(/^_start;main;middle;leaf \d+$/) / share(/./)).toBeGreaterThan(0.8);
      const { modules, blocks } = readDrcov('c');
      expect(modules[0]!.path).toBe('program.elf');
      expect(blocks.length).toBeGreaterThan(5);
      const calls = readTrace('t').filter(({ name }) => name === 'middle');
      expect(calls.filter(({ ph }) => ph === 'B').length).toBe(100);
      expect(calls.filter(({ ph }) => ph === 'E').length).toBe(100);
    }
  });
});
