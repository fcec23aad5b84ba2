// SPDX-License-Identifier: Apache-2.0
// A program in one file, written and read again, damaged in many ways.

import { generateKeyPairSync } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PlinthError } from '@plinth/core';
import { type ByteSource, readBundle, verifyBundle } from './bundle.js';
import { FOOTER_BYTES, readFooter } from './footer.js';
import { type BundleManifest, parseIsolation, parseManifest } from './manifest.js';
import { type BundleParts, writeBundle } from './write-bundle.js';

const MANIFEST: Omit<BundleManifest, 'layers'> = {
  format: 1,
  name: 'demo',
  version: '1.0',
  created: '2026-01-01T00:00:00.000Z',
  architecture: 'x86-64',
  entry: '/usr/bin/demo',
  arguments: ['--quiet', "it's"],
  environment: { DEMO_HOME: '{config}/demo' },
  isolation: { '{home}': 'write-copy', '/srv': 'hidden', '/home/shared/x': 'merged' },
  others: 'write-copy',
  network: 'host',
  display: false,
  state: 'user',
  packages: [{ name: 'demo', version: '1.0', sha256: 'ab' }],
  tools: [],
};
const KEY = generateKeyPairSync('ed25519');

class Bytes implements ByteSource {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get size(): number {
    return this.bytes.length;
  }

  read(offset: number, length: number): Uint8Array {
    return this.bytes.subarray(offset, Math.max(offset, offset + length));
  }
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'plinth-bundle-'));
  writeFileSync(join(folder, 'tools'), 'tools of it');
  writeFileSync(join(folder, 'first'), Buffer.alloc(5000, 1));
  writeFileSync(join(folder, 'second'), Buffer.alloc(1 << 20, 2));
});
afterAll(() => rmSync(folder, { recursive: true }));

function made(more: Partial<BundleParts> = {}): Bytes {
  const path = join(folder, 'bundle');
  const fd = openSync(path, 'w');
  const layers = ['first', 'second'].map((name) => ({ path: join(folder, name) }));
  writeBundle(fd, { manifest: MANIFEST, tools: { path: join(folder, 'tools') }, layers, ...more });
  closeSync(fd);
  return new Bytes(readFileSync(path));
}

