// SPDX-License-Identifier: Apache-2.0
// The image `debian`: a pull that is killed leaves no half image, the next one completes it, and what comes of it reaches
// a login in QEMU with no failed unit, the host's packages being what they were. In a cache of its own, so that the user's
// image stays as it is and others can use it meanwhile. Needs root, apt and QEMU; minutes.

import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheDirectory } from '@plinth/cli';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingUserNamespaces } from '../setup/namespaces.js';

const PLINTH = join(import.meta.dirname, '../../packages/cli/bin/plinth.js');

const cache = mkdtempSync(join(tmpdir(), 'plinth-test-'));
const images = join(cache, 'plinth/images');
const environment = { ...process.env, XDG_CACHE_HOME: cache };

function plinth(...args: string[]) {
  return spawnSync(process.execPath, [PLINTH, ...args], { encoding: 'utf8', env: environment });
}

function reasonToSkip(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can build an image with a disk';
  if (spawnSync('qemu-system-arm', ['--version']).status !== 0) return 'qemu-system-arm is not installed';
  return missingUserNamespaces();
}

const missing = reasonToSkip();

/** What must not change: installed packages, architectures, known emulators. */
function hostState(): string {
  const formats = readdirSync('/proc/sys/fs/binfmt_misc');
  const architectures = spawnSync('dpkg', ['--print-foreign-architectures'], { encoding: 'utf8' }).stdout;
  return [readFileSync('/var/lib/dpkg/status', 'utf8'), architectures, ...formats].join('\n');
}

/** What was downloaded before need not be again. */
beforeAll(() => {
  if (missing !== undefined) return;
  for (const name of ['packages', 'tools']) {
    const from = join(cacheDirectory(), name);
    if (existsSync(from)) cpSync(from, join(cache, 'plinth', name), { recursive: true, verbatimSymlinks: true });
  }
});
afterAll(() => rmSync(cache, { recursive: true }));

describe('image debian', () => {
  it('is not there in halves after kill -9, and is complete after the next pull', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const before = hostState();
    const child = spawn(process.execPath, [PLINTH, 'image', 'pull', 'debian'], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: environment,
    });
    let steps = '';
    child.stderr.on('data', (chunk: Buffer) => (steps += chunk.toString()));
    const ended = new Promise((resolve) => child.once('close', resolve));
    while (!steps.includes('Configuring') && child.exitCode === null) await sleep(50);
    expect(child.exitCode, steps).toBeNull();
    child.kill('SIGKILL');
    await ended;
    expect(readdirSync(images)).not.toContain('debian');
    const result = plinth('image', 'pull', 'debian');
    expect(result.status, result.stderr).toBe(0);
    expect(readdirSync(images).filter((name) => name.includes('-build-'))).toEqual([]);
    expect(hostState()).toBe(before);
  });

  it('reaches a login without a failed unit, and switches off', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const image = plinth('image', 'path', 'debian').stdout.trim();
    const options = ['-M', 'virt', '-cpu', 'cortex-a15', '-m', '512', '-nographic', '-no-reboot'];
    options.push('-kernel', join(image, 'vmlinuz'), '-initrd', join(image, 'initramfs.cpio.gz'));
    options.push('-append', 'console=ttyAMA0 root=/dev/vda');
    options.push('-netdev', 'user,id=net', '-device', 'virtio-net-device,netdev=net');
    options.push('-drive', `if=none,id=disk,format=raw,snapshot=on,file=${join(image, 'disk.img')}`);
    options.push('-device', 'virtio-blk-device,drive=disk');
    const child = spawn('qemu-system-arm', options, { stdio: ['pipe', 'pipe', 'inherit'] });
    let seen = '';
    child.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString('latin1')));
    const ended = new Promise((resolve) => child.once('close', resolve));
    const until = async (text: string): Promise<void> => {
      while (!seen.includes(text)) {
        if (child.exitCode !== null) throw new Error(`QEMU ended before "${text}" was seen in:\n${seen}`);
        await sleep(50);
      }
      seen = seen.slice(seen.indexOf(text));
    };
    await until('plinth login: ');
    child.stdin.write('root\n');
    await until('root@plinth:~# ');
    child.stdin.write('systemctl is-system-running --wait; systemctl --failed --no-legend | wc -l\n');
    await until('running\r\n0\r\n');
    child.stdin.write('networkctl --no-legend list | grep -c routable; passwd --status root\n');
    await until('1\r\nroot L ');
    child.stdin.write('poweroff\n');
    await until('reboot: Power down');
    await ended;
    expect(child.exitCode).toBe(0);
  });
});
