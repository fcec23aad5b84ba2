// SPDX-License-Identifier: Apache-2.0
// Unusable input and guests gone wrong: each is one line on standard error, with status 2 or a finding, and comes to an
// end by itself. All kernels are made here.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const PLINTH = join(import.meta.dirname, '../../packages/cli/bin/plinth.js');
const home = mkdtempSync(join(tmpdir(), 'plinth-test-'));
afterAll(() => rmSync(home, { recursive: true }));

function plinth(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PLINTH, ...args], {
    encoding: 'utf8',
    cwd: home,
    env: { ...process.env, XDG_CACHE_HOME: join(home, 'cache'), PLINTH_DEBUG: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 300_000,
  });
  return { status, stdout, stderr };
}

/** One line that has `part` in it, and this status. */
function expectLine(status: number, part: string, ...args: string[]): void {
  const result = plinth(...args);
  expect({ status: result.status, stdout: result.stdout }, result.stderr).toEqual({ status, stdout: '' });
  expect(result.stderr).toMatch(/^plinth: [^\n]*\n$/);
  expect(result.stderr).toContain(part);
}

function file(name: string, bytes: Uint8Array | string): string {
  writeFileSync(join(home, name), bytes);
  return name;
}

function code(name: string, ...words: readonly number[]): string {
  const bytes = Buffer.alloc(4096);
  words.forEach((word, i) => bytes.writeUInt32LE(word, i * 4));
  return file(name, bytes);
}

interface ElfFields {
  /** 1 little-endian, 2 big-endian. */
  readonly data?: 1 | 2;
  readonly elfClass?: 1 | 2;
  readonly machine?: number;
  readonly type?: number;
  readonly address?: number;
  readonly memorySize?: number;
  readonly headersAt?: number;
}

/** An executable with one segment of 4096 bytes. */
function elf(fields: ElfFields, length: number = 8192): Buffer {
  const { data = 1, elfClass = 1, machine = 40, type = 2, address = 0x4000_8000, headersAt = 52 } = fields;
  const bytes = Buffer.alloc(8192);
  const half = (value: number, at: number) =>
    data === 1 ? bytes.writeUInt16LE(value, at) : bytes.writeUInt16BE(value, at);
  const word = (value: number, at: number) =>
    data === 1 ? bytes.writeUInt32LE(value, at) : bytes.writeUInt32BE(value, at);
  bytes.write('\x7fELF', 'latin1');
  bytes.set([elfClass, data, 1], 4);
  half(type, 16);
  half(machine, 18);
  [1, address, headersAt, 0, 0x0500_0000].forEach((value, i) => word(value, 20 + 4 * i));
  [52, 32, 1].forEach((value, i) => half(value, 40 + 2 * i));
  [1, 4096, address, address, 4096, fields.memorySize ?? 4096, 5, 4096].forEach((value, i) => word(value, 52 + 4 * i));
  return bytes.subarray(0, length);
}

describe('an executable that is none for this machine', () => {
  it.each<[string, ElfFields, number | undefined, string]>([
    ['x86', { machine: 3 }, undefined, 'not ARM'],
    ['x86-64', { elfClass: 2, machine: 62 }, undefined, '64-bit'],
    ['aarch64', { elfClass: 2, machine: 183 }, undefined, '64-bit'],
    ['big-endian', { data: 2 }, undefined, 'big-endian'],
    ['object', { type: 1 }, undefined, 'not an executable'],
    ['in the header', {}, 20, 'cut short'],
    ['in the program header', {}, 60, 'cut short'],
    ['in the segment', {}, 8191, 'cut short'],
    ['headers outside', { headersAt: 0xffff_fff0 }, undefined, 'cut short or damaged'],
    ['below RAM', { address: 0 }, undefined, 'RAM is 256 MiB at 0x40000000'],
    ['larger than RAM', { memorySize: 0xffff_fff0 }, undefined, 'RAM is 256 MiB at 0x40000000'],
  ])('%s', (name, fields, length, part) => {
    const path = file(`${name}.elf`, elf(fields, length));
    expectLine(2, part, 'run', path);
    expectLine(2, part, 'run', '--kernel', path);
  });

  it('fails with 125 where the program’s status would be passed on', () => {
    expectLine(125, 'not ARM', 'run', file('semihosting.elf', elf({ machine: 3 })), '--semihosting');
  });
});

