// SPDX-License-Identifier: Apache-2.0
// Images of squashfs for tests, and programs in one file that have them: nothing is compressed, so that names in their tables can be made
// what no file system would have.

import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileSource, readBundle, writeBundle } from '@plinth/sandbox';

/** Of a superblock (Documentation/filesystems/squashfs.rst of Linux 6.16): the first of its tables, and its own size. */
const INODE_TABLE_AT = 64;
export const SUPERBLOCK_BYTES = 96;

/** Why there are no images, or nothing. */
export function whyNoImages(): string | undefined {
  return spawnSync('mksquashfs', ['-version']).error === undefined ? undefined : 'package squashfs-tools is needed';
}

/** What lies in a directory. `nodes` are definitions of pseudo files as mksquashfs has them. */
export function makeImage(directory: string, image: string, nodes: readonly string[] = []): Uint8Array {
  const plain = ['-noI', '-noD', '-noF', '-noX', '-all-root', '-noappend', '-quiet', '-no-progress'];
  const names = readdirSync(directory).map((name) => join(directory, name));
  const more = nodes.flatMap((node) => ['-p', node]);
  execFileSync('mksquashfs', [...names, image, '-keep-as-directory', '-comp', 'zstd', ...plain, ...more], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return readFileSync(image);
}

/** Where its tables begin; data of files lie before. */
export function tablesAt(image: Uint8Array): number {
  return Number(Buffer.from(image).readBigUInt64LE(INODE_TABLE_AT));
}

/** A copy in which each of these texts of its tables is another one, of the same length. */
export function renamed(image: Uint8Array, names: Readonly<Record<string, string>>): Uint8Array {
  const copy = Buffer.from(image);
  for (const [from, to] of Object.entries(names)) {
    let found = 0;
    for (let at = copy.indexOf(from, tablesAt(image)); at >= 0; at = copy.indexOf(from, at + 1)) {
      copy.write(to, at, 'latin1');
      found++;
    }
    if (found === 0) throw new Error(`there is no ${from} in the image`);
  }
  return copy;
}

/** Another program in one file, as `template` in all but its images, the oldest first. */
export function writeWithImages(template: string, images: readonly Uint8Array[], output: string): void {
  using source = new FileSource(template);
  const { manifest, footer } = readBundle(source, template);
  const { layers: _, ...rest } = manifest;
  const pieces = images.map((bytes, n) => {
    const path = `${output}.image-${n}`;
    writeFileSync(path, bytes);
    return { path };
  });
  const fd = openSync(output, 'w', 0o755);
  writeBundle(fd, { manifest: rest, tools: { path: template, section: footer.tools }, layers: pieces });
  closeSync(fd);
}
