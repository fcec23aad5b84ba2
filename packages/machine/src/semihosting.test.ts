// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSemihostingCall, Semihosting, type SemihostingFiles, type SemihostingHost } from './semihosting.js';

const BLOCK = 0x100;
const TEXT = 0x200;
const BUFFER = 0x1000;

/** 8 KiB of guest memory at address 0, one file system of one directory, and a console. */
function world(withFiles = true) {
  const ram = new Uint8Array(0x2000);
  const out: string[] = [];
  let input = new Uint8Array(0);
  let ended = false;
  const contents = new Map<string, Uint8Array>([['data.txt', new TextEncoder().encode('hello')]]);
  const open = new Map<number, { name: string; position: number }>();
  const files: SemihostingFiles = {
    open: (name, mode) => {
      if (!mode.startsWith('w') && !contents.has(name)) return -2;
      if (mode.startsWith('w')) contents.set(name, new Uint8Array(0));
      open.set(open.size, { name, position: 0 });
      return open.size - 1;
    },
    close: (file) => (open.delete(file) ? 0 : -9),
    write: (file, bytes) => {
      const entry = open.get(file)!;
      contents.set(entry.name, Uint8Array.from([...contents.get(entry.name)!, ...bytes]));
      return bytes.length;
    },
    read: (file, size) => {
      const entry = open.get(file)!;
      const bytes = contents.get(entry.name)!.slice(entry.position, entry.position + size);
      entry.position += bytes.length;
      return bytes;
    },
    seek: (file, position) => (open.get(file)!.position = position),
    length: (file) => contents.get(open.get(file)!.name)!.length,
    isTerminal: () => false,
    remove: (name) => (contents.delete(name) ? 0 : -2),
    rename: (from, to) => {
      const bytes = contents.get(from);
      if (bytes === undefined) return -2;
      contents.delete(from);
      contents.set(to, bytes);
      return 0;
    },
  };
  const host: SemihostingHost = {
    commandLine: 'app -x',
    heap: { heapBase: 1, heapLimit: 2, stackBase: 3, stackLimit: 4 },
    ...(withFiles ? { files } : {}),
    clock: () => 0x1_0000_0000 * 3 + 7,
    time: () => 1_700_000_000.5,
    writeConsole: (bytes, stream) => out.push(`${stream}:${new TextDecoder().decode(bytes)}`),
    readConsole: (size) => {
      if (input.length === 0) return ended ? 'end' : undefined;
      const taken = input.slice(0, size);
      input = input.slice(size);
      return taken;
    },
  };
  const semihosting = new Semihosting(host, {
    read: (address, size) => (address + size <= ram.length ? ram.subarray(address, address + size) : undefined),
    write: (address, bytes) => {
      if (address + bytes.length > ram.length) return false;
      ram.set(bytes, address);
      return true;
    },
  });
  const text = (address: number, value: string): number => {
    ram.set(new TextEncoder().encode(`${value}\0`), address);
    return value.length;
  };
  const block = (...values: number[]): number => {
    const view = new DataView(ram.buffer);
    values.forEach((value, at) => view.setUint32(BLOCK + at * 4, value, true));
    return BLOCK;
  };
  const call = (operation: number, parameter: number): number => {
    const result = semihosting.call(operation, parameter);
    if (result.kind !== 'return') throw new Error(result.kind);
    return result.r0;
  };
  const openFile = (name: string, mode: number): number => call(0x01, block(TEXT, mode, text(TEXT, name)));
  const type = (value: string): void => {
    input = new TextEncoder().encode(value);
  };
  const word = (address: number): number => new DataView(ram.buffer).getUint32(address, true);
  const string = (address: number, length: number): string =>
    new TextDecoder().decode(ram.subarray(address, address + length));
  const end = (): void => {
    ended = true;
  };
  return { semihosting, ram, out, contents, text, block, call, openFile, type, end, word, string };
}

