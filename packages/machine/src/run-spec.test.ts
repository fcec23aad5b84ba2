// SPDX-License-Identifier: Apache-2.0
// Defaults, every complaint about a run's description, and seeded nonsense: a value or one typed line.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PlinthError } from '@plinth/core';
import { parseRunSpec } from './run-spec.js';

function complaint(value: unknown): string {
  try {
    parseRunSpec(value);
  } catch (error) {
    if (error instanceof PlinthError && error.kind === 'input') return error.message;
    throw error;
  }
  return 'none';
}

describe('parseRunSpec', () => {
  it('fills in defaults', () => {
    expect(parseRunSpec({ kernel: 'zImage' })).toEqual({
      machine: 'virt',
      kernel: 'zImage',
      drives: [],
      shares: [],
      probes: [],
      rng: true,
      net: { kind: 'none' },
      virtio: 'modern',
      engine: 'auto',
      failClosed: false,
      lockstep: false,
      ps: false,
      modules: false,
      strace: false,
      top: false,
      semihosting: false,
      stock: false,
      cold: false,
      realtime: false,
      paused: false,
      reverse: false,
      embed: false,
      console: 'stdio',
      limits: {},
      wallClock: 0,
      seed: '00'.repeat(32),
    });
  });

  it('keeps everything through JSON', () => {
    const spec = parseRunSpec({
      image: 'debian-mini',
      cpus: 4,
      memory: 256 * 1024 * 1024,
      exec: { command: 'true', marker: '0123456789abcdef' },
      drives: [
        { file: 'a.img', format: 'raw', overlay: 'b', serial: 'S' },
        { file: 'c.img', snapshot: true },
      ],
      rng: false,
      virtio: 'legacy',
      engine: 'translator',
      stock: true,
      limits: { instructions: 5, seconds: 0.5, output: 7 },
    });
    expect(parseRunSpec(JSON.parse(JSON.stringify(spec)))).toEqual(spec);
  });

  it.each([
    [{}, 'nothing to run is given: name an image, a kernel, a program or a snapshot'],
    [
      { kernel: 'a', program: 'b' },
      'kernel and program exclude each other: name an image, a kernel, a program or a snapshot',
    ],
    [{ kernel: 'a', colour: 'red' }, 'colour: there is no such option'],
    [{ kernel: 7 }, 'kernel: a text is needed'],
    [{ kernel: 'a', cpus: 0 }, 'cpus: a whole number above 0 is needed'],
    [{ kernel: 'a', memory: 5000 }, 'memory: a multiple of 4096 bytes is needed, for example 256M'],
    [{ kernel: 'a', memory: '256M' }, 'memory: a multiple of 4096 bytes is needed, for example 256M'],
    [{ kernel: 'a', engine: 'fast' }, 'engine: "fast" is none of auto, interpreter, translator'],
    [{ kernel: 'a', engine: 'translator', lockstep: true }, 'lockstep: runs both engines, so none can be chosen'],
    [{ kernel: 'a', lockstep: 'yes' }, 'lockstep: true or false is needed'],
    [{ kernel: 'a', console: 'socket:' }, 'console: "socket:" is none of stdio, pty, socket:PATH, pipe:PATH, none'],
    [
      { kernel: 'a', exec: { command: 'ls', marker: '0123456789abcdef' } },
      'exec: needs an image, which knows how to obey it',
    ],
    [{ image: 'a', exec: { command: 'ls', marker: 'x' } }, 'exec: a marker of 16 to 64 hexadecimal digits is needed'],
    [{ image: 'a', exec: { command: '', marker: '0123456789abcdef' } }, 'exec: a command is needed'],
    [{ kernel: 'a', cold: true }, 'cold: is about an image, which may be here booted'],
    [{ kernel: 'a', saveAt: 5 }, 'save-at: needs save-snapshot'],
    [
      { kernel: 'a', saveAt: -5, saveSnapshot: 'b' },
      'save-at: a number of instructions or a text of the console is needed',
    ],
    [
      { kernel: 'a', saveSnapshot: 'b', semihosting: true },
      'save-snapshot: not together with semihosting, whose open files are the host’s',
    ],
    [{ kernel: 'a', gdb: 'here' }, 'gdb: "here" is no place to listen: write PORT or HOST:PORT'],
    [{ kernel: 'a', gdb: '70000' }, 'gdb: "70000" is no place to listen: write PORT or HOST:PORT'],
    [{ kernel: 'a', gdb: '1', lockstep: true }, 'gdb: not together with lockstep, which runs two machines'],
    [{ kernel: 'a', paused: true }, 'paused: needs gdb, which lets the machine go'],
    [{ kernel: 'a', ruleVariables: ['A=1'] }, 'set: is about rules for packets: rules'],
    [{ kernel: 'a', embed: true }, 'embed: is about a recording: record'],
    [{ kernel: 'a', strace: true, lockstep: true }, 'strace: not together with lockstep, which runs two machines'],
    [{ kernel: 'a', ftrace: 'b', lockstep: true }, 'ftrace: not together with lockstep, which runs two machines'],
    [{ kernel: 'a', record: 'b', lockstep: true }, 'record: not together with lockstep: a replay compares'],
    [{ kernel: 'a', onCrash: 'die' }, 'on-crash: "die" is none of report, pause, stop'],
    [{ kernel: 'a', onCrash: 'pause' }, 'on-crash: pause needs gdb, which looks at the machine and lets it go'],
    [{ kernel: 'a', onCrash: 'stop', lockstep: true }, 'on-crash: not together with lockstep, which runs two machines'],
    [{ kernel: 'a', hangSeconds: 0 }, 'hang-seconds: a number of seconds above 0 is needed'],
    [{ kernel: 'a', lastBlocksCount: 5 }, 'last-blocks-count: needs last-blocks'],
    [
      { kernel: 'a', lastBlocks: 'b', lastBlocksCount: 200_000 },
      'last-blocks-count: a whole number from 1 to 131072 is needed',
    ],
    [
      { kernel: 'a', lastBlocks: 'b', lockstep: true },
      'last-blocks: not together with lockstep, which runs two machines',
    ],
    [
      { program: 'a', kernelSymbols: 'b' },
      'kernel-symbols: are of a Linux kernel in memory; a program’s are in its own file',
    ],
    [{ kernel: 'a', stock: true }, 'stock: is about the kernel of an image'],
    [{ image: 'a', initrd: 'b' }, 'initrd: needs a kernel'],
    [{ program: 'a', append: 'b' }, 'append: needs a kernel or an image'],
    [{ kernel: 'a', limits: { seconds: 0 } }, 'limit-seconds: a number above 0 is needed'],
    [{ kernel: 'a', limits: { instructions: 1.5 } }, 'limit-instructions: a number above 0 is needed'],
    [{ kernel: 'a', limits: { cycles: 1 } }, 'limits.cycles: there is no such limit'],
    [{ kernel: 'a', wallClock: -1 }, 'wallClock: seconds since 1970 are needed, as a whole number below 2^32'],
    [{ kernel: 'a', seed: 'xyz' }, 'seed: 1 to 64 bytes in hexadecimal are needed'],
    [[], 'run: an object with options is needed'],
  ])('complains about %j', (value, message) => {
    expect(complaint(value)).toBe(message);
  });

  it('gives a value or one line for anything', () => {
    const keys = fc.constantFrom('kernel', 'image', 'memory', 'exec', 'limits', 'engine', 'console', 'lockstep', 'x');
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.dictionary(keys, fc.anything())), (value) => {
        expect(complaint(value)).not.toContain('\n');
      }),
      { seed: 1, numRuns: 2000 },
    );
  });
});
