// SPDX-License-Identifier: Apache-2.0
import { StateReader, StateWriter } from '@plinth/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RAM_BASE, REGISTER, type RequestPart, VirtioTestDriver } from '../../testing/virtio-driver.js';
import { linkPort, MAX_FRAME, type PacketDirection, VirtioNet } from './net.js';

const MAC = Uint8Array.of(0x52, 0x54, 0, 0x12, 0x34, 0x56);
const MERGEABLE = 15;
const RECEIVE = { queue: 0 };
const TRANSMIT = { queue: 1 };

function frameOf(length: number, seed: number = 1): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 5 + seed + (i >> 8)) & 0xff);
}

interface Setup {
  readonly version?: 'modern' | 'legacy';
  readonly wants?: number[];
  readonly queueSize?: number;
  readonly mtu?: number;
  readonly hook?: (direction: PacketDirection, frame: Uint8Array) => 'allow' | 'drop';
}

function setup({ hook, mtu, ...options }: Setup = {}) {
  const sent: Uint8Array[] = [];
  const net = new VirtioNet({
    name: 'net0',
    mac: MAC,
    ...(mtu === undefined ? {} : { mtu }),
    onFrame: (frame) => sent.push(frame.slice()),
    ...(hook === undefined ? {} : { packetHook: hook }),
  });
  const driver = new VirtioTestDriver(net, options).start();
  const ports = new Map(net.inputs);
  const receive = (frame: Uint8Array): number => ports.get('net0')!.receive(frame);
  const setLink = (up: boolean): number => ports.get(linkPort('net0'))!.receive(Uint8Array.of(up ? 1 : 0));
  const send = (parts: RequestPart[]): void => {
    driver.request(parts, TRANSMIT);
    driver.notify(1);
  };
  return { net, driver, sent, receive, setLink, send };
}

