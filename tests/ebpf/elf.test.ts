// SPDX-License-Identifier: Apache-2.0
// Object files: bpftool loads what is written here, and what is read back is what was written.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PlinthError } from '@plinth/core';
import { type ProgramObject, readProgramObject, writeProgramObject } from '@plinth/ebpf';
import { describe, expect, it } from 'vitest';
import { whyNoNamespaces } from '../setup/namespaces.js';
import { unless } from '../setup/skipping.js';
import { Random } from '../fuzz/random.js';
import { whyNoKernel } from './kernel-here.js';
import { randomProgram } from './random-program.js';
import { scanProgram } from './scan-program.js';

const text = (value: string): Uint8Array => Uint8Array.from(value, (char) => char.charCodeAt(0));

function scanObject(): ProgramObject {
  const scan = scanProgram(
    ['attack', 'SELECT', 'or', 'union all'].map((value) => ({ bytes: text(value), nocase: true })),
  );
  return { programs: [scan.program], contents: new Map([[scan.tablesMap.name, scan.tables.bytes]]) };
}

describe('an object file', () => {
  it('gives back the programs, maps and contents that it was written from', () => {
    const object = scanObject();
    const read = readProgramObject(writeProgramObject(object), 'scan.o');
    const [written, back] = [object.programs[0]!, read.programs[0]!];
    expect({ ...back, maps: [], references: [], instructions: [] }).toEqual({
      ...written,
      maps: [],
      references: [],
      instructions: [],
    });
    expect(back.references).toEqual(written.references);
    const bare = (list: typeof written.maps): unknown[] =>
      list.map((map) => ({ ...map, flags: map.flags ?? 0 })).sort((a, b) => (a.name < b.name ? -1 : 1));
    expect(bare(back.maps)).toEqual(bare(written.maps));
    expect(read.contents.get('tables')).toEqual(object.contents.get('tables'));
    // The same again, byte for byte.
    expect(writeProgramObject(read).length).toBe(writeProgramObject(object).length);
  });

  it('that is cut or damaged is a value or one typed error', () => {
    const whole = writeProgramObject({
      programs: [randomProgram(new Random(1), 10), scanObject().programs[0]!],
      contents: new Map(),
    });
    const attempt = (bytes: Uint8Array): void => {
      try {
        expect(readProgramObject(bytes, 'damaged.o').programs.length).toBeGreaterThan(0);
      } catch (error) {
        expect(error).toBeInstanceOf(PlinthError);
        expect((error as PlinthError).kind).toBe('input');
      }
    };
    const random = new Random(7);
    for (let n = 0; n < 2000; n++) attempt(whole.subarray(0, random.below(whole.length)));
    for (let n = 0; n < 6000; n++) {
      const bytes = whole.slice();
      // Where the structure is: the headers and the end of the file.
      for (let k = 0; k <= random.below(4); k++) {
        const at = random.chance(0.5) ? random.below(bytes.length) : bytes.length - 1 - random.below(2000);
        bytes[at] = random.below(256);
      }
      attempt(bytes);
    }
  });

  const reason =
    whyNoKernel('tests/ebpf/elf.test.ts: bpftool') ??
    whyNoNamespaces() ??
    (spawnSync('bpftool', ['version']).status === 0 ? undefined : 'bpftool is not installed');
  it('is loaded by bpftool', unless(reason), () => {
    const folder = mkdtempSync(join(tmpdir(), 'plinth-elf-'));
    const file = join(folder, 'scan.o');
    const pins = join(folder, 'pins');
    mkdirSync(pins);
    writeFileSync(file, writeProgramObject(scanObject()));
    // A BPF file system of its own, which goes with the shell.
    const script = `mount -t bpf bpf "$1" && bpftool prog load "$0" "$1/scan" && bpftool -j prog show pinned "$1/scan" && bpftool prog dump xlated pinned "$1/scan"`;
    const run = spawnSync('unshare', ['--mount', 'sh', '-c', script, file, pins], { encoding: 'utf8' });
    expect(readdirSync(pins)).toEqual([]);
    rmSync(folder, { recursive: true });
    expect(run.status, run.stderr).toBe(0);
    expect(JSON.parse(run.stdout.split('\n')[0]!)).toMatchObject({ type: 'sched_cls', name: 'scan' });
    expect(run.stdout).toContain('call bpf_skb_load_bytes');
  });
});
