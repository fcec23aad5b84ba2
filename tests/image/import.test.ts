// SPDX-License-Identifier: Apache-2.0
// `plinth image import` of a root file system made of the busybox of debian-mini, as a tar and as an OCI image folder,
// started in QEMU; and imports that must leave nothing behind. Needs root, apt and QEMU.

import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingUserNamespaces } from '../setup/namespaces.js';
import { ExecFrameParser } from '@plinth/cli';
import { withGuestFiles } from '@plinth/machine';

const PLINTH = join(import.meta.dirname, '../../packages/cli/bin/plinth.js');
const NAME = `test-import-${process.pid}`;
const MARKER = '0123456789abcdef0123456789abcdef';

function plinth(...args: string[]) {
  return spawnSync(process.execPath, [PLINTH, ...args], { encoding: 'utf8' });
}

function reasonToSkip(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can build an image with a disk';
  if (spawnSync('qemu-system-arm', ['--version']).status !== 0) return 'qemu-system-arm is not installed';
  const noNamespaces = missingUserNamespaces();
  if (noNamespaces !== undefined) return noNamespaces;
  const pulled = plinth('image', 'pull', 'debian-mini');
  return pulled.status === 0 ? undefined : `no guest image: ${pulled.stderr.trim().split('\n').at(-1) ?? ''}`;
}

const missing = reasonToSkip();

let directory: string;
let root: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'plinth-test-'));
  if (missing !== undefined) return;
  root = join(directory, 'root');
  for (const path of ['bin', 'etc', 'usr/lib']) mkdirSync(join(root, path), { recursive: true });
  copyFileSync(join(plinth('image', 'path', 'debian-mini').stdout.trim(), 'busybox'), join(root, 'bin/busybox'));
  spawnSync('chmod', ['755', join(root, 'bin/busybox')]);
  for (const name of ['sh', 'cat', 'ls', 'stat', 'mount', 'modprobe']) symlinkSync('busybox', join(root, 'bin', name));
  symlinkSync('usr/lib', join(root, 'lib'));
  writeFileSync(join(root, 'etc/owned'), 'mine\n', { mode: 0o640 });
  spawnSync('chown', ['12:34', join(root, 'etc/owned')]);
});
afterAll(() => {
  if (missing === undefined) plinth('image', 'rm', NAME);
  rmSync(directory, { recursive: true });
});

function tar(...args: string[]): string {
  const file = join(directory, 'root.tar');
  const result = spawnSync('tar', ['-cf', file, '-C', root, ...args], { encoding: 'utf8' });
  expect(result.stderr).toBe('');
  return file;
}

/** Runs a command in the image as `plinth run --exec` does, on a disk whose changes are forgotten. */
async function execute(command: string): Promise<{ output: string; errors: string; status: number | undefined }> {
  const image = plinth('image', 'path', NAME).stdout.trim();
  const initrd = join(directory, 'initrd');
  const initramfs = readFileSync(join(image, 'initramfs.cpio.gz'));
  writeFileSync(initrd, withGuestFiles(initramfs, { exec: { command, marker: MARKER } }));
  const options = ['-M', 'virt', '-cpu', 'cortex-a15', '-m', '256', '-nographic', '-nic', 'none', '-no-reboot'];
  options.push('-kernel', join(image, 'vmlinuz'), '-initrd', initrd);
  options.push('-append', 'console=ttyAMA0 quiet root=/dev/vda');
  options.push('-drive', `if=none,id=disk,format=raw,snapshot=on,file=${join(image, 'disk.img')}`);
  options.push('-device', 'virtio-blk-device,drive=disk');
  const child = spawn('qemu-system-arm', options, { stdio: ['ignore', 'pipe', 'inherit'] });
  const result = { output: '', errors: '' };
  const parser = new ExecFrameParser(MARKER, {
    output: (bytes) => (result.output += Buffer.from(bytes).toString('latin1')),
    errors: (bytes) => (result.errors += Buffer.from(bytes).toString('latin1')),
  });
  for await (const chunk of child.stdout) parser.push(chunk as Buffer);
  return { ...result, status: parser.exitStatus };
}

/** Of a process; others may be bringing images meanwhile. */
function leftovers(pid: number): string[] {
  const images = dirname(plinth('image', 'path', 'debian-mini').stdout.trim());
  return readdirSync(images).filter((name) => name.includes(`-${pid}-`) || name === NAME);
}

