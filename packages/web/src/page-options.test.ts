// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { PlinthError } from '@plinth/core';
import { parsePageOptions } from './page-options.js';
import { parseSite } from './site.js';

function complaint(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof PlinthError && error.kind === 'input') return error.message;
    throw error;
  }
  return 'none';
}

describe('the options in the address', () => {
  it('are those of a run', () => {
    const query =
      'guest=g&engine=interpreter&seed=00FF&wallClock=1&until=500_000_000&memory=64&append=quiet&paused&cold';
    expect(parsePageOptions(new URLSearchParams(query))).toEqual({
      guest: 'g',
      engine: 'interpreter',
      seed: '00ff',
      wallClock: 1,
      until: 500_000_000,
      memory: 64 * 1024 * 1024,
      append: 'quiet',
      paused: true,
      cold: true,
    });
    expect(parsePageOptions(new URLSearchParams(''))).toEqual({ engine: 'translator', paused: false, cold: false });
  });

  it.each([
    ['engine=fast', '?engine: choose translator or interpreter'],
    ['seed=xyz', '?seed: 1 to 64 bytes in hexadecimal'],
    ['until=-1', '?until: "-1" is no whole number'],
    ['until=1e99', '?until: "1e99" is no whole number'],
    ['wallClock=4294967296', '?wallClock: seconds since 1970, below 2^32'],
    ['a%0Ab=1', '?a?b: there is no such option'],
  ])('%s is refused in one line', (query, line) => {
    expect(complaint(() => parsePageOptions(new URLSearchParams(query)))).toBe(line);
  });
});

describe('site.json', () => {
  const file = { file: 'guests/g/kernel.bin', bytes: 5, packed: 'gzip' };
  const guest = {
    name: 'g',
    kernel: file,
    initrd: file,
    append: '',
    note: '',
    packages: [{ name: 'p', version: '1' }],
  };

  const waits = { powerOn: { seed: '00', wallClock: 3 } };

  it('is taken as it is written', () => {
    const site = {
      format: 1,
      guests: [
        guest,
        { ...guest, ...waits, booted: file },
        { ...guest, disk: { name: 'd', bytes: 512 }, memory: 4096 },
      ],
    };
    expect(parseSite(structuredClone(site))).toEqual(site);
  });

  it.each([
    ['another format', { format: 2, guests: [] }],
    ['a file of another site', { format: 1, guests: [{ ...guest, kernel: { ...file, file: 'https://x/k' } }] }],
    ['a file above it', { format: 1, guests: [{ ...guest, kernel: { ...file, file: '../k' } }] }],
    ['an absolute file', { format: 1, guests: [{ ...guest, initrd: { ...file, file: '//host/k' } }] }],
    ['a length that is none', { format: 1, guests: [{ ...guest, initrd: { ...file, bytes: -1 } }] }],
    ['a packing that we do not know', { format: 1, guests: [{ ...guest, initrd: { ...file, packed: 'xz' } }] }],
    ['a guest without a name', { format: 1, guests: [{ ...guest, name: 1 }] }],
    ['packages that are none', { format: 1, guests: [{ ...guest, packages: [1] }] }],
    ['a power-on without a seed', { format: 1, guests: [{ ...guest, powerOn: {} }] }],
    ['a booted guest that waits for nothing', { format: 1, guests: [{ ...guest, booted: file }] }],
    ['a disk without a size', { format: 1, guests: [{ ...guest, disk: { name: 'd' } }] }],
    ['memory that is none', { format: 1, guests: [{ ...guest, memory: 'much' }] }],
    ['nothing', null],
  ])('with %s is refused in one line', (_what, value) => {
    expect(complaint(() => parseSite(value))).toMatch(
      /^site\.json: [^\n]+: make the site anew with "plinth serve --build"$/,
    );
  });
});