describe('semihosting', () => {
  it('knows its instructions', () => {
    expect([0xef12_3456, 0x0f12_3456, 0xe10f_0070].map((word) => isSemihostingCall(word, false))).toEqual([
      true,
      true,
      true,
    ]);
    expect([0xef00_0000, 0xff12_3456, 0xe10f_0071].map((word) => isSemihostingCall(word, false))).toEqual([
      false,
      false,
      false,
    ]);
    expect([0xdfab, 0xbabc, 0xdf00].map((half) => isSemihostingCall(half, true))).toEqual([true, true, false]);
  });

  it('writes characters, strings and buffers to the console', () => {
    const { call, text, block, openFile, out } = world();
    text(TEXT, 'Hi');
    call(0x03, TEXT);
    call(0x04, TEXT);
    const [stdout, stderr] = [openFile(':tt', 4), openFile(':tt', 8)];
    text(TEXT, 'abc');
    expect(call(0x05, block(stdout, TEXT, 3))).toBe(0);
    expect(call(0x05, block(stderr, TEXT, 2))).toBe(0);
    expect(out).toEqual(['out:H', 'out:Hi', 'out:abc', 'error:ab']);
    expect(call(0x09, block(stdout))).toBe(1);
  });

  it('waits for console input, takes what there is, and knows the end', () => {
    const { semihosting, call, block, openFile, type, string, end } = world();
    const stdin = openFile(':tt', 0);
    expect(semihosting.call(0x07, 0)).toEqual({ kind: 'wait' });
    expect(semihosting.call(0x06, block(stdin, BUFFER, 10))).toEqual({ kind: 'wait' });
    type('xyz');
    expect(call(0x07, 0)).toBe(0x78);
    expect(call(0x06, block(stdin, BUFFER, 10))).toBe(8);
    expect(string(BUFFER, 2)).toBe('yz');
    end();
    expect(call(0x07, 0)).toBe(-1);
    expect(call(0x06, block(stdin, BUFFER, 10))).toBe(10);
  });

  it('reads, seeks and measures files', () => {
    const { call, block, openFile, string } = world();
    const file = openFile('data.txt', 1);
    expect(file).toBeGreaterThan(0);
    expect(call(0x0c, block(file))).toBe(5);
    expect(call(0x06, block(file, BUFFER, 4))).toBe(0);
    expect(string(BUFFER, 4)).toBe('hell');
    expect(call(0x06, block(file, BUFFER, 4))).toBe(3);
    expect(call(0x06, block(file, BUFFER, 4))).toBe(4);
    expect(call(0x0a, block(file, 1))).toBe(0);
    expect(call(0x06, block(file, BUFFER, 4))).toBe(0);
    expect(string(BUFFER, 4)).toBe('ello');
    expect(call(0x09, block(file))).toBe(0);
    expect(call(0x02, block(file))).toBe(0);
    expect(call(0x02, block(file))).toBe(-1);
    expect(call(0x13, 0)).toBe(9);
  });

  it('writes, renames and removes files', () => {
    const { call, block, openFile, text, contents } = world();
    const file = openFile('new', 4);
    text(TEXT, 'data');
    expect(call(0x05, block(file, TEXT, 4))).toBe(0);
    expect(new TextDecoder().decode(contents.get('new'))).toBe('data');
    const length = text(TEXT, 'new');
    text(TEXT + 16, 'old');
    expect(call(0x0f, block(TEXT, length, TEXT + 16, 3))).toBe(0);
    expect(call(0x0e, block(TEXT, length))).toBe(-1);
    expect(call(0x13, 0)).toBe(2);
    expect(call(0x0e, block(TEXT + 16, 3))).toBe(0);
    expect(contents.has('old')).toBe(false);
  });

  it('has no files when the host gives none', () => {
    const { openFile, call, block, text } = world(false);
    expect(openFile('data.txt', 0)).toBe(-1);
    expect(call(0x13, 0)).toBe(2);
    expect(call(0x0e, block(TEXT, text(TEXT, 'data.txt')))).toBe(-1);
    expect(openFile(':tt', 4)).toBe(1);
  });

  it('tells its features', () => {
    const { call, block, openFile, ram } = world();
    const file = openFile(':semihosting-features', 0);
    expect(call(0x0c, block(file))).toBe(5);
    expect(call(0x06, block(file, BUFFER, 4))).toBe(0);
    expect(call(0x06, block(file, BUFFER + 4, 4))).toBe(3);
    expect([...ram.subarray(BUFFER, BUFFER + 5)]).toEqual([0x53, 0x48, 0x46, 0x42, 3]);
    expect(call(0x0a, block(file, 4))).toBe(0);
    expect(call(0x0a, block(file, 6))).toBe(-1);
    expect(openFile(':semihosting-features', 4)).toBe(-1);
  });

  it('tells time, command line and heap', () => {
    const { call, block, word, string } = world();
    expect(call(0x10, 0)).toBe(Math.floor((0x1_0000_0000 * 3 + 7) / 1e7));
    expect(call(0x11, 0)).toBe(1_700_000_000);
    expect(call(0x31, 0)).toBe(1_000_000_000);
    expect(call(0x30, BUFFER)).toBe(0);
    expect([word(BUFFER), word(BUFFER + 4)]).toEqual([7, 3]);
    expect(call(0x15, block(BUFFER, 7))).toBe(0);
    expect([string(BUFFER, 7), word(BLOCK + 4)]).toEqual(['app -x\0', 6]);
    expect(call(0x15, block(BUFFER, 6))).toBe(-1);
    expect(call(0x16, block(BUFFER))).toBe(0);
    expect([0, 4, 8, 12].map((at) => word(BUFFER + at))).toEqual([1, 2, 3, 4]);
    expect(call(0x0d, block(BUFFER, 5, 100))).toBe(0);
    expect(string(BUFFER, 13)).toBe('plinth-5.tmp\0');
  });

  it('refuses commands and unknown operations, and classes results', () => {
    const { call, block, text } = world();
    expect(call(0x12, block(TEXT, text(TEXT, 'ls')))).toBe(-1);
    expect(call(0x77, 0)).toBe(-1);
    expect([call(0x08, block(0xffff_ffff)), call(0x08, block(3))]).toEqual([1, 0]);
  });

  it('ends the machine', () => {
    const { semihosting, block } = world();
    expect(semihosting.call(0x18, 0x2_0026)).toEqual({ kind: 'exit', status: 0 });
    expect(semihosting.call(0x18, 0x2_0023)).toEqual({ kind: 'exit', status: 1 });
    expect(semihosting.call(0x20, block(0x2_0026, 42))).toEqual({ kind: 'exit', status: 42 });
    expect(semihosting.call(0x20, block(0x2_0023, 42))).toEqual({ kind: 'exit', status: 1 });
    expect(semihosting.call(0x20, 0x1fff)).toEqual({ kind: 'exit', status: 1 });
  });

  it('answers any call with a result', () => {
    const operation = fc.oneof(fc.nat(0x32), fc.integer());
    const value = fc.oneof(
      fc.nat(0x2200),
      fc.nat(20),
      fc.integer().map((number) => number >>> 0),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(operation, value, value, value, value), { maxLength: 20 }), (calls) => {
        const { semihosting, block, type } = world();
        type('some input');
        for (const [number, ...words] of calls) {
          const parameter = words[3] % 2 === 0 ? block(...words) : words[3];
          expect(['return', 'exit', 'wait']).toContain(semihosting.call(number, parameter).kind);
        }
        semihosting.reset();
      }),
    );
  });
});
