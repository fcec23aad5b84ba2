// SPDX-License-Identifier: Apache-2.0
// Rings of drivers that keep the rules, that break them one by one, and that are random.
import { describe, expect, it } from 'vitest';
import { MemoryBlockDevice } from '../../block/block-device.js';
import { RAM_BASE, REGISTER, VirtioTestDriver } from '../../testing/virtio-driver.js';
import { VirtioBlock } from './blk.js';
import { VirtioConsole } from './console.js';
import type { VirtioDevice, VirtioPort } from './device.js';
import { VirtioRng } from './rng.js';

const NEEDS_RESET = 0x40;

/** Answers every chain with the bytes that it read. */
class Echo implements VirtioDevice {
  readonly name: string = 'echo';
  readonly type: number = 42;
  readonly features: readonly number[] = [];
  readonly queueSizes: readonly number[] = [8];
  readonly seen: Uint8Array[] = [];
  #port: VirtioPort | undefined;

  connect(port: VirtioPort): void {
    this.#port = port;
  }
  notify(): void {
    const queue = this.#port!.queues[0]!;
    for (let chain = queue.take(); chain !== undefined; chain = queue.take()) {
      const bytes = new Uint8Array(Math.min(chain.readableLength, 4096));
      chain.readAt(0, bytes);
      this.seen.push(bytes);
      queue.give(chain, chain.writeAt(0, bytes));
    }
    queue.signal();
  }
  readConfiguration(): number {
    return 0;
  }
  writeConfiguration(): void {}
  reset(): void {}
  save(): void {}
  restore(): void {}
}

