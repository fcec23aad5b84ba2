// SPDX-License-Identifier: Apache-2.0
import { PlinthError, StateReader, StateWriter } from '@plinth/core';
import { describe, expect, it } from 'vitest';
import { MemoryBlockDevice, SECTOR_SIZE } from './block-device.js';
import { OverlayDisk } from './overlay.js';
import { MemoryFile } from './random-access-file.js';
import { RawDisk } from './raw.js';

const CLUSTER = 65536;
const PER_CLUSTER = CLUSTER / SECTOR_SIZE;
/** Three clusters and a piece. */
const SECTORS = 3 * PER_CLUSTER + 8;
const IDENTITY = new Uint8Array(32).fill(5);

function pattern(seed: number, sectors: number): Uint8Array {
  return Uint8Array.from({ length: sectors * SECTOR_SIZE }, (_, i) => (i * 3 + seed + (i >> 9)) & 0xff);
}

function setup() {
  const original = pattern(1, SECTORS);
  const base = new MemoryBlockDevice(original.slice(), { readOnly: true });
  const file = new MemoryFile('changes');
  return { original, base, file, disk: OverlayDisk.create(file, base, IDENTITY) };
}

function contents(disk: { sectors: number; read(sector: number, into: Uint8Array): void }): Buffer {
  const bytes = Buffer.alloc(disk.sectors * SECTOR_SIZE);
  disk.read(0, bytes);
  return bytes;
}

/** The file as it would be found after a crash now. */
function copy(file: MemoryFile): MemoryFile {
  const bytes = new Uint8Array(file.size);
  file.read(0, bytes);
  return new MemoryFile(file.name, bytes);
}

describe('an overlay', () => {
  it('shows the base until something is written, and never changes it', () => {
    const { original, base, disk } = setup();
    expect(contents(disk).equals(original)).toBe(true);
    const expected = Buffer.from(original);
    let seed = 10;
    const write = (sector: number, count: number): void => {
      const bytes = pattern(seed++, count);
      disk.write(sector, bytes);
      expected.set(bytes, sector * SECTOR_SIZE);
      expect(contents(disk).equals(expected)).toBe(true);
    };
    write(5, 1);
    write(PER_CLUSTER - 1, 2);
    write(0, PER_CLUSTER);
    write(6, 2);
    write(SECTORS - 1, 1);
    write(1, SECTORS - 2);
    expect(contents(base).equals(original)).toBe(true);
  });

  it('discards and zeroes', () => {
    const { original, disk } = setup();
    const expected = Buffer.from(original);
    disk.writeZeroes(7, PER_CLUSTER * 2);
    expected.fill(0, 7 * SECTOR_SIZE, (7 + PER_CLUSTER * 2) * SECTOR_SIZE);
    expect(contents(disk).equals(expected)).toBe(true);
    const bytes = pattern(9, 1);
    disk.write(PER_CLUSTER + 3, bytes);
    expected.set(bytes, (PER_CLUSTER + 3) * SECTOR_SIZE);
    expect(contents(disk).equals(expected)).toBe(true);
    disk.discard(3 * PER_CLUSTER - 1, 9);
    expected.fill(0, 3 * CLUSTER);
    expect(contents(disk).equals(expected)).toBe(true);
  });

  it('is as at the last flush after a crash, or newer', () => {
    const { original, base, file, disk } = setup();
    const first = pattern(20, 4);
    disk.write(2, first);
    expect(contents(OverlayDisk.open(copy(file), base, IDENTITY)).equals(original)).toBe(true);
    disk.flush();
    const flushed = contents(disk);
    disk.write(PER_CLUSTER, pattern(30, 2 * PER_CLUSTER));
    disk.writeZeroes(0, PER_CLUSTER);
    expect(contents(OverlayDisk.open(copy(file), base, IDENTITY)).equals(flushed)).toBe(true);
    disk.close();
    expect(contents(OverlayDisk.open(file, base, IDENTITY)).equals(contents(disk))).toBe(true);
  });

  it('stores data before the map that tells of them', () => {
    const { base } = setup();
    const order: string[] = [];
    const file = new MemoryFile('changes');
    const disk = OverlayDisk.create(file, base, IDENTITY);
    const write = file.write.bind(file);
    file.write = (offset, from) => {
      order.push(offset < CLUSTER ? 'map' : 'data');
      write(offset, from);
    };
    file.sync = () => order.push('sync');
    disk.write(0, pattern(1, 1));
    disk.flush();
    disk.flush();
    expect(order).toEqual(['data', 'sync', 'map', 'sync', 'sync']);
  });

  it('is refused over another base, when it is damaged, and when it is cut short', () => {
    const { base, file, disk } = setup();
    disk.write(2 * PER_CLUSTER, pattern(3, 1));
    disk.close();
    const complaint = (overlay: MemoryFile, under = base, identity = IDENTITY): string => {
      try {
        contents(OverlayDisk.open(overlay, under, identity));
        return 'none';
      } catch (error) {
        expect(error).toBeInstanceOf(PlinthError);
        return (error as Error).message;
      }
    };
    expect(complaint(copy(file))).toBe('none');
    expect(complaint(copy(file), base, new Uint8Array(32))).toContain('made over another disk');
    expect(complaint(copy(file), new MemoryBlockDevice(new Uint8Array(512)))).toContain('made over another disk');
    expect(complaint(new MemoryFile('changes', pattern(1, 20)))).toContain('not an overlay');
    const short = copy(file);
    short.truncate(file.size - 1);
    expect(complaint(short)).toMatch(/^changes: the overlay is cut short/);
    for (let at = 0; at < 60; at++) {
      const damaged = copy(file);
      const byte = new Uint8Array(1);
      damaged.read(at, byte);
      damaged.write(at, Uint8Array.of(byte[0]! ^ 1));
      expect(complaint(damaged)).toMatch(/^changes: (not an overlay|the overlay’s header is damaged)/);
    }
    const map = copy(file);
    map.write(4096, Uint8Array.of(3));
    expect(complaint(map)).toContain('map is damaged');
  });
});