describe('plinth image import', () => {
  it('puts a kernel under a tar', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const result = plinth('image', 'import', NAME, tar('.'), '--size', '96M', '--force', '--json');
    expect(result.stderr).not.toMatch(/plinth: (?!warning: a package list is left out)/);
    const manifest = JSON.parse(result.stdout) as { disk: { bytes: number }; format: number };
    expect(manifest).toMatchObject({ format: 2, disk: { bytes: 96 * 1024 * 1024 } });
    const command =
      'stat -c "%u %g %a" /etc/owned; mount | cat | grep -c "^/dev/root\\|^/dev/vda"; modprobe virtiofs; exit 3';
    expect(await execute(command.replace('grep', 'busybox grep'))).toEqual({
      output: '12 34 640\n1\n',
      errors: '',
      status: 3,
    });
  });

  it('keeps what a command writes in the overlay, and only there', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const overlay = join(directory, 'overlay');
    const execute = (command: string, ...options: string[]) =>
      plinth('run', '--image', NAME, ...options, '--exec', command);
    const written = execute('echo kept >/etc/kept; busybox cat /etc/kept', '--overlay', overlay);
    expect(written).toMatchObject({ stdout: 'kept\n', status: 0 });
    expect(execute('cat /etc/kept', '--overlay', overlay)).toMatchObject({ stdout: 'kept\n', status: 0 });
    expect(execute('cat /etc/kept')).toMatchObject({ stdout: '', status: 1 });
  });

  it('puts a kernel under an OCI image, with a whiteout', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const layout = join(directory, 'oci');
    mkdirSync(join(layout, 'blobs/sha256'), { recursive: true });
    const blob = (mediaType: string, bytes: Uint8Array) => {
      const hash = createHash('sha256').update(bytes).digest('hex');
      writeFileSync(join(layout, 'blobs/sha256', hash), bytes);
      return { mediaType, digest: `sha256:${hash}`, size: bytes.length };
    };
    const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
    const layerType = 'application/vnd.oci.image.layer.v1.tar+gzip';
    const base = blob(layerType, gzipSync(readFileSync(tar('.'))));
    writeFileSync(join(root, '.wh.owned'), '');
    const upper = blob(layerType, gzipSync(readFileSync(tar('--transform=s,^,etc/,', '.wh.owned'))));
    rmSync(join(root, '.wh.owned'));
    const config = blob('application/vnd.oci.image.config.v1+json', json({ os: 'linux', architecture: 'arm' }));
    const manifest = blob('application/vnd.oci.image.manifest.v1+json', json({ config, layers: [base, upper] }));
    writeFileSync(join(layout, 'index.json'), json({ schemaVersion: 2, manifests: [manifest] }));
    const result = plinth('image', 'import', NAME, layout, '--size', '96M', '--force');
    expect(result.status, result.stderr).toBe(0);
    expect(await execute('ls /etc; ls -d /lib/modules/*/kernel')).toMatchObject({
      output: expect.stringMatching(/^\/lib\/modules\/.*\/kernel\n$/) as string,
      status: 0,
    });
    // The disk is sparse: what it takes is what it holds.
    const disk = statSync(join(plinth('image', 'path', NAME).stdout.trim(), 'disk.img'));
    expect(disk.blocks * 512).toBeLessThan(disk.size);
    expect(plinth('image', 'rm', NAME).stdout).toBe(`${NAME} removed\n`);
  });

  it.each([
    ['no such file', () => join(directory, 'absent.tar'), /cannot be read/],
    ['no tar', () => PLINTH, /no usable tar/],
    ['a cut tar', () => cut(tar('.')), /it is cut off/],
    ['another processor', () => tar('--transform=s,etc/owned,bin/sh,', './etc/owned'), /it has no program \/bin\/sh/],
    ['a name that leads out', () => tar('-P', '--transform=s,^./etc/owned,../../escaped,', './etc/owned'), /leads out/],
  ])('refuses %s with one line, and leaves nothing behind', (_name, path, message) => {
    if (missing !== undefined) return; // told by the others
    const result = plinth('image', 'import', NAME, path(), '--size', '96M');
    expect(result.status).toBe(2);
    const lines = result.stderr.split('\n').filter((line) => line.startsWith('plinth: '));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(message);
    expect(leftovers(result.pid)).toEqual([]);
  });
});

function cut(file: string): string {
  writeFileSync(file, readFileSync(file).subarray(0, 300_000));
  return file;
}
