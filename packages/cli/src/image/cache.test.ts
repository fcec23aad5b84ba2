// SPDX-License-Identifier: Apache-2.0
// Storing, reading, damaging and removing an image in a cache of the test's own.

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  cachedImageNames,
  findDamage,
  imageDirectory,
  readImageFile,
  readManifest,
  removeImage,
  storeImage,
} from './cache.js';
import { parseManifest } from './manifest.js';

const FILES = {
  vmlinuz: Buffer.from('packed'),
  Image: Buffer.from('unpacked'),
  'initramfs.cpio.gz': Buffer.from('files'),
  busybox: Buffer.from('program'),
  'vexpress-v2p-ca15-tc1.dtb': Buffer.from('tree'),
};
const DESCRIPTION = { name: 'debian-mini', recipe: 'r1', packages: [{ name: 'p', version: '1', sha256: 'x' }] };

let home: string;
const before = process.env['XDG_CACHE_HOME'];
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'plinth-test-'));
  process.env['XDG_CACHE_HOME'] = home;
});
afterEach(() => {
  rmSync(home, { recursive: true });
  if (before === undefined) delete process.env['XDG_CACHE_HOME'];
  else process.env['XDG_CACHE_HOME'] = before;
});

describe('image cache', async () => {
  it('gives back what was stored, and leaves nothing else behind', async () => {
    expect(readManifest('debian-mini')).toBeUndefined();
    await storeImage(DESCRIPTION, FILES);
    await storeImage({ ...DESCRIPTION, recipe: 'r2' }, FILES);
    const manifest = readManifest('debian-mini')!;
    expect(manifest).toMatchObject({ format: 1, ...DESCRIPTION, recipe: 'r2' });
    expect(Buffer.from(readImageFile(manifest, 'Image')).toString()).toBe('unpacked');
    expect(findDamage(manifest)).toBeUndefined();
    expect(cachedImageNames()).toEqual(['debian-mini']);
    expect(readdirSync(join(home, 'plinth', 'images'))).toEqual(['debian-mini']);
  });

  it('notices a changed and a missing file', async () => {
    const manifest = await storeImage(DESCRIPTION, FILES);
    writeFileSync(join(imageDirectory('debian-mini'), 'Image'), 'unpackeD');
    expect(() => readImageFile(manifest, 'Image')).toThrow('wrong SHA-256');
    expect(findDamage(manifest)?.message).toContain('run "plinth image pull debian-mini" to mend it');
    rmSync(join(imageDirectory('debian-mini'), 'Image'));
    expect(() => readImageFile(manifest, 'Image')).toThrow('missing');
  });

  it('removes an image once', async () => {
    await storeImage(DESCRIPTION, FILES);
    expect(removeImage('debian-mini')).toBe(true);
    expect(removeImage('debian-mini')).toBe(false);
  });

  it('understands only manifests of this version', async () => {
    const good = await storeImage(DESCRIPTION, FILES);
    expect(parseManifest(JSON.stringify(good), 'm')).toEqual(good);
    const bad = ['', '{', '[]', 'null', '{"format":2}', JSON.stringify({ ...good, packages: [{}] })];
    bad.push(
      JSON.stringify({ ...good, files: { ...good.files, Image: undefined } }),
      JSON.stringify({ ...good, name: 1 }),
    );
    for (const text of bad) expect(() => parseManifest(text, 'm'), text).toThrow(/^m: not a manifest of this version/);
  });
});
