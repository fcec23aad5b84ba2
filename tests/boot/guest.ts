// SPDX-License-Identifier: Apache-2.0
// Runs the guest image in Plinth and in QEMU, and takes the output of one command out of either.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ExecFrameParser } from '@plinth/cli';
import { withGuestFiles } from '@plinth/machine';

export const PLINTH: string = join(import.meta.dirname, '../../packages/cli/bin/plinth.js');
const MARKER = '0123456789abcdef0123456789abcdef';
const HANG = 500_000;

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function plinth(...args: string[]): Outcome {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PLINTH, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1 << 26,
    timeout: HANG,
  });
  return { status, stdout, stderr };
}

/** The reason if the image cannot be had here; brings it if it is not cached. */
export function missingImage(): string | undefined {
  const { status, stderr } = plinth('image', 'pull', 'debian-mini');
  return status === 0 ? undefined : `no guest image: ${stderr.trim().split('\n').at(-1) ?? ''}`;
}

export function missingQemu(): string | undefined {
  return spawnSync('qemu-system-arm', ['--version']).status === 0 ? undefined : 'qemu-system-arm is not installed';
}

/** A kernel and an initrd whose init runs `command`, as files that any machine can start. */
export class KernelFiles implements Disposable {
  readonly #directory: string = mkdtempSync(join(tmpdir(), 'plinth-test-'));
  readonly #image: string;
  readonly initrd: string;

  constructor(command: string) {
    this.#image = plinth('image', 'path', 'debian-mini').stdout.trim();
    this.initrd = join(this.#directory, 'initrd');
    const initramfs = readFileSync(this.path('initramfs.cpio.gz'));
    writeFileSync(this.initrd, withGuestFiles(initramfs, { exec: { command, marker: MARKER } }));
  }

  path(file: 'vmlinuz' | 'Image' | 'initramfs.cpio.gz' | 'vexpress-v2p-ca15-tc1.dtb'): string {
    return join(this.#image, file);
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true });
  }
}

/** A file for `plinth run FILE`. */
export class GuestFile implements Disposable {
  readonly #directory: string = mkdtempSync(join(tmpdir(), 'plinth-test-'));
  readonly path: string = join(this.#directory, 'guest.yaml');

  constructor(text: string) {
    writeFileSync(this.path, text);
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true });
  }
}

/** The output of the guest's command on a console's bytes. */
export function commandOutput(console: string): string {
  let output = '';
  const parser = new ExecFrameParser(MARKER, {
    output: (bytes) => (output += Buffer.from(bytes).toString('latin1')),
    errors: () => undefined,
  });
  parser.push(Buffer.from(console, 'latin1'));
  return parser.phase === 'end' ? output : `no command in:\n${console}`;
}

/** A guest whose virtual time ran on while a loaded host had no time for QEMU; its story is not that of its machine. */
const STARVED = /rcu: INFO: \w+ (self-)?detected stall|kthread starved|soft lockup|clocksource: .* unstable/;
const ATTEMPTS = 3;

/** What QEMU's serial port prints until the guest switches off. */
export async function qemu(...args: string[]): Promise<string> {
  let text = '';
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const child = spawn('qemu-system-arm', ['-nographic', '-nic', 'none', '-no-reboot', ...args], {
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: HANG,
    });
    const chunks: Buffer[] = [];
    for await (const chunk of child.stdout) chunks.push(chunk as Buffer);
    text = Buffer.concat(chunks).toString('latin1');
    if (!STARVED.test(text)) break;
  }
  return text;
}
