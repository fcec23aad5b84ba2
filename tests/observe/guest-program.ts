// SPDX-License-Identifier: Apache-2.0
// Debian's kernel in this process, with a program of ours in its initial RAM disk, run to the end.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { concatenateArchives, type CpioEntry, Machine, planBoot, withGuestFiles, writeCpio } from '@plinth/machine';
import { plinth } from '../boot/guest.js';

export const LINUX_COMPILER = 'arm-linux-gnueabihf-gcc';
const MARKER = 'fedcba9876543210fedcba9876543210';
const RAM_SIZE = 128 * 1024 * 1024;
/** Instructions at a time, and more than any of these guests takes. */
const SLICE = 50_000_000;
const MOST = 8_000_000_000;

export function missingLinuxCompiler(): string | undefined {
  return spawnSync(LINUX_COMPILER, ['--version']).status === 0 ? undefined : `${LINUX_COMPILER} is not installed`;
}

/** A static program for the guest. */
function compileForLinux(source: string): Uint8Array {
  const directory = mkdtempSync(join(tmpdir(), 'plinth-test-'));
  try {
    const [from, to] = [join(directory, 'program.c'), join(directory, 'program')];
    writeFileSync(from, source);
    execFileSync(LINUX_COMPILER, ['-O1', '-static', '-o', to, from], { stdio: ['ignore', 'ignore', 'inherit'] });
    return readFileSync(to);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/**
 * Boots debian-mini's kernel and runs a shell command, for which the program is /program, if there is one. `watch` gets the machine before
 * it has run; its result is called when the guest has switched off. `slice` is asked before each slice how many instructions it
 * should have. Gives what the console printed.
 */
export function runProgram(
  source: string | undefined,
  command: string,
  watch: (machine: Machine) => () => void,
  options: { readonly cpus?: number; readonly slice?: () => number } = {},
): string {
  const image = plinth('image', 'path', 'debian-mini').stdout.trim();
  const files: CpioEntry[] = [];
  if (source !== undefined) files.push({ kind: 'file', path: 'program', mode: 0o755, data: compileForLinux(source) });
  const initramfs = readFileSync(join(image, 'initramfs.cpio.gz'));
  const init = withGuestFiles(initramfs, { exec: { command, marker: MARKER } });
  let console = '';
  const machine = new Machine({
    ramSize: RAM_SIZE,
    ...(options.cpus === undefined ? {} : { cpus: options.cpus }),
    onConsole: (byte) => (console += String.fromCharCode(byte)),
  });
  const boot = {
    kernel: { name: 'Image', bytes: readFileSync(join(image, 'Image')) },
    initrd: { name: 'initrd', bytes: concatenateArchives([init, writeCpio(files)]) },
    append: 'console=ttyAMA0 quiet',
  };
  machine.load(planBoot(machine.hardware, boot));
  const end = watch(machine);
  while (machine.count < MOST) {
    const { kind } = machine.run({ until: machine.count + (options.slice?.() ?? SLICE) });
    if (kind === 'shutdown' || kind === 'idle' || kind === 'reset') break;
  }
  end();
  return console.replaceAll('\r', '');
}
