// SPDX-License-Identifier: Apache-2.0
// A kept interpreter is the generated one or is not used; nothing that can happen to its file does more than cost time.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InterpreterImage, interpreterBytes, Machine } from '@plinth/machine';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inspectInterpreters, keptInterpreterBytes, type KeptPlace } from './kept-interpreter.js';

const FRESH = Buffer.from(interpreterBytes());

let home: string;
let place: KeptPlace;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'plinth-test-'));
  const code = join(home, 'dist');
  mkdirSync(code);
  place = { directory: join(home, 'cache', 'interpreter'), code: [code], loaded: Date.now() + 3_600_000 };
  setCode('1');
});
afterEach(() => rmSync(home, { recursive: true }));

function setCode(text: string): void {
  writeFileSync(join(home, 'dist', 'code.js'), text);
}

function copyFile(): string {
  const { path } = inspectInterpreters(place);
  expect(path).toBeDefined();
  return path!;
}

function expectFresh(): void {
  expect(FRESH.equals(keptInterpreterBytes(false, place))).toBe(true);
}

describe('the kept interpreter', () => {
  it('is written once, alone in its directory, and then read', () => {
    expectFresh();
    const path = copyFile();
    const { ino } = statSync(path);
    expectFresh();
    expect(statSync(path).ino).toBe(ino);
    expect(readdirSync(place.directory).map((name) => join(place.directory, name))).toEqual([path]);
    expect(inspectInterpreters(place)).toEqual({ path, present: true, stale: [] });
    expect(WebAssembly.validate(readFileSync(path))).toBe(true);
  });

  it('runs as the generated one', () => {
    keptInterpreterBytes(false, place);
    const hashes = [FRESH, keptInterpreterBytes(false, place)].map((bytes) => {
      const machine = new Machine({ ramSize: 65536, interpreter: new InterpreterImage(bytes) });
      // Numbers from 0 up, stored one after the other: add r0, r0, #1; str r0, [r1, #4]!; b .-8
      const words = Int32Array.of(0xe2800001, 0xe5a10004, 0xeafffffc);
      const entry = machine.memory.ramBase;
      const segments = [{ address: entry, bytes: new Uint8Array(words.buffer) }];
      machine.load({ segments, entry, thumb: false, registers: { r0: 0, r1: entry + 0x1000, r2: 0 } });
      machine.run({ until: 30_000 });
      expect(machine.cpu.state.reg(0)).toBe(10_000);
      return machine.stateHash();
    });
    expect(hashes[1]).toBe(hashes[0]);
  });

  it('has a copy of its own for shared memory', () => {
    const shared = Buffer.from(interpreterBytes(true));
    expect(shared.equals(FRESH)).toBe(false);
    expectFresh();
    expect(shared.equals(keptInterpreterBytes(true, place))).toBe(true);
    const inodes = readdirSync(place.directory).map((name) => statSync(join(place.directory, name)).ino);
    expect(inodes).toHaveLength(2);
    expectFresh();
    expect(shared.equals(keptInterpreterBytes(true, place))).toBe(true);
    expect(readdirSync(place.directory).map((name) => statSync(join(place.directory, name)).ino)).toEqual(inodes);
    expect(inspectInterpreters(place)).toMatchObject({ present: true, stale: [] });
  });

  it('has another name when the code changes', () => {
    expectFresh();
    const old = copyFile();
    setCode('2');
    expect(inspectInterpreters(place)).toMatchObject({ present: false, stale: [old] });
    expectFresh();
    const path = copyFile();
    expect(path).not.toBe(old);
    expect(inspectInterpreters(place)).toEqual({ path, present: true, stale: [old] });
  });

  it.each<[string, (path: string) => void]>([
    ['cut short', (path) => truncateSync(path, 100_000)],
    ['empty', (path) => truncateSync(path, 0)],
    ['longer', (path) => writeFileSync(path, Buffer.alloc(8), { flag: 'a' })],
    [
      'changed in one bit',
      (path) => {
        const bytes = readFileSync(path);
        bytes[500_000]! ^= 4;
        writeFileSync(path, bytes);
      },
    ],
    [
      'of other code under this name',
      (path) => {
        setCode('2');
        keptInterpreterBytes(false, place);
        renameSync(copyFile(), path);
        setCode('1');
      },
    ],
  ])('is not used and is replaced: %s', (_, damage) => {
    expectFresh();
    const path = copyFile();
    damage(path);
    expect(inspectInterpreters(place)).toEqual({ path, present: false, stale: [path] });
    expectFresh();
    expect(inspectInterpreters(place)).toEqual({ path, present: true, stale: [] });
  });

  it('is neither read nor written when the code changed after it was loaded', () => {
    expectFresh();
    const path = copyFile();
    truncateSync(path, 0);
    place = { ...place, loaded: Date.now() - 3_600_000 };
    expectFresh();
    expect(statSync(path).size).toBe(0);
    expect(inspectInterpreters(place).path).toBeUndefined();
  });

  it('does without a directory that can be written', () => {
    const file = join(home, 'file');
    writeFileSync(file, '');
    place = { ...place, directory: join(file, 'interpreter') };
    expectFresh();
    expect(inspectInterpreters(place)).toMatchObject({ present: false, stale: [] });
  });

  it('leaves the copies that were used last', () => {
    mkdirSync(place.directory, { recursive: true });
    const others = Array.from({ length: 10 }, (_, i) => join(place.directory, `interpreter-${i}.wasm`));
    others.forEach((path, i) => {
      writeFileSync(path, '');
      utimesSync(path, 1000 + i, 1000 + i);
    });
    expectFresh();
    expect(inspectInterpreters(place).stale.toSorted()).toEqual(others.slice(3));
  });
});
