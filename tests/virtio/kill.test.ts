// SPDX-License-Identifier: Apache-2.0
// `kill -9` while the guest writes: what the guest was told to be stored is on the disk, in a raw file and in an overlay,
// and its ext4 is as after a power cut: its journal brings it in order, and nothing else is wrong. One round of each;
// ten with PLINTH_LONG=1, each on the disk that the round before has left.

import { spawn, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDrives } from '@plinth/cli';
import { describe, expect, it } from 'vitest';
import { PLINTH } from '../boot/guest.js';
import { missingModules, VirtioGuest } from './guest.js';

const ROUNDS = process.env['PLINTH_LONG'] === '1' ? 10 : 1;
const MIB = 1024 * 1024;
const FILE_SYSTEM = 32 * MIB;
/** After the first line that tells of a stored block. */
const LONGEST_RUN = 5000;
const EXT4 = ['crc16', 'crc32c_generic', 'mbcache', 'jbd2', 'ext4'];

/**
 * Blocks of the first disk and files of the second one, by their number, which is told when they are stored. Between
 * them are writes that nobody waits for. The kernel hands its parameter `round` on as an environment variable.
 */
const COMMAND = `
exec >/dev/console
mkdir -p /mnt && mount -t ext4 /dev/vdb /mnt || { echo "no file system"; exit 1; }
n=0
while n=$((n + 1)); do
  printf '%-512s' "block $n in round $round." | dd of=/dev/vda bs=512 seek=$n conv=notrunc,fsync 2>/dev/null
  echo "block $n."
  head -c 20000 /dev/urandom >/mnt/unstored$((n % 7))
  echo "file $n in round $round." | dd of=/mnt/new conv=fsync 2>/dev/null && mv /mnt/new /mnt/$n && sync /mnt
  echo "file $n."
done
`;

async function reasonToSkip(): Promise<string | undefined> {
  for (const tool of ['mke2fs', 'e2fsck', 'debugfs']) {
    if (spawnSync(tool, ['-V']).status !== 0) return `${tool} is not installed (package e2fsprogs)`;
  }
  return missingModules(EXT4);
}

const missing = await reasonToSkip();

/** Runs the guest until some time after its first word of a stored file, kills the process, and gives all it said. */
async function runAndKill(options: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [PLINTH, 'run', ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('latin1').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const ended = new Promise((resolve) => child.once('close', resolve));
  while (!output.includes('file 1.')) {
    if (child.exitCode !== null) throw new Error(`ended by itself: ${errors}${output}`);
    await sleep(20);
  }
  await sleep(randomInt(LONGEST_RUN));
  child.kill('SIGKILL');
  await ended;
  expect(child.signalCode).toBe('SIGKILL');
  return output;
}

function lastTold(output: string, what: string): number {
  const told = [...output.matchAll(new RegExp(`${what} (\\d+)\\.\r?\n`, 'g'))].map((match) => Number(match[1]));
  expect(told.length).toBeGreaterThan(0);
  expect(told).toEqual(told.map((_, n) => n + 1));
  return told.length;
}

function tool(name: string, ...args: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(name, args, { encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

/** Copies what a guest would read from the disk. */
function contents(file: string, overlay: string | undefined): Buffer {
  const [disk] = openDrives([
    { file, readonly: true, snapshot: false, format: 'raw', ...(overlay === undefined ? {} : { overlay }) },
  ]);
  const bytes = Buffer.alloc(disk!.sectors * 512);
  disk!.read(0, bytes);
  disk!.close();
  return bytes;
}

describe('kill -9 while the guest writes', () => {
  it.for(['raw', 'overlay'])('loses only what was not flushed: %s', async (way, { skip }) => {
    skip(missing !== undefined, missing);
    using guest = new VirtioGuest(COMMAND, EXT4);
    const blocks = guest.file('blocks.img', new Uint8Array(4 * MIB));
    const files = guest.file('files.img', new Uint8Array(0));
    truncateSync(files, FILE_SYSTEM);
    expect(tool('mke2fs', '-q', '-F', '-t', 'ext4', files).status).toBe(0);
    const base = [blocks, files].map((file) => readFileSync(file));
    const overlayOf = (file: string): string | undefined => (way === 'overlay' ? `${file}.overlay` : undefined);
    const drive = (file: string): string[] => {
      const overlay = overlayOf(file);
      return ['--drive', `file=${file},format=raw${overlay === undefined ? '' : `,overlay=${overlay}`}`];
    };
    const linux = ['--kernel', guest.kernel, '--initrd', guest.initrd, '--memory', '128M'];
    for (let round = 1; round <= ROUNDS; round++) {
      const append = ['--append', `console=ttyAMA0 quiet cryptomgr.notests round=${round}`];
      const output = await runAndKill([...linux, ...append, ...drive(blocks), ...drive(files)]);
      const told = { blocks: lastTold(output, 'block'), files: lastTold(output, 'file') };
      console.log(`${way}, round ${round}: ${told.blocks} blocks and ${told.files} files were stored`);
      const stored = contents(blocks, overlayOf(blocks));
      for (let n = 1; n <= told.blocks; n++) {
        expect(stored.toString('latin1', n * 512, (n + 1) * 512)).toBe(`block ${n} in round ${round}.`.padEnd(512));
      }
      const copy = guest.file('copy.img', contents(files, overlayOf(files)));
      // The journal, as the next mount would; then nothing may be left to mend.
      expect(tool('e2fsck', '-y', '-E', 'journal_only', copy).status, `round ${round}`).toBeLessThanOrEqual(1);
      const checked = tool('e2fsck', '-f', '-n', copy);
      expect(checked.status, `round ${round}: ${checked.output}`).toBe(0);
      const out = guest.file('out');
      rmSync(out, { recursive: true, force: true });
      mkdirSync(out);
      expect(tool('debugfs', '-R', `rdump / ${out}`, copy).status).toBe(0);
      for (let n = 1; n <= told.files; n++) {
        expect(readFileSync(`${out}/${n}`, 'latin1')).toBe(`file ${n} in round ${round}.\n`);
      }
    }
    if (way === 'overlay') {
      expect([blocks, files].map((file, n) => readFileSync(file).equals(base[n]!))).toEqual([true, true]);
    }
  });
});
