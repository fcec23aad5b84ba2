// SPDX-License-Identifier: Apache-2.0
import { PlinthError, StateReader, StateWriter } from '@plinth/core';
import { describe, expect, it } from 'vitest';
import { type BlockDevice, MemoryBlockDevice, SECTOR_SIZE } from '../../block/block-device.js';
import { REGISTER, VirtioTestDriver } from '../../testing/virtio-driver.js';
import { VirtioBlock } from './blk.js';
import { REQUEST_TIMING } from './timed-requests.js';

const SECTORS = 64;
const OK = 0;
const IO_ERROR = 1;
const UNSUPPORTED = 2;

function pattern(seed: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + seed + (i >> 8)) & 0xff);
}

function header(type: number, sector: number): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, type, true);
  view.setUint32(8, sector, true);
  return bytes;
}

function range(sector: number, count: number, flags: number = 0): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, sector, true);
  view.setUint32(8, count, true);
  view.setUint32(12, flags, true);
  return bytes;
}

function setup(
  options: { readOnly?: boolean; version?: 'modern' | 'legacy'; wants?: number[]; disk?: BlockDevice } = {},
) {
  const bytes = pattern(3, SECTORS * SECTOR_SIZE);
  const disk = options.disk ?? new MemoryBlockDevice(bytes, options);
  const driver = new VirtioTestDriver(new VirtioBlock({ name: 'disk0', disk, serial: 'SERIAL-7' }), options).start();
  /** Does one request to its end: its status, and what was read. */
  const perform = (parts: (Uint8Array | number)[]): { status: number; data: Uint8Array; length: number } => {
    const before = driver.usedIndex();
    const addresses = driver.request([...parts, 1]);
    driver.notify();
    driver.settle();
    expect(driver.usedIndex()).toBe(before + 1);
    const data = parts.flatMap((part, n) =>
      typeof part === 'number' ? [...driver.memory.bytes(addresses[n]!, part)!] : [],
    );
    const status = driver.memory.bytes(addresses.at(-1)!, 1)![0]!;
    return { status, data: Uint8Array.from(data), length: driver.used(before).length };
  };
  return { driver, bytes, perform };
}

describe.each(['modern', 'legacy'] as const)('virtio-blk, %s', (version) => {
  it('tells of itself in the configuration space', () => {
    const { driver } = setup({ version });
    expect(driver.read(REGISTER.deviceId)).toBe(2);
    expect(driver.read(REGISTER.config)).toBe(SECTORS);
    expect(driver.read(REGISTER.config + 20)).toBe(512);
    expect(driver.device.read(REGISTER.config + 24, 1)).toBe(3);
    expect(driver.device.read(REGISTER.config + 34, 2)).toBe(1);
    driver.write(REGISTER.config, 1);
    expect(driver.read(REGISTER.config)).toBe(SECTORS);
  });

  it('reads and writes, over several buffers', () => {
    const { bytes, perform, driver } = setup({ version });
    const read = perform([header(0, 5), 512, 1024, 512]);
    expect(read.status).toBe(OK);
    expect(read.length).toBe(2049);
    expect(read.data).toEqual(bytes.slice(5 * 512, 9 * 512));
    const written = [pattern(50, 512), pattern(60, 1536)];
    expect(perform([header(1, 7), ...written])).toMatchObject({ status: OK, length: 1 });
    expect(bytes.slice(7 * 512, 8 * 512)).toEqual(written[0]);
    expect(bytes.slice(8 * 512, 11 * 512)).toEqual(written[1]);
    expect(driver.line.level).toBe(true);
    driver.acknowledge();
    expect(driver.line.level).toBe(false);
  });

  it('flushes, gives its serial number, and knows no other requests', () => {
    const { perform } = setup({ version });
    expect(perform([header(4, 0)]).status).toBe(OK);
    const id = perform([header(8, 0), 20]);
    expect(id.status).toBe(OK);
    expect(String.fromCharCode(...id.data)).toBe('SERIAL-7'.padEnd(20, '\0'));
    expect(perform([header(77, 0)]).status).toBe(UNSUPPORTED);
  });

  it('discards and zeroes ranges', () => {
    const { bytes, perform } = setup({ version });
    expect(perform([header(13, 0), range(10, 4, 1)]).status).toBe(OK);
    expect(bytes.subarray(10 * 512, 14 * 512).every((byte) => byte === 0)).toBe(true);
    expect(bytes[14 * 512]).not.toBe(0);
    expect(perform([header(11, 0), range(20, 1), range(30, 2)]).status).toBe(OK);
    expect(bytes.subarray(30 * 512, 32 * 512).every((byte) => byte === 0)).toBe(true);
    expect(perform([header(11, 0), range(20, 1, 2)]).status).toBe(UNSUPPORTED);
    expect(perform([header(13, 0), range(SECTORS - 1, 2)]).status).toBe(IO_ERROR);
  });

  it.each([
    ['behind the end', [header(0, SECTORS - 1), 1024]],
    ['far behind the end', [header(0, 0xffff_fff0), 512]],
    ['of a part of a sector', [header(0, 0), 100]],
    ['of a part of a sector to write', [header(1, 0), new Uint8Array(100)]],
    ['of a serial number without room', [header(8, 0), 5]],
    ['of a zeroing without a range', [header(13, 0)]],
  ])('refuses a request %s', (_, parts) => {
    const { perform, driver } = setup({ version });
    expect(perform(parts).status).toBe(IO_ERROR);
    expect(driver.broken).toEqual([]);
    expect(perform([header(0, 0), 512]).status).toBe(OK);
  });

  it('refuses to write to a read-only disk', () => {
    const { perform, bytes, driver } = setup({ version, readOnly: true });
    expect((driver.offered >> 5n) & 1n).toBe(1n);
    expect(perform([header(1, 0), pattern(9, 512)]).status).toBe(IO_ERROR);
    expect(perform([header(13, 0), range(0, 1)]).status).toBe(IO_ERROR);
    expect(bytes.slice(0, 512)).toEqual(pattern(3, 512));
  });
});