function setup(wants?: readonly number[]) {
  const echo = new Echo();
  const driver = new VirtioTestDriver(echo, wants === undefined ? {} : { wants }).start();
  return { echo, driver, rings: driver.rings[0]! };
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

describe('a queue', () => {
  it.each([false, true])('passes buffers of both directions (indirect: %s)', (indirect) => {
    const { driver, echo } = setup();
    const [, , first, second] = driver.request([bytes(1, 2, 3), bytes(4, 5), 2, 8], { indirect });
    driver.notify();
    expect(echo.seen).toEqual([bytes(1, 2, 3, 4, 5)]);
    expect(driver.used(0)).toEqual({ id: 0, length: 5 });
    expect(driver.memory.bytes(first!, 2)).toEqual(bytes(1, 2));
    expect(driver.memory.bytes(second!, 4)).toEqual(bytes(3, 4, 5, 0));
    expect(driver.line.level).toBe(true);
  });

  it('takes direct descriptors before an indirect one', () => {
    const { driver, echo, rings } = setup();
    const table = driver.place(new Uint8Array(16));
    driver.descriptor(table, 0, driver.place(bytes(7)), 1, 0);
    driver.descriptor(rings.descriptors, 0, driver.place(bytes(6)), 1, 1, 1);
    driver.descriptor(rings.descriptors, 1, table, 16, 4);
    driver.offer(0);
    driver.notify();
    expect(echo.seen).toEqual([bytes(6, 7)]);
  });

  it('goes round its rings, past the end of 16-bit indexes', () => {
    const { driver, echo } = setup();
    driver.descriptor(driver.rings[0]!.descriptors, 0, RAM_BASE, 1, 0);
    for (let n = 0; n < 66_000; n++) {
      driver.offer(0);
      driver.notify();
    }
    expect(echo.seen).toHaveLength(66_000);
    expect(driver.broken).toEqual([]);
    expect(driver.usedIndex()).toBe(66_000 & 0xffff);
  });

  it('is silent when the driver wants no interrupts', () => {
    const { driver, rings } = setup([]);
    driver.memory.set16(rings.available, 1);
    driver.request([bytes(1)]);
    driver.notify();
    expect(driver.usedIndex()).toBe(1);
    expect(driver.line.level).toBe(false);
    driver.memory.set16(rings.available, 0);
    driver.request([bytes(1)]);
    driver.notify();
    expect(driver.line.level).toBe(true);
  });

  it('interrupts when the index that the driver waits for is passed, and asks to be told of the next chain', () => {
    const { driver, rings } = setup();
    driver.memory.set16(rings.available + 4 + 2 * rings.size, 1);
    driver.request([bytes(1)]);
    driver.notify();
    expect(driver.line.level).toBe(false);
    expect(driver.memory.u16(rings.used + 4 + 8 * rings.size)).toBe(1);
    driver.request([bytes(1)]);
    driver.notify();
    expect(driver.line.level).toBe(true);
    expect(driver.memory.u16(rings.used + 4 + 8 * rings.size)).toBe(2);
  });
});

describe('a driver that breaks the rules', () => {
  const table = (driver: VirtioTestDriver): number => driver.rings[0]!.descriptors;
  const cases: [string, (driver: VirtioTestDriver) => void][] = [
    ['a loop', (d) => d.descriptor(table(d), 0, RAM_BASE, 4, 1, 0)],
    [
      'a loop of two',
      (d) => {
        d.descriptor(table(d), 0, RAM_BASE, 4, 1, 1);
        d.descriptor(table(d), 1, RAM_BASE, 4, 1, 0);
      },
    ],
    ['a descriptor that does not exist', (d) => d.descriptor(table(d), 0, RAM_BASE, 4, 1, 8)],
    ['a buffer before RAM', (d) => d.descriptor(table(d), 0, RAM_BASE - 1, 4, 0)],
    ['a buffer over the end of RAM', (d) => d.descriptor(table(d), 0, RAM_BASE + 1024 * 1024 - 3, 4, 0)],
    ['a buffer at an address of 64 bits', (d) => d.descriptor(table(d), 0, RAM_BASE + 2 ** 32, 4, 0)],
    ['a buffer at the last address', (d) => d.descriptor(table(d), 0, 2 ** 64 - 2048, 4, 0)],
    ['a buffer of 4 GiB', (d) => d.descriptor(table(d), 0, RAM_BASE, 0xffff_ffff, 2)],
    ['a buffer of no bytes', (d) => d.descriptor(table(d), 0, RAM_BASE, 0, 0)],
    [
      'buffers in the wrong order',
      (d) => {
        d.descriptor(table(d), 0, RAM_BASE, 4, 3, 1);
        d.descriptor(table(d), 1, RAM_BASE, 4, 0);
      },
    ],
    ['an indirect table of a wrong size', (d) => d.descriptor(table(d), 0, RAM_BASE, 24, 4)],
    ['an indirect table that is too large', (d) => d.descriptor(table(d), 0, RAM_BASE, 16 * 1025, 4)],
    ['an indirect table that goes on', (d) => d.descriptor(table(d), 0, RAM_BASE, 16, 5, 1)],
    [
      'an indirect table within one',
      (d) => {
        const inner = d.place(new Uint8Array(16));
        d.descriptor(inner, 0, inner, 16, 4);
        d.descriptor(table(d), 0, inner, 16, 4);
      },
    ],
    [
      'a loop in an indirect table',
      (d) => {
        const inner = d.place(new Uint8Array(16));
        d.descriptor(inner, 0, RAM_BASE, 4, 1, 0);
        d.descriptor(table(d), 0, inner, 16, 4);
      },
    ],
    ['an index that jumps', (d) => d.memory.set16(d.rings[0]!.available + 2, 9)],
    ['a head that does not exist', (d) => d.memory.set16(d.rings[0]!.available + 4, 8)],
  ];
  it.each(cases)('is refused: %s', (_, offend) => {
    const { driver, echo } = setup();
    driver.offer(0);
    offend(driver);
    driver.notify();
    expect(echo.seen).toEqual([]);
    expect(driver.broken).toHaveLength(1);
    expect(driver.status & NEEDS_RESET).toBe(NEEDS_RESET);
    expect(driver.read(REGISTER.interruptStatus)).toBe(2);
    // Nothing more is done, and nothing more is told, until it resets the device.
    driver.notify();
    driver.write(REGISTER.status, 0xf);
    expect(driver.broken).toHaveLength(1);
    expect(driver.status & NEEDS_RESET).toBe(NEEDS_RESET);
    driver.start();
    expect(driver.status).toBe(0xf);
    driver.request([bytes(5)]);
    driver.notify();
    expect(echo.seen).toEqual([bytes(5)]);
  });

  it('is refused indirect tables that it did not ask for', () => {
    const { driver } = setup([]);
    driver.descriptor(table(driver), 0, RAM_BASE, 16, 4);
    driver.offer(0);
    driver.notify();
    expect(driver.broken).toHaveLength(1);
  });

  it('cannot have more requests under way than the ring has room for', () => {
    const disk = new MemoryBlockDevice(new Uint8Array(4096));
    const driver = new VirtioTestDriver(new VirtioBlock({ name: 'disk', disk }), { queueSize: 4 }).start();
    driver.request([new Uint8Array(16), 512, 1]);
    for (let n = 0; n < 3; n++) driver.offer(0);
    driver.notify();
    expect(driver.broken).toEqual([]);
    driver.offer(0);
    driver.notify();
    expect(driver.broken).toHaveLength(1);
    driver.settle();
    expect(driver.usedIndex()).toBe(0);
  });
});

/** A generator of numbers below a bound (mulberry32). */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b_79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), 1 | state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) % below;
  };
}

