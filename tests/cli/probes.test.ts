// SPDX-License-Identifier: Apache-2.0
// Probe files of the user's: what they get, and what becomes of those that cannot be loaded, throw or stop the machine.

import { afterAll, describe, expect, it } from 'vitest';
import { unless } from '../setup/skipping.js';
import { missingImage } from '../boot/guest.js';
import { PlinthFolder } from './plinth-folder.js';

const folder = new PlinthFolder();
afterAll(() => folder[Symbol.dispose]());
const { plinth } = folder;

const file = (name: string, ...lines: readonly string[]): string => folder.file(name, `${lines.join('\n')}\n`);

// loop: add r0, r0, #1; str r0, [pc, #-12]; b loop
const kernel = folder.kernel('kernel', 0xe2800001, 0xe50f000c, 0xeafffffc);
const RUN = ['run', '--kernel', kernel, '--limit-instructions', '30000'];

describe('a probe file', () => {
  it('in TypeScript imports others, has options, prints and ends with the run', () => {
    file('helper.ts', 'export type Count = { n: number };', 'export function bump(count: Count): void { count.n++; }');
    const probe = file(
      'probe.ts',
      "import type { ProbeFile } from '@plinth/observe';",
      "import { bump, type Count } from './helper.ts';",
      "import { bump as same } from './helper.js';",
      "import { matchesGlob } from '@plinth/observe';",
      'const begin: ProbeFile = (probes, { emit, print, options }) => {',
      '  const count: Count = { n: 0 };',
      '  if (bump !== same || !matchesGlob("abc", "a*")) throw new Error("loaded twice");',
      "  probes.exception(() => bump(count), ['undefined']);",
      '  const all = probes.instruction({ first: 0, last: 0xffff_ffff });',
      '  return () => { print(`end of ${options["what"]}`); emit({ exceptions: count.n, all: all.hits }); };',
      '};',
      'export default begin;',
    );
    const printed = plinth(...RUN, '--probe', `${probe},what=it`);
    expect(printed.stderr).toContain('end of it\n{"exceptions":0,"all":30000}\n');
    expect([printed.status, printed.stdout]).toEqual([1, '']);
    const kept = plinth(...RUN, '--probe', `${probe},what=it`, '--probe-output', 'lines');
    expect(kept.stderr).toBe('plinth: stopped at the limit of --limit-instructions\n');
    expect(folder.read('lines')).toBe('end of it\n{"exceptions":0,"all":30000}\n');
  });

  it('in JavaScript, and several of them, leave the run as it is', () => {
    const probe = file('probe.mjs', 'export default (probes) => { probes.countBlocks(); };');
    const hash = (...more: string[]): unknown =>
      JSON.parse(plinth(...RUN, '--json', '--seed', '00', '--wall-clock', '0', ...more).stdout).stateHash;
    expect(hash('--probe', probe, '--probe', probe)).toBe(hash());
  });

  it('that throws in a listener ends the run with a finding that says where', () => {
    const probe = file(
      'throws.ts',
      'export default (probes: any) => {',
      '  probes.instruction({ first: 0, last: 0xffff_ffff }, ({ cpu }: any) => {',
      '    if (cpu.count > 1000) cpu.absent();',
      '  });',
      '};',
    );
    for (const engine of ['interpreter', 'translator']) {
      const { status, stderr } = plinth(...RUN, '--engine', engine, '--probe', probe);
      expect(stderr).toBe('plinth: finding: throws.ts:3: cpu.absent is not a function\n');
      expect(status).toBe(1);
    }
  });

  it('that stops the machine ends the run there', () => {
    const probe = file('stops.mjs', "export default (probes) => { probes.instruction({ first: 0, last: -1 >>> 0 }, ({ cpu }) => cpu.count === 500 ? 'stop' : 7); };"); // prettier-ignore
    const { status, stdout } = plinth(...RUN, '--probe', probe, '--json');
    const { counts, findings } = JSON.parse(stdout);
    expect([status, counts.instructions, findings[0].rule]).toEqual([1, 499, 'probe-stop']);
  });

  it('that throws at the end is told', () => {
    const probe = file('late.mjs', 'export default () => () => {', "  throw new Error('too late');", '};');
    const { status, stderr } = plinth(...RUN, '--probe', probe);
    expect(stderr).toContain('finding: late.mjs:2: too late\n');
    expect(status).toBe(1);
  });

  it.each<[string, string[], string]>([
    ['syntax.ts', ['const a = 1;', 'const b: number = (;'], 'syntax.ts:2: Expression expected'],
    ['syntax.mjs', ['const a = 1;', 'const b = (;'], 'syntax.mjs:2: Expression expected'],
    ['enum.ts', ['enum A { a }', 'export default () => A.a;'], 'enum.ts:1: TypeScript enum is not supported'],
    ['absent.ts', ["import './nowhere.ts';"], 'absent.ts'],
    ['empty.ts', ['export const a = 1;'], 'empty.ts: it has no function as its default export'],
    ['early.ts', ['export default () => {', '  null!.x;', '};'], 'early.ts:2: Cannot read properties of null'],
  ])('%s that cannot be used is one line', (name, lines, part) => {
    const { status, stdout, stderr } = plinth(...RUN, '--probe', file(name, ...lines));
    expect(stderr).toMatch(/^plinth: probe: [^\n]*\n$/);
    expect(stderr).toContain(part);
    expect([status, stdout]).toEqual([2, '']);
  });

  it('and its option in the wrong place are one line', () => {
    const probe = file('none.mjs', 'export default () => {};');
    const endless = file('prints.mjs', 'export default (p, { print }) => { p.instruction({ first: 0, last: -1 >>> 0 }, () => print("x".repeat(99))); };'); // prettier-ignore
    for (const [status, part, ...args] of [
      [2, 'probe: nowhere.ts: there is no such file', '--probe', 'nowhere.ts'],
      [2, 'probe: .: this is no file', '--probe', '.'],
      [2, '"loud" is no option: write key=value', '--probe', `${probe},loud`],
      [2, 'a is given twice', '--probe', `${probe},a=1,a=2`],
      [2, 'not together with lockstep', '--probe', probe, '--lockstep'],
      [2, 'probe-output: needs probe', '--probe-output', 'x'],
      [2, 'probe-output: /proc/absent/x: cannot be written', '--probe', probe, '--probe-output', '/proc/absent/x'],
      [
        3,
        'probe-output: /dev/full: cannot be written: the host’s disk is full',
        '--probe',
        endless,
        '--probe-output',
        '/dev/full',
      ],
    ] as const) {
      const result = plinth(...RUN, ...args);
      expect(result.stderr).toMatch(/^plinth: [^\n]*\n$/);
      expect(result.stderr).toContain(part);
      expect(result.status).toBe(status);
    }
  });
});

