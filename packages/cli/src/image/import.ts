// SPDX-License-Identifier: Apache-2.0
// `plinth image import`: a root file system from elsewhere, as a tar or as an OCI image layout, with Debian's kernel put
// under it. Its archives are merged and judged in memory (root-tree.ts) before anything is unpacked.

import { spawn } from 'node:child_process';
import { closeSync, createReadStream, createWriteStream, openSync, readSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { PlinthError } from '@plinth/core';
import { cacheWriteFailure, reasonOf } from '../host/reason.js';
import { runInNamespace } from '../host/namespace.js';
import type { Progress } from '../host/progress.js';
import { PrivateApt } from './apt.js';
import { makeWorkDirectory, packagesDirectory, storeImage } from './cache.js';
import { origin } from './debian-mini.js';
import { DISK_RECIPE } from './disk-initramfs.js';
import { HostTools } from './host-tools.js';
import type { ToolName } from './host-tools.js';
import { prepareKernel } from './kernel-kit.js';
import { checkDiskScript, DEFAULT_DISK_SIZE, diskEnvironment, MAKE_DISK } from './make-disk.js';
import type { Manifest } from './manifest.js';
import { checkLayer, readOciLayout } from './oci-layout.js';
import { RootTree } from './root-tree.js';
import { readTar } from './tar-reader.js';
import type { TarMember } from './tar-reader.js';
import { writeTar } from './tar-writer.js';

/** An archive in the tree: opened, decompressed. */
interface Layer {
  readonly descriptor: number;
  readonly name: string;
}

const UNPACK_SCRIPT = `
set -eu
umask 022
chmod 755 "$ROOT"
tar -x -p -f "$ARCHIVE" -C "$ROOT" --numeric-owner --xattrs --xattrs-include=security.capability
cp -R "$MODULES/lib/modules/." "$ROOT/$MODULES_TARGET/"
${MAKE_DISK}`;

const EM_ARM = 40;

/** `name` has been checked. */
export async function importImage(
  name: string,
  path: string,
  progress: Progress,
  diskSize: number = DEFAULT_DISK_SIZE,
): Promise<Manifest> {
  const oci = isDirectory(path);
  const sources = oci ? readOciLayout(path) : [{ file: path }];
  using tools = new HostTools(progress);
  const work = makeWorkDirectory();
  const disk = join(work, 'disk.img');
  const environment = diskEnvironment(join(work, 'root'), disk, diskSize, await tools.find('mke2fs'));
  const layers: Layer[] = [];
  try {
    const tree = new RootTree();
    for (const [index, source] of sources.entries()) {
      progress.step(`Reading ${basename(source.file)}`);
      if ('digest' in source) await checkLayer(source);
      const file = await decompress(source.file, join(work, `layer-${index}.tar`), 2 * diskSize, tools);
      const layer = { descriptor: openSync(file, 'r'), name: source.file };
      layers.push(layer);
      tree.apply(readTar(readFrom(layer), source.file), index, source.file, oci);
    }
    if (tree.devices > 0) progress.warn(`${tree.devices} device nodes are left out: the guest's kernel makes its own`);
    checkProcessor(tree, layers, path);
    tree.apply(neededDirectories(tree), layers.length, path, false);
    const archive = join(work, 'root.tar');
    progress.step('Merging');
    await pipeline(
      Readable.from(writeTar(tree.entries(), (layer, offset, length) => readFrom(layers[layer])(offset, length))),
      createWriteStream(archive),
    ).catch((cause: unknown) => {
      if (cause instanceof PlinthError) throw cause;
      throw cacheWriteFailure(archive, cause);
    });
    for (const index of sources.keys()) rmSync(join(work, `layer-${index}.tar`), { force: true });
    using apt = new PrivateApt('armhf', progress, { archives: packagesDirectory() });
    progress.step("Reading Debian's package lists for armhf");
    await apt.update();
    const kernel = await prepareKernel(apt, tools, work, progress);
    progress.step('Making the disk');
    const result = await runInNamespace(UNPACK_SCRIPT, {
      environment: {
        ...environment,
        ARCHIVE: archive,
        MODULES: kernel.modules,
        MODULES_TARGET: tree.realPath('lib/modules'),
      },
      onLine: () => undefined,
    });
    checkDiskScript(result, name);
    progress.step('Checking the image');
    const manifest = await storeImage(
      { name, recipe: DISK_RECIPE, packages: kernel.packages.map(origin), source: basename(path), ...session(oci) },
      kernel.files,
      disk,
    );
    progress.done();
    return manifest;
  } finally {
    for (const { descriptor } of layers) closeSync(descriptor);
    rmSync(work, { recursive: true, force: true });
  }
}

/** What stands in a container is no system that could be started: the console gets a shell in it. */
function session(oci: boolean): { append?: string } {
  return oci ? { append: 'init=shell' } : {};
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (cause) {
    throw new PlinthError('input', 'import', `${path}: cannot be read: ${reasonOf(cause)}`, { cause });
  }
}

/** Reads at a place of a layer; what we added ourselves has no data. */
function readFrom(layer: Layer | undefined): (offset: number, length: number) => Uint8Array {
  return (offset, length) => {
    if (layer === undefined) return new Uint8Array(0);
    const bytes = Buffer.alloc(length);
    return bytes.subarray(0, readSync(layer.descriptor, bytes, 0, length, offset));
  };
}

const COMPRESSIONS: readonly (readonly [magic: string, program: ToolName | 'gzip'])[] = [
  ['1f8b', 'gzip'],
  ['fd377a585a00', 'xz'],
  ['28b52ffd', 'zstd'],
];

/** The plain archive: `path` itself, or `target` after unpacking it there. More than `limit` bytes are refused. */
async function decompress(path: string, target: string, limit: number, tools: HostTools): Promise<string> {
  const head = await firstBytes(path);
  const program = COMPRESSIONS.find(([magic]) => head.startsWith(magic))?.[1];
  if (program === undefined) return path;
  let length = 0;
  const count = new Transform({
    transform(chunk: Buffer, _encoding, done): void {
      length += chunk.length;
      if (length <= limit) done(null, chunk);
      else
        done(new PlinthError('input', 'import', `${path}: unpacks to more than twice the size of the disk (--size)`));
    },
  });
  const output = createWriteStream(target);
  try {
    if (program === 'gzip') {
      await pipeline(createReadStream(path), createGunzip(), count, output);
      return target;
    }
    const tool = await tools.find(program);
    const child = spawn(tool.path, ['-dc', path], {
      env: { ...process.env, LD_LIBRARY_PATH: tool.libraries },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const ended = new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (status) => resolve(status ?? 1));
    });
    await pipeline(child.stdout, count, output);
    if ((await ended) !== 0) throw new Error(`${program} finds it damaged`);
    return target;
  } catch (cause) {
    if (cause instanceof PlinthError) throw cause;
    if ((cause as NodeJS.ErrnoException).code === 'ENOSPC') throw cacheWriteFailure(target, cause);
    throw new PlinthError('input', 'import', `${path}: cannot be decompressed: ${(cause as Error).message}`, { cause });
  }
}

