// SPDX-License-Identifier: Apache-2.0
import { StateReader, StateWriter } from '@plinth/core';
import { describe, expect, it } from 'vitest';
import { type Input, Inputs } from '../../../inputs.js';
import { MemoryFolder } from '../../../testing/memory-folder.js';
import { type Field, message, type MessageName, readAnswer } from '../../../testing/p9-client.js';
import { REGISTER, VirtioTestDriver } from '../../../testing/virtio-driver.js';
import { REQUEST_TIMING } from '../timed-requests.js';
import { Virtio9p } from './device.js';
import { LINUX_ERRNO, type SharedFolder } from './shared-folder.js';

const ROOM = 4096;

function setup(options: { folder?: SharedFolder; inputs?: Inputs; version?: 'modern' | 'legacy' } = {}) {
  const { folder = new MemoryFolder(), inputs, version = 'modern' } = options;
  if (folder instanceof MemoryFolder) folder.put('file', Uint8Array.of(1, 2, 3));
  const device = new Virtio9p({ name: 'share0', tag: 'täg', folder });
  const answer = inputs === undefined ? {} : { answer: inputs.answer.bind(inputs) };
  const driver = new VirtioTestDriver(device, { version, ...answer }).start();
  const send = (name: MessageName, ...fields: readonly Field[]): { answer: () => Uint8Array } => {
    const at = driver.usedIndex();
    const [, room] = driver.request([message(name, ...fields), ROOM]);
    driver.notify();
    return { answer: () => driver.memory.bytes(room!, driver.used(at).length)!.slice() };
  };
  const ask = (name: MessageName, ...fields: readonly Field[]): Uint8Array => {
    const { answer: done } = send(name, ...fields);
    driver.settle();
    return done();
  };
  return { driver, send, ask, device };
}

const VERSION: readonly Field[] = [[4, 8192], '9P2000.L'];
const ATTACH: readonly Field[] = [[4, 0], [4, 0xffff_ffff], 'root', '', [4, 0]]; // prettier-ignore

/** Opens the file as fid 1. */
function open({ ask }: Pick<ReturnType<typeof setup>, 'ask'>): Uint8Array[] {
  return [
    ask('version', ...VERSION),
    ask('attach', ...ATTACH),
    ask('walk', [4, 0], [4, 1], [2, 1], 'file'),
    ask('lopen', [4, 1], [4, 2]),
  ];
}