describe('a raw image', () => {
  it('is refused when it is no whole number of sectors', () => {
    expect(() => new RawDisk(new MemoryFile('a.img', new Uint8Array(1000)))).toThrow(
      'a.img: no disk image, or one that is cut short: its size, 1000 bytes, is no multiple of 512',
    );
    expect(() => new RawDisk(new MemoryFile('a.img'))).toThrow('it is empty');
  });

  it('is its file', () => {
    const file = new MemoryFile('a.img', pattern(1, 4));
    const disk = new RawDisk(file);
    disk.write(1, pattern(7, 2));
    const bytes = new Uint8Array(file.size);
    file.read(0, bytes);
    expect(contents(disk).equals(bytes)).toBe(true);
    expect(Buffer.from(bytes.subarray(512, 1536)).equals(pattern(7, 2))).toBe(true);
  });
});

describe('a file in memory', () => {
  it('refuses to grow beyond its limit', () => {
    const file = new MemoryFile('m', new Uint8Array(0), 131_072);
    file.write(0, new Uint8Array(131_072));
    file.write(9, Uint8Array.of(1));
    expect(() => file.write(1_000_000, Uint8Array.of(1))).toThrow(
      'm: the 0 MiB of memory for what is written are used up',
    );
  });

  it('reads as zeros where nothing was written, and after it was made shorter', () => {
    const file = new MemoryFile('m');
    file.write(200_000, Uint8Array.of(1, 2, 3));
    const bytes = new Uint8Array(8).fill(9);
    file.read(199_998, bytes);
    expect([...bytes]).toEqual([0, 0, 1, 2, 3, 0, 0, 0]);
    file.truncate(200_001);
    file.write(200_002, Uint8Array.of(7));
    file.read(199_998, bytes);
    expect([...bytes]).toEqual([0, 0, 1, 0, 7, 0, 0, 0]);
  });
});

describe('a snapshot of a machine with an overlay', () => {
  it('holds what is in a temporary one', () => {
    const { base, original } = setup();
    const make = (): OverlayDisk =>
      OverlayDisk.create(new MemoryFile('temporary'), base, IDENTITY, { temporary: true });
    const disk = make();
    disk.write(PER_CLUSTER + 1, pattern(3, 2));
    disk.writeZeroes(0, PER_CLUSTER);
    const writer = new StateWriter();
    disk.save(writer);
    const other = make();
    other.write(2 * PER_CLUSTER, pattern(9, 4));
    const reader = new StateReader(writer.take(), 'disk');
    other.restore(reader);
    reader.end();
    expect(contents(other).equals(contents(disk))).toBe(true);
    expect(contents(other).equals(original)).toBe(false);
  });

  it('is none of a layer that was added since', () => {
    const { base, original } = setup();
    const writer = new StateWriter();
    base.save(writer);
    const added = OverlayDisk.create(new MemoryFile('a'), base, IDENTITY, { temporary: true, added: true });
    const reader = new StateReader(writer.take(), 'disk');
    added.restore(reader);
    reader.end();
    expect(contents(added).equals(original)).toBe(true);
  });

  it('is refused over one that has been written since', () => {
    const { base, file, disk } = setup();
    disk.write(1, pattern(3, 2));
    const writer = new StateWriter();
    disk.save(writer);
    const open = (): OverlayDisk => OverlayDisk.open(copy(file), base, IDENTITY);
    open().restore(new StateReader(writer.take(), 'disk'));
    disk.write(1, pattern(4, 1));
    expect(() => open().restore(new StateReader(writer.take(), 'disk'))).toThrow(
      'changes: it is not as it was when the snapshot or the recording was made',
    );
  });
});
