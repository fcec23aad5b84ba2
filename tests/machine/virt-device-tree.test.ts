// SPDX-License-Identifier: Apache-2.0
// Compares the device tree of the board `virt` with the one that QEMU makes, property by property, and has dtc read it.
// Skips itself without qemu-system-arm or dtc.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FdtNode, readFdt, virtBoard } from '@plinth/machine';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unless } from '../setup/skipping.js';

const missing = ['qemu-system-arm', 'dtc'].find((tool) => spawnSync(tool, ['--version']).error !== undefined);

/** Nodes of QEMU's board that ours does not have. */
const ABSENT = /^(platform-bus|fw-cfg|gpio-keys|pl061|pcie|flash|pmu|v2m|cpu-map)/;
/** Values that differ by right: random, or numbers that only need to agree within one tree. */
const FREE = new Set(['rng-seed', 'kaslr-seed', 'phandle', 'interrupt-parent', 'clocks']);

/** The tree as text, one property a line, sorted. */
function lines(node: FdtNode, path = ''): string[] {
  const own = [...node.properties].map(([name, value]) =>
    FREE.has(name) ? `${path}:${name}` : `${path}:${name}=${Buffer.from(value).toString('hex')}`,
  );
  const below = node.children.filter((child) => !ABSENT.test(child.name));
  return [...own, ...below.flatMap((child) => lines(child, `${path}/${child.name}`))].toSorted();
}

describe('the device tree of virt', unless(missing && `${missing} is not installed`), () => {
  let directory = '';
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'plinth-dt-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  it.each([1, 2, 8])('is QEMU’s with %i CPUs', (cpus) => {
    const file = join(directory, `${cpus}.dtb`);
    const machine = `virt,dumpdtb=${file}`;
    execFileSync(
      'qemu-system-arm',
      ['-M', machine, '-cpu', 'cortex-a15', '-smp', `${cpus}`, '-m', '512', '-nic', 'none'],
      {
        stdio: 'ignore',
      },
    );
    const theirs = readFdt(readFileSync(file), 'qemu.dtb');
    const ours = readFdt(
      virtBoard.deviceTree({
        ramSize: 512 * 1024 * 1024,
        cpus,
        rngSeed: new Uint8Array(32),
        kaslrSeed: new Uint8Array(8),
        virtioSlots: Array.from({ length: 32 }, (_, slot) => slot),
      }),
      'ours',
    );
    const cpuNames = /^\/cpus\/cpu@\d:phandle/;
    expect(lines(ours)).toEqual(lines(theirs).filter((line) => !cpuNames.test(line)));
  });

  it('is read by dtc without an error', () => {
    const blob = virtBoard.deviceTree({
      ramSize: 0x1000_0000,
      cpus: 1,
      bootArguments: 'console=ttyAMA0',
      initrd: { start: 0x4800_0000, end: 0x4900_0000 },
    });
    const dtc = spawnSync('dtc', ['-I', 'dtb', '-O', 'dts'], { input: blob, encoding: 'utf8' });
    expect(dtc.status).toBe(0);
    expect(dtc.stderr).not.toMatch(/ERROR|FATAL/);
    expect(dtc.stdout).toContain('linux,initrd-start = <0x48000000>;');
  });
});