describe('a kernel cut short', () => {
  const zImage = Buffer.alloc(16384);
  [0x016f2818, 0, zImage.length, 0x04030201].forEach((word, i) => zImage.writeUInt32LE(word, 0x24 + i * 4));

  it.each([0, 1, 100, 4095, 4096, 10_000, 16_383])('after %i bytes', (length) => {
    const part = length === 0 ? 'this file is empty' : 'cut short';
    expectLine(2, part, 'run', '--kernel', file('short', zImage.subarray(0, length)));
  });
});

describe('files that do not fit their option', () => {
  const kernel = code('spin', 0xeafffffe);

  it.each(['kernel', 'initrd', 'dtb'])('--%s: missing, a directory, empty', (option) => {
    const others = option === 'kernel' ? [] : ['--kernel', kernel];
    expectLine(2, `${option}: absent: there is no such file`, 'run', ...others, `--${option}`, 'absent');
    expectLine(2, `${option}: /: this is a directory`, 'run', ...others, `--${option}`, '/');
    expectLine(2, `${option}: empty: this file is empty`, 'run', ...others, `--${option}`, file('empty', ''));
  });

  it('a device tree that is none, or damaged', () => {
    expectLine(2, 'no device tree magic', 'run', '--kernel', kernel, '--dtb', file('noise', Buffer.alloc(5000, 7)));
    const header = [0xd00dfeed, 5000, 56, 4000, 40, 17, 16, 0, 8, 3000];
    const damaged = Buffer.alloc(5000, 0xff);
    header.forEach((word, i) => damaged.writeUInt32BE(word, i * 4));
    expectLine(2, 'not a valid device tree blob', 'run', '--kernel', kernel, '--dtb', file('damaged', damaged));
  });

  it('an ELF kernel with what only Linux takes', () => {
    const program = file('plain.elf', elf({}));
    expectLine(2, 'append: plain.elf is an ELF file', 'run', '--kernel', program, '--append', 'quiet');
    expectLine(2, 'initrd: plain.elf is an ELF file', 'run', '--kernel', program, '--initrd', kernel);
  });
});

describe('a bad value', () => {
  const kernel = code('spin', 0xeafffffe);

  it.each([
    ['--memory', '1GB5', 'memory: "1GB5" is no size'],
    ['--memory', '5000', 'memory: a multiple of 4096'],
    ['--memory', '64G', 'memory: the board virt takes 3072 MiB at most'],
    ['--machine', 'vexpress', 'machine: there is no board "vexpress"'],
    ['--cpu', 'z80', 'cpu: there is no model "z80"'],
    ['--engine', 'fast', 'engine: "fast" is none of'],
    ['--console', 'telnet', 'console: "telnet" is none of'],
    ['--console', 'socket:/proc/absent/socket', '/proc/absent/socket: no socket can be made here'],
    ['--console', 'pipe:/proc/absent/pipe', '/proc/absent/pipe.in: not a named pipe'],
    ['--events', '/proc/absent/events', 'events: /proc/absent/events: cannot be written'],
    ['--seed', '123', 'seed: 1 to 64 bytes in hexadecimal'],
    ['--wall-clock', 'yesterday', 'wall-clock: "yesterday" is no time'],
    ['--limit-instructions', '-1', 'limit-instructions: "-1" is no number'],
    ['--limit-seconds', 'soon', 'limit-seconds: "soon" is no number'],
    ['--limit-output', '0', 'limit-output: "0" is no size'],
  ])('%s %s', (option, value, part) => {
    expectLine(2, part, 'run', '--kernel', kernel, option, value);
  });

  it('line breaks and escapes in it stay on the one line', () => {
    expectLine(2, 'engine: "a?b', 'run', '--kernel', kernel, '--engine', 'a\nb\x1b[2J');
    expectLine(2, 'there is no such file', 'run', '--kernel', 'a\nb');
  });
});