async function firstBytes(path: string): Promise<string> {
  try {
    for await (const chunk of createReadStream(path, { end: 7 })) return (chunk as Buffer).toString('hex');
    return '';
  } catch (cause) {
    throw new PlinthError('input', 'import', `${path}: cannot be read: ${reasonOf(cause)}`, { cause });
  }
}

/** A root file system of another architecture would only show as a shell that cannot be executed. */
function checkProcessor(tree: RootTree, layers: readonly Layer[], path: string): void {
  for (const name of ['bin/sh', 'bin/busybox', 'sbin/init', 'usr/bin/env']) {
    const found = tree.lookup(name);
    if (found?.kind !== 'file') continue;
    const head = Buffer.from(readFrom(layers[found.layer])(found.member.offset, 20));
    if (head.length < 20 || head.toString('latin1', 0, 4) !== '\x7fELF') continue;
    if (head[4] === 1 && head.readUInt16LE(18) === EM_ARM) return;
    throw new PlinthError('input', 'import', `${path}: its ${name} is for another processor, not for 32-bit ARM`);
  }
  throw new PlinthError('input', 'import', `${path}: no root file system: it has no program /bin/sh`);
}

/** Places that the kernel's file systems are mounted on, and that of the modules. */
function* neededDirectories(tree: RootTree): Generator<TarMember> {
  for (const path of ['dev', 'proc', 'sys', 'run', 'tmp', 'lib/modules']) {
    if (tree.lookup(path)?.kind === 'directory') continue;
    const mode = path === 'tmp' ? 0o1777 : 0o755;
    yield { path, kind: 'directory', mode, uid: 0, gid: 0, mtime: 0, target: '', offset: 0, size: 0 };
  }
}