describe('a program in one file', () => {
  it('is read as it was written', () => {
    const source = made();
    const { manifest, footer, layers } = readBundle(source, 'it');
    const placed = [
      { offset: 0, bytes: 5000 },
      { offset: 8192, bytes: 1 << 20 },
    ];
    expect(manifest).toEqual({ ...MANIFEST, layers: placed });
    expect(Buffer.from(source.read(footer.tools.offset, footer.tools.bytes)).toString()).toBe('tools of it');
    expect([...new Set(source.read(layers[1]!.offset, layers[1]!.bytes))]).toEqual([2]);
    expect(layers.map(({ offset }) => offset % 4096)).toEqual([0, 0]);
    expect(verifyBundle(source, { manifest, footer, layers }, 'it').signer).toBeUndefined();
  });

  it('has a launcher whose numbers are those of the footer', () => {
    const source = made();
    const { footer, layers } = readBundle(source, 'it');
    const head = Buffer.from(source.bytes).toString('latin1', 0, footer.tools.offset);
    const setting = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(head)?.[1] ?? '';
    expect(head.startsWith('#!/bin/sh\n')).toBe(true);
    expect(Number(setting('tools_at')) * 4096).toBe(footer.tools.offset);
    expect(Number(setting('manifest_at')) * 4096).toBe(footer.manifest.offset);
    expect(Number(setting('hashes_at')) * 4096).toBe(footer.hashes.offset);
    expect(setting('layers')).toBe(`'1:${layers[1]!.offset} 0:${layers[0]!.offset}'`);
    expect(setting('arguments')).toBe(String.raw`''\''--quiet'\'' '\''it'\''\'\'''\''s'\'''`);
    expect(head).toMatch(/\nexit\n}\n+$/);
  });

  it('tells of every changed byte that it covers, and of a changed signature', () => {
    const { bytes } = made({ key: KEY.privateKey });
    const check = (one: Uint8Array) => {
      const source = new Bytes(one);
      return verifyBundle(source, readBundle(source, 'it'), 'it');
    };
    expect(check(bytes).signer?.equals(KEY.publicKey)).toBe(true);
    const { hashes, signature, size } = readBundle(new Bytes(bytes), 'it').footer;
    for (const at of [0, 100, 70_000, hashes.offset - 1, hashes.offset + 40, signature.offset, signature.offset + 40]) {
      const other = Uint8Array.from(bytes);
      other[at]! ^= 1;
      expect(() => check(other), `byte ${at} of ${size}`).toThrow(/damaged|signature|manifest/);
    }
  });

  it('is refused when it is cut off or goes on', () => {
    const { bytes } = made();
    const read = (one: Uint8Array) => () => readBundle(new Bytes(one), 'file');
    expect(read(bytes.subarray(0, -1))).toThrow('file: no program in one file: it does not end as such a file does');
    expect(read(Buffer.concat([bytes, Buffer.of(0)]))).toThrow('does not end');
    expect(read(Buffer.concat([bytes, bytes.subarray(-FOOTER_BYTES)]))).toThrow('cut off, or something was appended');
    expect(read(new Uint8Array(0))).toThrow('does not end');
  });

  it('is a value or a typed error, whatever its footer and manifest are', () => {
    const { bytes } = made();
    const { footer } = readBundle(new Bytes(bytes), 'it');
    const places = fc.oneof(
      fc.integer({ min: bytes.length - FOOTER_BYTES, max: bytes.length - 1 }),
      fc.integer({ min: footer.manifest.offset, max: footer.manifest.offset + footer.manifest.bytes - 1 }),
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(places, fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 6 }),
        (all) => {
          const other = Uint8Array.from(bytes);
          for (const [at, value] of all) other[at] = value;
          const source = new Bytes(other);
          try {
            verifyBundle(source, readBundle(source, 'it'), 'it');
          } catch (error) {
            expect(error).toBeInstanceOf(PlinthError);
            expect((error as PlinthError).kind).toBe('input');
          }
        },
      ),
      { numRuns: 300 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ minLength: FOOTER_BYTES, maxLength: FOOTER_BYTES }), (noise) => {
        noise.set(Buffer.from('PLINTHAP\x01\0\0\0', 'latin1'));
        expect(['string', 'object']).toContain(typeof readFooter(noise, 4096));
      }),
    );
  });
});

describe('a manifest', () => {
  const whole = { ...MANIFEST, layers: [{ offset: 0, bytes: 1 }] };
  const parse = (changes: object) => () => parseManifest(JSON.stringify({ ...whole, ...changes }), 'f');

  it.each([
    ['another format', { format: 2 }, 'another format'],
    ['a name with a slash', { name: '../x' }, 'name has other signs'],
    ['a relative entry', { entry: 'bin/x' }, 'no plain absolute path'],
    ['an entry that leads up', { entry: '/usr/../x' }, 'no plain absolute path'],
    ['an argument with a line feed', { arguments: ['a\nb'] }, 'control characters'],
    ['a variable that none can be', { environment: { 'A B': '' } }, 'no variable'],
    ['no layers', { layers: [] }, '0 layers'],
    ['a mode that there is not', { isolation: { '/x': 'open' } }, 'none of merged'],
    ['an unknown folder', { isolation: { '{music}': 'full' } }, 'no such folder'],
    ['network of another kind', { network: 'vpn' }, 'network is none of'],
  ])('is refused with %s', (_, changes, why) => {
    expect(parse(changes)).toThrow(why);
  });

  it('is a value or a typed error for any JSON', () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(whole)), fc.jsonValue(), (key, value) => {
        try {
          parse({ [key]: value })();
        } catch (error) {
          expect(error).toBeInstanceOf(PlinthError);
        }
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['/srv=full', ['/srv', 'full']],
    ['{home}=hidden', ['{home}', 'hidden']],
    ['{cwd}=merged', ['{cwd}', 'merged']],
    ['/var/log/x=y=merged', ['/var/log/x=y', 'merged']],
  ])('takes %s for a place and its mode', (text, both) => {
    expect(parseIsolation(text)).toEqual(both);
  });

  it.each([
    '/srv',
    '/srv=some',
    'srv=full',
    '/=full',
    '/a/b=full',
    '{cwd}=full',
    '{home}/x=merged',
    '/a b=full',
    '/a/../b=merged',
  ])('refuses %s as one', (text) => {
    expect(() => parseIsolation(text)).toThrow(PlinthError);
  });
});
