// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { RAM_BASE, REGISTER, VirtioTestDriver } from '../../testing/virtio-driver.js';
import { VirtioConsole } from './console.js';
import { chachaBlock, VirtioRng } from './rng.js';

const rng = (): VirtioRng => new VirtioRng({ name: 'rng0', seed: new Uint8Array(32).fill(1) });

describe('the register window', () => {
  it.each([
    ['modern', 2],
    ['legacy', 1],
  ] as const)('tells what it is, %s', (version, number) => {
    const driver = new VirtioTestDriver(rng(), { version });
    expect(driver.read(REGISTER.magic)).toBe(0x7472_6976);
    expect(driver.read(REGISTER.version)).toBe(number);
    expect(driver.read(REGISTER.deviceId)).toBe(4);
    expect(driver.read(REGISTER.queueNumMax)).toBe(8);
    expect((driver.offered >> 32n) & 1n).toBe(version === 'modern' ? 1n : 0n);
    driver.write(REGISTER.queueSel, 1);
    expect(driver.read(REGISTER.queueNumMax)).toBe(0);
    driver.write(REGISTER.deviceFeaturesSel, 2);
    expect(driver.read(REGISTER.deviceFeatures)).toBe(0);
  });

  it('accepts only features that are offered, with VERSION_1 among them', () => {
    const driver = new VirtioTestDriver(rng());
    const negotiate = (low: number, high: number): number => {
      driver.write(REGISTER.status, 0);
      driver.write(REGISTER.driverFeaturesSel, 0);
      driver.write(REGISTER.driverFeatures, low);
      driver.write(REGISTER.driverFeaturesSel, 1);
      driver.write(REGISTER.driverFeatures, high);
      driver.write(REGISTER.status, 8);
      return driver.status;
    };
    expect(negotiate(0, 1)).toBe(8);
    expect(negotiate(1 << 28, 1)).toBe(8);
    expect(negotiate(0, 0)).toBe(0);
    expect(negotiate(1, 1)).toBe(0);
    expect(negotiate(0, 3)).toBe(0);
  });

  it('does not enable a queue at a wrong place or of a wrong size', () => {
    const setup = (size: number, at: number): VirtioTestDriver => {
      const driver = new VirtioTestDriver(rng());
      driver.write(REGISTER.queueNum, size);
      driver.write(REGISTER.queueDescLow, at);
      driver.write(REGISTER.queueDriverLow, at + 0x1000);
      driver.write(REGISTER.queueDeviceLow, at + 0x2000);
      driver.write(REGISTER.queueReady, 1);
      return driver;
    };
    const good = setup(8, RAM_BASE);
    expect(good.read(REGISTER.queueReady)).toBe(1);
    good.write(REGISTER.queueReady, 0);
    expect(good.read(REGISTER.queueReady)).toBe(0);
    for (const [size, at] of [
      [0, RAM_BASE],
      [16, RAM_BASE],
      [3, RAM_BASE],
      [8, 0],
      [8, RAM_BASE + 8],
    ] as const) {
      const bad = setup(size, at);
      expect(bad.read(REGISTER.queueReady)).toBe(0);
      expect(bad.broken).toHaveLength(1);
    }
  });

  it('shows its state without changing it', () => {
    const driver = new VirtioTestDriver(rng()).start();
    driver.request([16]);
    driver.notify();
    expect(driver.device.peek(REGISTER.interruptStatus, 4)).toBe(1);
    expect(driver.device.peek(REGISTER.status, 4)).toBe(15);
    expect(driver.device.peek(REGISTER.magic, 1)).toBe(0x76);
    driver.device.reset();
    expect(driver.device.peek(REGISTER.status, 4)).toBe(0);
    expect(driver.line.level).toBe(false);
  });
});

describe('virtio-rng', () => {
  it('gives the ChaCha20 key stream', () => {
    // RFC 8439, appendix A.1, test vectors 1 and 2: key and nonce zero, blocks 0 and 1.
    const first = (counter: number): number[] => [...new Uint8Array(chachaBlock(new Uint32Array(8), counter).buffer)];
    expect(first(0).slice(0, 8)).toEqual([0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90]);
    expect(first(1).slice(0, 8)).toEqual([0x9f, 0x07, 0xe7, 0xbe, 0x55, 0x51, 0x38, 0x7a]);
  });

  it('gives the same bytes for the same seed, and never the same twice', () => {
    const take = (driver: VirtioTestDriver): string => {
      const [address] = driver.request([100]);
      driver.notify();
      return Buffer.from(driver.memory.bytes(address!, 100)!).toString('hex');
    };
    const one = new VirtioTestDriver(rng()).start();
    const other = new VirtioTestDriver(rng()).start();
    const first = take(one);
    expect(take(other)).toBe(first);
    const second = take(one);
    expect(second).not.toBe(first);
    one.start();
    expect(new Set([first, second, take(one)]).size).toBe(3);
  });
});

describe('virtio-console', () => {
  function setup() {
    const sent: number[] = [];
    let rooms = 0;
    const console = new VirtioConsole({
      name: 'console0',
      columns: 100,
      rows: 30,
      onBytes: (bytes) => sent.push(...bytes),
      onRoom: () => rooms++,
    });
    const driver = new VirtioTestDriver(console).start();
    return { console, driver, sent, rooms: () => rooms };
  }

  it('sends bytes, and takes as many as there is room for', () => {
    const { console, driver, sent, rooms } = setup();
    driver.request([Uint8Array.of(1, 2), Uint8Array.of(3)], { queue: 1 });
    driver.notify(1);
    expect(sent).toEqual([1, 2, 3]);
    expect(console.receive(Uint8Array.of(9))).toBe(0);
    const [first] = driver.request([2]);
    const [second] = driver.request([2]);
    driver.notify(0);
    expect(rooms()).toBe(1);
    expect(console.receive(Uint8Array.of(5, 6, 7, 8, 9))).toBe(4);
    expect([...driver.memory.bytes(first!, 2)!, ...driver.memory.bytes(second!, 2)!]).toEqual([5, 6, 7, 8]);
    expect(driver.used(1)).toEqual({ id: 1, length: 2 });
    driver.write(REGISTER.config + 8, 0x41);
    expect(sent.at(-1)).toBe(0x41);
  });

  it('tells of a new size by an interrupt and a new generation', () => {
    const { console, driver } = setup();
    expect(driver.read(REGISTER.config)).toBe((30 << 16) | 100);
    const before = driver.read(REGISTER.configGeneration);
    console.resize(132, 43);
    expect(driver.read(REGISTER.configGeneration)).not.toBe(before);
    expect(driver.read(REGISTER.interruptStatus)).toBe(2);
    expect(driver.read(REGISTER.config)).toBe((43 << 16) | 132);
    driver.acknowledge();
    expect(driver.line.level).toBe(false);
  });
});