describe('virtio-blk', () => {
  it('breaks at a request without a header or a status', () => {
    const { driver } = setup();
    driver.request([header(0, 0).subarray(0, 8), 1]);
    driver.notify();
    expect(driver.broken).toHaveLength(1);
    expect(driver.status & 0x40).toBe(0x40);
    driver.start();
    driver.request([header(0, 0)]);
    driver.notify();
    expect(driver.broken).toHaveLength(2);
  });

  it('completes at a time that the request fixes, in order', () => {
    const { driver } = setup();
    driver.passTo(1000);
    driver.request([header(0, 0), 4096, 1]);
    driver.request([header(0, 8), 512, 1]);
    driver.notify();
    const first = 1000 + 4096 * REQUEST_TIMING.nanosecondsPerByte + REQUEST_TIMING.latency;
    expect(driver.events.next()).toBe(first);
    driver.passTo(first - 1);
    expect(driver.usedIndex()).toBe(0);
    driver.passTo(first);
    expect(driver.usedIndex()).toBe(1);
    driver.passTo(first + 512 * REQUEST_TIMING.nanosecondsPerByte);
    expect(driver.usedIndex()).toBe(2);
    expect(driver.used(1)).toEqual({ id: 3, length: 513 });
  });

  it('drops what is under way at a reset', () => {
    const { driver, bytes } = setup();
    driver.request([header(1, 0), pattern(9, 512), 1]);
    driver.notify();
    driver.write(REGISTER.status, 0);
    driver.settle();
    expect(bytes.slice(0, 512)).toEqual(pattern(3, 512));
    expect(driver.line.level).toBe(false);
  });

  it('flushes after every write for a driver that does not', () => {
    let flushes = 0;
    const disk = new MemoryBlockDevice(new Uint8Array(SECTORS * SECTOR_SIZE));
    disk.flush = () => flushes++;
    const careless = setup({ disk, wants: [] });
    careless.perform([header(1, 0), pattern(9, 512)]);
    expect(flushes).toBe(1);
    const careful = setup({ disk });
    careful.perform([header(1, 0), pattern(9, 512)]);
    expect(flushes).toBe(1);
    careful.perform([header(4, 0)]);
    expect(flushes).toBe(2);
  });

  it('tells of the host’s trouble, and gives the guest an error', () => {
    const disk = new MemoryBlockDevice(new Uint8Array(SECTORS * SECTOR_SIZE));
    disk.write = () => {
      throw new PlinthError('host', 'disk-full', 'disk.img: the disk is full');
    };
    const { perform, driver } = setup({ disk });
    expect(perform([header(1, 0), pattern(9, 512)]).status).toBe(IO_ERROR);
    expect(driver.trouble).toEqual(['disk0: disk.img: the disk is full']);
    expect(perform([header(0, 0), 512]).status).toBe(OK);
  });

  it('goes on with what is under way when it is restored', () => {
    const { driver } = setup();
    driver.request([header(0, 3), 512, 1]);
    driver.request([header(0, 4), 512, 1]);
    driver.notify();
    const writer = new StateWriter();
    driver.device.save(writer);
    const saved = writer.take().slice();
    const ram = driver.memory.ram.slice();

    const other = setup();
    other.driver.memory.ram.set(ram);
    other.driver.rings[0] = driver.rings[0]!;
    const reader = new StateReader(saved, 'disk0');
    other.driver.device.restore(reader);
    reader.end();
    const again = new StateWriter();
    other.driver.device.save(again);
    expect(again.take()).toEqual(saved);
    for (const one of [driver, other.driver]) one.settle();
    expect(other.driver.usedIndex()).toBe(2);
    expect(Buffer.compare(other.driver.memory.ram, driver.memory.ram)).toBe(0);
  });

  it('refuses saved state that no disk could have', () => {
    const { driver } = setup();
    driver.request([header(0, 3), 512, 1]);
    driver.notify();
    const writer = new StateWriter();
    driver.device.save(writer);
    const saved = writer.take().slice();
    for (let at = 0; at < saved.length - SECTORS * SECTOR_SIZE; at++) {
      const damaged = saved.slice();
      damaged[at]! ^= 0xff;
      const other = setup().driver;
      try {
        other.device.restore(new StateReader(damaged, 'disk0'));
        other.settle();
      } catch (error) {
        expect(error).toMatchObject({ name: 'PlinthError', kind: 'input' });
      }
    }
  });
});