describe.each([
  ['modern', 12],
  ['legacy', 12],
] as const)('virtio-net, %s', (version, headerSize) => {
  it('tells of itself in the configuration space', () => {
    const { driver } = setup({ version, mtu: 9000 });
    expect(driver.read(REGISTER.deviceId)).toBe(1);
    const bytes = Array.from({ length: 12 }, (_, at) => driver.device.read(REGISTER.config + at, 1));
    expect(bytes).toEqual([...MAC, 1, 0, 1, 0, 9000 & 0xff, 9000 >> 8]);
    driver.write(REGISTER.config, 0);
    expect(driver.device.read(REGISTER.config, 1)).toBe(0x52);
    expect((driver.offered >> 3n) & 1n).toBe(1n);
    expect((setup({ version }).driver.offered >> 3n) & 1n).toBe(0n);
  });

  it('sends what the driver hands over, without the header, at once', () => {
    const { driver, sent, send, net } = setup({ version });
    send([new Uint8Array(headerSize), frameOf(60)]);
    send([Uint8Array.of(...new Uint8Array(headerSize), ...frameOf(20)), frameOf(1000, 7)]);
    expect(sent).toEqual([frameOf(60), Uint8Array.of(...frameOf(20), ...frameOf(1000, 7))]);
    expect(driver.usedIndex(1)).toBe(2);
    expect(driver.used(1, 1).length).toBe(0);
    expect(driver.line.level).toBe(true);
    expect(net.counts).toEqual({ sent: 2, received: 0, dropped: 0 });
  });

  it('receives a frame into one buffer', () => {
    const { driver, receive } = setup({ version });
    const [address] = driver.request([2048], RECEIVE);
    expect(receive(frameOf(60))).toBe(60);
    expect(driver.used(0).length).toBe(headerSize + 60);
    const bytes = driver.memory.bytes(address!, headerSize + 60)!;
    expect([...bytes.subarray(0, headerSize)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
    expect(bytes.slice(headerSize)).toEqual(frameOf(60));
    expect(driver.line.level).toBe(true);
  });

  it('spreads a large frame over buffers', () => {
    const { driver, receive } = setup({ version });
    const addresses = [500, 300, 2000].flatMap((size) => driver.request([size], RECEIVE));
    expect(receive(frameOf(1514))).toBe(1514);
    expect([0, 1, 2].map((n) => driver.used(n).length)).toEqual([500, 300, headerSize + 1514 - 800]);
    const parts = [500, 300, headerSize + 714].map((size, n) => driver.memory.bytes(addresses[n]!, size)!);
    const whole = Buffer.concat(parts);
    expect(whole[10]).toBe(3);
    expect(Uint8Array.from(whole.subarray(headerSize))).toEqual(frameOf(1514));
  });
});

describe('virtio-net', () => {
  it('has a shorter header for an old driver without mergeable buffers', () => {
    const { driver, receive, send, sent } = setup({ version: 'legacy', wants: [] });
    send([new Uint8Array(10), frameOf(60)]);
    expect(sent).toEqual([frameOf(60)]);
    const [address] = driver.request([2048], RECEIVE);
    expect(receive(frameOf(60))).toBe(60);
    expect(driver.used(0).length).toBe(70);
    expect(driver.memory.bytes(address!, 70)!.slice(10)).toEqual(frameOf(60));
  });

  it('takes a whole frame or nothing, and keeps the buffers that were not enough', () => {
    const { driver, receive, net } = setup();
    expect(receive(frameOf(1514))).toBe(0);
    driver.request([600], RECEIVE);
    expect(receive(frameOf(1514))).toBe(0);
    expect(driver.usedIndex()).toBe(0);
    driver.request([2000], RECEIVE);
    expect(receive(frameOf(1514))).toBe(1514);
    expect(driver.usedIndex()).toBe(2);
    expect(receive(frameOf(60))).toBe(0);
    expect(net.counts).toEqual({ sent: 0, received: 1, dropped: 0 });
  });

  it('drops what fits into none of the driver’s buffers, and goes on', () => {
    const merging = setup({ queueSize: 2 });
    for (let n = 0; n < 2; n++) merging.driver.request([100], RECEIVE);
    expect(merging.receive(frameOf(1514))).toBe(1514);
    expect(merging.net.counts.dropped).toBe(1);
    expect(merging.receive(frameOf(60))).toBe(60);
    expect(merging.driver.usedIndex()).toBe(1);

    const single = setup({ wants: [] });
    single.driver.request([1000], RECEIVE);
    expect(single.receive(frameOf(1514))).toBe(1514);
    expect(single.net.counts.dropped).toBe(1);
    expect(single.receive(frameOf(900))).toBe(900);
  });

  it('drops frames that are none', () => {
    const { net, driver, receive, send, sent } = setup();
    driver.request([2048], RECEIVE);
    expect(receive(frameOf(13))).toBe(13);
    expect(receive(frameOf(MAX_FRAME + 1))).toBe(MAX_FRAME + 1);
    send([new Uint8Array(12), frameOf(13)]);
    send([new Uint8Array(12)]);
    expect(sent).toEqual([]);
    expect(net.counts).toEqual({ sent: 0, received: 0, dropped: 4 });
    expect(driver.usedIndex(1)).toBe(2);
    expect(driver.broken).toEqual([]);
  });

  it('asks the packet hook in both directions', () => {
    const seen: [PacketDirection, number][] = [];
    const { driver, receive, send, sent, net } = setup({
      hook: (direction, frame) => {
        seen.push([direction, frame.length]);
        return frame[0] === 9 ? 'drop' : 'allow';
      },
    });
    driver.request([2048], RECEIVE);
    expect(receive(frameOf(60, 9))).toBe(60);
    expect(driver.usedIndex()).toBe(0);
    expect(receive(frameOf(61, 1))).toBe(61);
    expect(driver.usedIndex()).toBe(1);
    // What could not be received is asked about again when it can be.
    expect(receive(frameOf(62))).toBe(0);
    send([new Uint8Array(12), frameOf(63, 9)]);
    send([new Uint8Array(12), frameOf(64, 1)]);
    expect(sent).toEqual([frameOf(64, 1)]);
    expect(seen).toEqual([
      ['in', 60],
      ['in', 61],
      ['out', 63],
      ['out', 64],
    ]);
    expect(net.counts).toEqual({ sent: 1, received: 1, dropped: 2 });
  });

  it('tells the driver of its link, and carries nothing without one', () => {
    const { driver, receive, send, sent, setLink, net } = setup();
    driver.request([2048], RECEIVE);
    expect(setLink(true)).toBe(1);
    expect(driver.line.level).toBe(false);
    const generation = driver.read(REGISTER.configGeneration);
    expect(setLink(false)).toBe(1);
    expect(driver.read(REGISTER.interruptStatus)).toBe(2);
    expect(driver.device.read(REGISTER.config + 6, 2)).toBe(0);
    expect(driver.read(REGISTER.configGeneration)).not.toBe(generation);
    expect(net.listening).toBe(false);
    expect(receive(frameOf(60))).toBe(0);
    send([new Uint8Array(12), frameOf(60)]);
    expect(sent).toEqual([]);
    expect(driver.usedIndex(1)).toBe(1);
    setLink(true);
    expect(receive(frameOf(60))).toBe(60);
  });

  it('hears nothing before there is a driver', () => {
    const { driver, receive, net } = setup();
    driver.request([2048], RECEIVE);
    expect(net.listening).toBe(true);
    driver.write(REGISTER.status, 0);
    expect(net.listening).toBe(false);
    expect(receive(frameOf(60))).toBe(0);
  });

  it.each([
    ['a frame without its header', 1, [new Uint8Array(11)]],
    ['a frame that is too long', 1, [new Uint8Array(12), new Uint8Array(MAX_FRAME), new Uint8Array(1)]],
    ['a receive buffer to be read', 0, [new Uint8Array(100)]],
    ['a receive buffer without room for the header', 0, [11]],
  ] as const)('refuses %s', (_, queue, parts) => {
    const { driver, receive } = setup();
    driver.request(parts, { queue });
    driver.notify(queue);
    receive(frameOf(60));
    expect(driver.broken).toHaveLength(1);
    expect(driver.status & 0x40).toBe(0x40);
  });

  it('goes on with its buffers and its link when it is restored', () => {
    const { driver, receive, setLink } = setup();
    driver.request([600], RECEIVE);
    driver.request([2048], RECEIVE);
    receive(frameOf(60));
    driver.request([200], RECEIVE);
    expect(receive(frameOf(4000))).toBe(0);
    setLink(false);
    const writer = new StateWriter();
    driver.device.save(writer);
    const saved = writer.take().slice();

    const other = setup();
    other.driver.memory.ram.set(driver.memory.ram);
    other.driver.rings[0] = driver.rings[0]!;
    const reader = new StateReader(saved, 'net0');
    other.driver.device.restore(reader);
    reader.end();
    expect(other.net.linkUp).toBe(false);
    const again = new StateWriter();
    other.driver.device.save(again);
    expect(again.take()).toEqual(saved);
    for (const one of [setLink, other.setLink]) one(true);
    for (const one of [receive, other.receive]) expect(one(frameOf(1514))).toBe(1514);
    expect(Buffer.compare(other.driver.memory.ram, driver.memory.ram)).toBe(0);
  });

  it('refuses saved state that no card could have', () => {
    const { driver, receive } = setup();
    driver.request([600], RECEIVE);
    receive(frameOf(1514));
    const writer = new StateWriter();
    driver.device.save(writer);
    const saved = writer.take().slice();
    for (let at = 0; at < saved.length; at++) {
      const damaged = saved.slice();
      damaged[at]! ^= 0xff;
      const other = setup();
      try {
        other.driver.device.restore(new StateReader(damaged, 'net0'));
        other.receive(frameOf(60));
      } catch (error) {
        expect(error).toMatchObject({ name: 'PlinthError', kind: 'input' });
      }
    }
  });

  // A driver that writes what it likes into rings and descriptors: the card ends each call, and writes into RAM only.
  it('survives a hostile driver', () => {
    const descriptor = fc.record({
      address: fc.oneof(
        fc.integer({ min: 0, max: 0xf_ffff }).map((at) => RAM_BASE + at),
        fc.constantFrom(0, RAM_BASE - 1, 0xffff_fff0, 2 ** 40, 2 ** 60),
      ),
      length: fc.oneof(fc.integer({ min: 0, max: 4096 }), fc.constantFrom(0xffff_ffff, 0x8000_0000, 65536)),
      flags: fc.integer({ min: 0, max: 7 }),
      next: fc.integer({ min: 0, max: 9 }),
    });
    const step = fc.oneof(
      fc.record({ kind: fc.constant('descriptor' as const), queue: fc.nat(1), index: fc.nat(7), descriptor }),
      fc.record({ kind: fc.constant('offer' as const), queue: fc.nat(1), head: fc.integer({ min: 0, max: 9 }) }),
      fc.record({ kind: fc.constant('index' as const), queue: fc.nat(1), index: fc.nat(0xffff) }),
      fc.record({ kind: fc.constant('notify' as const), queue: fc.nat(3) }),
      fc.record({ kind: fc.constant('receive' as const), length: fc.constantFrom(0, 14, 60, 1514, 65550) }),
      fc.record({ kind: fc.constant('link' as const), up: fc.boolean() }),
      fc.record({ kind: fc.constant('restart' as const) }),
      fc.record({ kind: fc.constant('register' as const), offset: fc.nat(0x110), value: fc.nat(0xffff_ffff) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.boolean(), fc.boolean(), (steps, legacy, merges) => {
        const version = legacy ? 'legacy' : 'modern';
        const { driver, receive, setLink, sent } = setup({ version, queueSize: 8, ...(merges ? {} : { wants: [] }) });
        for (const one of steps) {
          switch (one.kind) {
            case 'descriptor': {
              const { address, length, flags, next } = one.descriptor;
              driver.descriptor(driver.rings[one.queue]!.descriptors, one.index, address, length, flags, next);
              break;
            }
            case 'offer':
              driver.offer(one.head, one.queue);
              break;
            case 'index':
              driver.memory.set16(driver.rings[one.queue]!.available + 2, one.index);
              break;
            case 'notify':
              driver.notify(one.queue);
              break;
            case 'receive': {
              const taken = receive(frameOf(one.length));
              expect([0, one.length]).toContain(taken);
              break;
            }
            case 'link':
              setLink(one.up);
              break;
            case 'restart':
              driver.start();
              break;
            case 'register':
              driver.device.write(one.offset & ~3, 4, one.value);
          }
        }
        for (const { length } of sent) expect(length).toBeLessThanOrEqual(MAX_FRAME);
      }),
      { numRuns: 500 },
    );
  });

  it('offers mergeable buffers', () => {
    expect((setup().driver.offered >> BigInt(MERGEABLE)) & 1n).toBe(1n);
  });
});
