// SPDX-License-Identifier: Apache-2.0
// A guest with Debian's C compiler whose root file system is in RAM, so that it needs no device: the initramfs of
// debian-mini with the compiler, the assembler and their libraries below /work.

import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { concatenateArchives, type CpioEntry, withGuestFiles, writeCpio } from '@plinth/machine';
import { plinth } from '../boot/guest.js';
import { treeDirectory } from './work-guest.js';

const MARKER = '0123456789abcdef0123456789abcdef';
const LIBRARIES = 'usr/lib/arm-linux-gnueabihf';
/** Of the tree: files, and directories as a whole. Names of libraries are beginnings. */
const PARTS = [
  'usr/lib/ld-linux-armhf.so.3',
  'usr/bin/gcc',
  'usr/bin/as',
  'usr/lib/gcc/arm-linux-gnueabihf/12/cc1',
  'usr/lib/gcc/arm-linux-gnueabihf/12/include',
  'usr/include',
  'usr/src/bzip2/bzlib.h',
  'usr/src/bzip2/bzlib_private.h',
  'usr/src/bzip2/huffman.c',
];
const LIBRARY_NAMES = /^(ld-linux-armhf|lib(bfd-[\d.]+-system|c|gmp|isl|m|mpc|mpfr|sframe|z|zstd))\.so/;
const EMPTY = ['work/tmp', 'work/dev', 'work/proc'];

/**
 * Prints the time before and after the compilation of a file of 200 lines, and the hash of what it gives. The guest then
 * switches off.
 */
const COMPILE = `cd /work
uptime() { read -r up idle </proc/uptime; echo "$1 $up"; }
uptime begin
chroot /work /usr/bin/gcc -O2 -c /usr/src/bzip2/huffman.c -o /tmp/huffman.o
uptime end
sha256sum tmp/huffman.o
`;

class Entries {
  readonly list: CpioEntry[] = [];
  readonly #known = new Set<string>();

  #directory(path: string): void {
    if (this.#known.has(path) || path === '.') return;
    this.#directory(dirname(path));
    this.#known.add(path);
    this.list.push({ kind: 'directory', path, mode: 0o755 });
  }

  /** A file, a directory with all that is in it, or a link with what it leads to. */
  add(tree: string, path: string): void {
    const target = `work/${path}`;
    if (this.#known.has(target)) return;
    const place = join(tree, path);
    const found = lstatSync(place);
    if (found.isDirectory()) {
      this.#directory(target);
      for (const name of readdirSync(place)) this.add(tree, `${path}/${name}`);
      return;
    }
    this.#directory(dirname(target));
    this.#known.add(target);
    if (found.isSymbolicLink()) {
      const leads = readlinkSync(place);
      this.list.push({ kind: 'symlink', path: target, target: leads });
      if (!leads.startsWith('/') && basename(leads) === leads) this.add(tree, join(dirname(path), leads));
      return;
    }
    this.list.push({ kind: 'file', path: target, mode: found.mode & 0o777, data: readFileSync(place) });
  }

  empty(path: string): void {
    this.#directory(path);
  }
}

/** A kernel and an initrd that compile; the files are gone with it. */
export class CompileGuest implements Disposable {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'plinth-test-'));
  readonly kernel: string;
  readonly initrd: string = join(this.directory, 'initrd');

  constructor() {
    const image = plinth('image', 'path', 'debian-mini').stdout.trim();
    this.kernel = join(image, 'Image');
    const tree = treeDirectory();
    const entries = new Entries();
    const libraries = readdirSync(join(tree, LIBRARIES)).filter((name) => LIBRARY_NAMES.test(name));
    for (const path of [...PARTS, ...libraries.map((name) => `${LIBRARIES}/${name}`)]) entries.add(tree, path);
    entries.list.push({ kind: 'symlink', path: 'work/lib', target: 'usr/lib' });
    for (const path of EMPTY) entries.empty(path);
    const initramfs = readFileSync(join(image, 'initramfs.cpio.gz'));
    const withCommand = withGuestFiles(initramfs, { exec: { command: COMPILE, marker: MARKER } });
    writeFileSync(this.initrd, concatenateArchives([withCommand, writeCpio(entries.list)]));
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true });
  }
}
