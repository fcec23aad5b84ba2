// SPDX-License-Identifier: Apache-2.0
// The guest image in QEMU: what it does there it has to do in our machine too. Brings the image if it is not cached.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ExecFrameParser } from '@plinth/cli';
import { withGuestFiles } from '@plinth/machine';

const PLINTH = join(import.meta.dirname, '../../packages/cli/bin/plinth.js');
const MARKER = '0123456789abcdef0123456789abcdef';

const missing =
  spawnSync('qemu-system-arm', ['--version']).status === 0 ? pullImage() : 'qemu-system-arm is not installed';

/** The reason if the image cannot be had here. */
function pullImage(): string | undefined {
  const result = spawnSync(process.execPath, [PLINTH, 'image', 'pull', 'debian-mini'], { encoding: 'utf8' });
  return result.status === 0 ? undefined : `no guest image: ${result.stderr.trim().split('\n').at(-1) ?? ''}`;
}

let directory: string;
let image: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'plinth-test-'));
  if (missing !== undefined) return;
  image = spawnSync(process.execPath, [PLINTH, 'image', 'path', 'debian-mini'], { encoding: 'utf8' }).stdout.trim();
});
afterAll(() => rmSync(directory, { recursive: true }));

function qemu(initrd: string, append: string) {
  const options = ['-M', 'virt', '-cpu', 'cortex-a15', '-m', '256', '-nographic', '-nic', 'none', '-no-reboot'];
  options.push('-kernel', join(image, 'vmlinuz'), '-initrd', initrd, '-append', `console=ttyAMA0 quiet ${append}`);
  return spawn('qemu-system-arm', options, { stdio: ['pipe', 'pipe', 'inherit'] });
}

/** Runs a command as `plinth run --exec` does. */
async function execute(command: string): Promise<{ output: string; errors: string; status: number | undefined }> {
  const initrd = join(directory, 'initrd');
  const initramfs = readFileSync(join(image, 'initramfs.cpio.gz'));
  writeFileSync(initrd, withGuestFiles(initramfs, { exec: { command, marker: MARKER } }));
  const result = { output: '', errors: '' };
  const parser = new ExecFrameParser(MARKER, {
    output: (bytes) => (result.output += Buffer.from(bytes).toString('latin1')),
    errors: (bytes) => (result.errors += Buffer.from(bytes).toString('latin1')),
  });
  const child = qemu(initrd, '');
  child.stdin.end();
  for await (const chunk of child.stdout) parser.push(chunk as Buffer);
  return { ...result, status: parser.exitStatus };
}

describe('debian-mini in QEMU', (): void => {
  it('runs a command, byte for byte, and tells its status', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const command = String.raw`uname -m && nproc && echo $((6*7)); printf 'a\r\n\000\377end'; echo oops >&2; exit 3`;
    expect(await execute(command)).toEqual({
      output: 'armv7l\n1\n42\na\r\n\0\xffend',
      errors: 'oops\n',
      status: 3,
    });
  });

  it('does not wait for what the command leaves running, and gives it no terminal', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const command = `setsid sh -c 'trap "" HUP TERM; while :; do sleep 1; done' & test -t 1 || echo pipe; seq 20000 | tail -n 1`;
    expect(await execute(command)).toEqual({ output: 'pipe\n20000\n', errors: '', status: 0 });
  });

  it('passes much output on whole', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const { output, status } = await execute('seq 30000');
    expect(status).toBe(0);
    expect(output).toBe(Array.from({ length: 30000 }, (_, i) => `${i + 1}\n`).join(''));
  });

  it('gives a login shell with a terminal: Ctrl-C ends the program, exit switches off', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const initrd = join(directory, 'initrd-shell');
    const initramfs = readFileSync(join(image, 'initramfs.cpio.gz'));
    writeFileSync(initrd, withGuestFiles(initramfs, { size: { rows: 43, columns: 132 } }));
    const child = qemu(initrd, '');
    let seen = '';
    child.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString('latin1')));
    const ended = new Promise((resolve) => child.once('close', resolve));
    const until = async (text: string): Promise<void> => {
      while (!seen.includes(text)) {
        if (child.exitCode !== null) throw new Error(`QEMU ended before "${text}" was seen in:\n${seen}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    await until('plinth:~# ');
    // What says that it has started is in the terminal's foreground: a shell that only begins to start a program is not
    // ended by Ctrl-C, and the program neither.
    child.stdin.write("stty size; sh -c 'echo started; exec sleep 1000'\n");
    await until('\r\n43 132\r\nstarted\r\n');
    // Ctrl-C throws away what the terminal has not read yet: the next line waits for the prompt.
    seen = '';
    child.stdin.write('\x03');
    await until('plinth:~# ');
    child.stdin.write('echo after-$?\n');
    await until('\r\nafter-130\r\n');
    child.stdin.write('exit\n');
    await ended;
    expect(child.exitCode).toBe(0);
  });
});