describe('virtio-9p', () => {
  it.each(['modern', 'legacy'] as const)(
    'has its tag in the configuration space and serves requests, %s',
    (version) => {
      const { driver, ask } = setup({ version });
      expect(driver.read(REGISTER.deviceId)).toBe(9);
      expect(driver.offered & 1n).toBe(1n);
      expect(driver.device.read(REGISTER.config, 2)).toBe(4);
      const tag = [0, 1, 2, 3].map((at) => driver.device.read(REGISTER.config + 2 + at, 1));
      expect(Buffer.from(tag).toString()).toBe('täg');
      open({ ask });
      expect(ask('read', [4, 1], [8, 1], [4, 100]).slice(7)).toEqual(Uint8Array.of(2, 0, 0, 0, 2, 3));
      expect(driver.broken).toEqual([]);
    },
  );

  it('completes at a time that the request fixes, in order', () => {
    const { driver, send, ask } = setup();
    open({ ask });
    const start = driver.now;
    send('read', [4, 1], [8, 0], [4, 1000]);
    send('clunk', [4, 1]);
    const first = start + (23 + 1000) * REQUEST_TIMING.nanosecondsPerByte + REQUEST_TIMING.latency;
    expect(driver.events.next()).toBe(first);
    const used = driver.usedIndex();
    driver.passTo(first);
    expect(driver.usedIndex()).toBe(used + 1);
    driver.passTo(first + 11 * REQUEST_TIMING.nanosecondsPerByte);
    expect(driver.usedIndex()).toBe(used + 2);
    expect([driver.used(used).length, driver.used(used + 1).length]).toEqual([7 + 4 + 3, 7]);
  });

  it('repeats a recorded run without the folder', () => {
    const recorded: Input[] = [];
    const place = (): { count: number; time: number } => ({ count: 5, time: 5 });
    const hooks = { place, settle: () => {}, answered: () => {} };
    const run = (one: ReturnType<typeof setup>): unknown => {
      const answers = [...open(one), one.ask('read', [4, 1], [8, 0], [4, 10]), one.ask('lcreate', [4, 0], 'new', [4, 2], [4, 0o644], [4, 0])];
      const writer = new StateWriter();
      one.device.save(writer);
      return { answers, state: writer.take() };
    }; // prettier-ignore
    const live = run(setup({ inputs: new Inputs({ ...hooks, onInput: (input) => recorded.push(input) }) }));
    expect(recorded.map(({ kind, port }) => `${kind} ${port}`)).toEqual(Array(6).fill('answer share0'));
    const inputs = new Inputs(hooks);
    inputs.play(recorded);
    const noFolder = new Proxy({} as SharedFolder, {
      get: () => {
        throw new Error('the folder was asked');
      },
    });
    expect(run(setup({ inputs, folder: noFolder }))).toEqual(live);
    expect(inputs.playing).toBe(false);
  });

  it('goes on with open files and what is under way when it is restored', () => {
    const folder = new MemoryFolder();
    const { driver, send, ask } = setup({ folder });
    open({ ask });
    send('read', [4, 1], [8, 0], [4, 10]);
    const writer = new StateWriter();
    driver.device.save(writer);
    const saved = writer.take().slice();
    const ram = driver.memory.ram.slice();
    const restored = (bytes: Uint8Array): VirtioTestDriver => {
      const other = setup({ folder: new MemoryFolder() }).driver;
      other.memory.ram.set(ram);
      other.rings[0] = driver.rings[0]!;
      const reader = new StateReader(bytes, 'share0');
      other.device.restore(reader);
      reader.end();
      return other;
    };
    const other = restored(saved);
    for (const one of [driver, other]) one.settle();
    expect(Buffer.compare(other.memory.ram, driver.memory.ram)).toBe(0);
    for (let at = 0; at < saved.length; at++) {
      const damaged = saved.slice();
      damaged[at]! ^= 0xff;
      try {
        restored(damaged).settle();
      } catch (error) {
        expect(error).toMatchObject({ name: 'PlinthError', kind: 'input' });
      }
    }
  });

  it('lets go of everything at a reset', () => {
    const folder = new MemoryFolder();
    const { driver, send, ask } = setup({ folder });
    open({ ask });
    expect(folder.open).toBe(1);
    send('write', [4, 1], [8, 0], [4, 1], Uint8Array.of(9));
    driver.write(REGISTER.status, 0);
    driver.settle();
    expect(folder.open).toBe(0);
    expect([...folder.at('file').bytes]).toEqual([1, 2, 3]);
  });

  it('breaks at a message without a header or room for an answer', () => {
    const { driver } = setup();
    driver.request([new Uint8Array(6), 100]);
    driver.notify();
    driver.start();
    driver.request([message('version', ...VERSION), 10]);
    driver.notify();
    expect(driver.broken).toHaveLength(2);
    expect(driver.status & 0x40).toBe(0x40);
  });

  it('tells of the host’s trouble, and gives the guest an error', () => {
    const folder = new MemoryFolder();
    const { driver, ask } = setup({ folder });
    open({ ask });
    folder.trouble = LINUX_ERRNO.ENOSPC;
    const answer = ask('write', [4, 1], [8, 0], [4, 1], Uint8Array.of(9));
    expect(readAnswer(answer)).toBe(LINUX_ERRNO.ENOSPC);
    expect(driver.trouble).toEqual(['share0: the host’s disk is full']);
  });
});