describe('random rings', () => {
  const devices: [string, () => VirtioDevice][] = [
    ['disk', () => new VirtioBlock({ name: 'disk', disk: new MemoryBlockDevice(new Uint8Array(1 << 16)) })],
    ['rng', () => new VirtioRng({ name: 'rng', seed: new Uint8Array(32) })],
    ['console', () => new VirtioConsole({ name: 'console', onBytes: () => {} })],
  ];
  it.each(devices)('neither hang nor crash the %s', (_, make) => {
    let refused = 0;
    let answered = 0;
    for (let seed = 1; seed <= 300; seed++) {
      const pick = random(seed);
      const driver = new VirtioTestDriver(make(), {
        version: pick(2) === 0 ? 'modern' : 'legacy',
        queueSize: 1 << pick(5),
      }).start();
      for (let round = 0; round < 20; round++) {
        const queue = pick(driver.rings.length);
        const { descriptors, available, size } = driver.rings[queue]!;
        for (let n = 0; n < size; n++) {
          // Mostly sane, sometimes not: what is wild in all ways is refused at its first descriptor.
          const address = pick(20) === 0 ? pick(2 ** 32) * pick(2 ** 32) : RAM_BASE + pick(1 << 20);
          const length = [16, 512, 1, 16 * pick(40), pick(2 ** 32), 0][pick(40) === 0 ? 3 + pick(3) : pick(4)]!;
          driver.descriptor(descriptors, n, address, length, pick(16) === 0 ? pick(8) : pick(4), pick(size + 1));
        }
        if (pick(10) === 0) driver.memory.set16(available, pick(65536));
        if (pick(10) === 0) driver.memory.set16(available + 2, pick(65536));
        else for (let n = pick(size + 2); n > 0; n--) driver.offer(pick(size), queue);
        if (pick(4) === 0) driver.device.write(pick(0x80) * 4, 4, pick(2 ** 32));
        driver.notify(queue);
        driver.passTo(driver.now + pick(200_000));
        answered += driver.usedIndex(queue);
        if ((driver.status & NEEDS_RESET) !== 0) {
          refused++;
          driver.start();
        }
      }
      driver.settle();
    }
    expect(refused).toBeGreaterThan(100);
    expect(answered).toBeGreaterThan(50);
  });
});