describe('a guest gone wrong ends by itself, with a finding', () => {
  const VBAR_HERE = [
    0xe24f0008, // sub r0, pc, #8    this instruction
    0xe2800c01, // add r0, r0, #256
    0xee0c0f10, // mcr p15, 0, r0, c12, c0, 0: VBAR
  ];
  const vectors = (word: number): number[] => [...VBAR_HERE, 0xe7f000f0, ...Array<number>(68).fill(word)];

  it.each([
    ['jumps to nowhere', [0xe3e0f20f]], // mvn pc, #0xf0000000
    ['jumps into a device', [0xe3a0f409]], // mov pc, #0x09000000
    ['calls a handler that is not there', [0xef000000]], // svc #0
    ['faults where its handler faults', vectors(0xe7f000f0)], // udf #0
  ])('%s', (name, words) => {
    const kernel = code('wrong', ...words);
    for (const engine of ['interpreter', 'translator']) {
      expectLine(1, 'finding: the guest faults for ever', 'run', '--kernel', kernel, '--engine', engine);
    }
    const { status, stdout } = plinth('run', '--kernel', kernel, '--json');
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      exit: { kind: 'finding' },
      findings: expect.arrayContaining([
        expect.objectContaining({ rule: 'fault-loop', severity: 'high', verdict: 'stop' }),
      ]) as unknown,
    });
    const events = join(home, `${name}.jsonl`);
    plinth('run', '--kernel', kernel, '--events', events);
    const last = readFileSync(events, 'utf8').trimEnd().split('\n').at(-1)!;
    expect(JSON.parse(last)).toMatchObject({
      rule: 'fault-loop',
      guest: { kind: 'machine' },
      evidence: { seed: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
    });
  });

  it('waits for ever', () => {
    const kernel = code('wait', 0xe320f003, 0xeafffffd); // wfi; b .-4
    expectLine(1, 'waits for an interrupt that nothing will raise', 'run', '--kernel', kernel);
  });

  it('runs for ever, within limits', () => {
    expectLine(1, '--limit-seconds', 'run', '--kernel', code('spin', 0xeafffffe), '--limit-seconds', '0.2');
  });
});

describe('the cache of images', () => {
  const images = join(home, 'cache/plinth/images/debian-mini');
  const names = ['vmlinuz', 'Image', 'initramfs.cpio.gz', 'vexpress-v2p-ca15-tc1.dtb', 'busybox'];

  /** An image of our making; only its hashes are looked at here. */
  function store(recipe: string): void {
    mkdirSync(images, { recursive: true });
    const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
    const files = names.map((name) => {
      const bytes = Buffer.alloc(5000, name);
      writeFileSync(join(images, name), bytes);
      return [name, { bytes: bytes.length, sha256: sha256(bytes) }] as const;
    });
    const manifest = { format: 1, name: 'debian-mini', created: '2025-01-01T00:00:00Z', packages: [], recipe };
    writeFileSync(join(images, 'manifest.json'), JSON.stringify({ ...manifest, files: Object.fromEntries(files) }));
  }

  // A damaged initramfs of another version is made anew; see tests/boot for one of this version.
  it.each(['vmlinuz', 'Image', 'busybox'])('%s that is not what was downloaded', (name) => {
    store('of another version');
    writeFileSync(join(images, name), 'something else');
    expectLine(
      2,
      `${name}: not what was downloaded (wrong SHA-256)`,
      'run',
      '--image',
      'debian-mini',
      '--stock',
      '--exec',
      'true',
    );
    expect(plinth('image', 'list').stdout).toMatch(/^debian-mini +damaged/m);
  });

  it('a manifest that is none', () => {
    store('x');
    writeFileSync(join(images, 'manifest.json'), '{"format": 1');
    expectLine(2, 'not a manifest of this version', 'image', 'path', 'debian-mini');
    expect(plinth('image', 'list').stdout).toMatch(/^debian-mini +damaged/m);
  });
});