it('probes are not for several guests at once', () => {
  const probe = file('one.mjs', 'export default () => {};');
  file('a.yaml', 'kernel: kernel');
  file('b.yaml', 'kernel: kernel');
  const { status, stderr } = plinth('run', 'a.yaml', 'b.yaml', '--probe', probe);
  expect([status, stderr]).toEqual([2, 'plinth: probe: not for one of several guests: run it alone\n']);
});

describe('plinth probe init', () => {
  it('writes a file, never over another', () => {
    expect(plinth('probe', 'init', 'fresh.ts')).toMatchObject({ status: 0, stderr: '' });
    const again = plinth('probe', 'init', 'fresh.ts');
    expect([again.status, again.stderr]).toEqual([
      2,
      'plinth: fresh.ts: there is such a file already, and it is left as it is\n',
    ]);
    expect(plinth('probe', 'init', 'absent/fresh.ts').status).toBe(2);
  });

  const missing = missingImage();
  if (missing !== undefined) console.log(`tests/cli/probes: template skipped: ${missing}`);
  it('which tells of debian-mini what happens there', unless(missing), () => {
    plinth('probe', 'init', 'template.ts');
    const { status, stdout, stderr } = plinth(
      'run', '--image', 'debian-mini', '--exec', 'cat /etc/passwd', '--probe', 'template.ts,file=passwd', '--probe-output', 'told',
    ); // prettier-ignore
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain('root');
    const told = folder.read('told');
    expect(told).toMatch(/^\d+ ns: opens \/etc\/passwd$/m);
    expect(told).toMatch(/^hottest blocks:\n( +\d+ \w+(\+0x[0-9a-f]+)?\n){5}/m);
    const [, calls, faults, interrupts, bytes] = /^(\d+) system calls, (\d+) faults, (\d+) interrupts, (\d+) bytes/m.exec(told) ?? []; // prettier-ignore
    for (const count of [calls, faults, interrupts, bytes]) expect(Number(count)).toBeGreaterThan(100);
    expect(told).toMatch(/^vfs_read has read [1-9]\d* bytes$/m);
    expect(told).toMatch(/^uart0: [1-9]\d* accesses$/m);
  });
});
