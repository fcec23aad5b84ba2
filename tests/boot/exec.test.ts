// SPDX-License-Identifier: Apache-2.0
// One command in a Debian kernel on every engine: its output, its success, and that a run with the same seed is the same
// run, whichever engine does it. Brings the guest image if it is not cached.

import { describe, expect, it } from 'vitest';
import { GuestFile, missingImage, plinth } from './guest.js';

const missing = missingImage();
const FIXED = [
  '--image',
  'debian-mini',
  '--cold',
  '--seed',
  '00112233445566778899aabbccddeeff',
  '--wall-clock',
  '1700000000',
];
const COMMAND = 'uname -m && nproc && cat /proc/cpuinfo && echo $((6*7))';

describe('plinth run --exec', () => {
  it('prints exactly the output of the command', ({ skip }) => {
    skip(missing !== undefined, missing);
    const { status, stdout, stderr } = plinth('run', '--image', 'debian-mini', '--cold', '--exec', COMMAND);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^armv7l\n1\nprocessor\t: 0\n[^]*CPU part\t: 0xc0f\n[^]*\n42\n$/);
  });

  it('leaves with 1 when the command does not succeed, and says its status', ({ skip }) => {
    skip(missing !== undefined, missing);
    expect(plinth('run', '--image', 'debian-mini', '--cold', '--exec', 'echo out; echo err >&2; exit 3')).toEqual({
      status: 1,
      stdout: 'out\n',
      stderr: 'err\nplinth: the command left with exit status 3\n',
    });
  });

  it('is the same run to the last bit on every engine', ({ skip }) => {
    skip(missing !== undefined, missing);
    const runs = [['--engine', 'interpreter'], ['--engine', 'translator'], ['--lockstep']].map((engine) => {
      const { status, stdout, stderr } = plinth('run', ...FIXED, ...engine, '--json', '--exec', `${COMMAND} && dmesg`);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      const { output, stateHash, counts } = JSON.parse(stdout) as {
        output: string;
        stateHash: string;
        counts: { instructions: number; virtualTime: number; consoleOutput: number };
      };
      const { instructions, virtualTime, consoleOutput } = counts;
      return { output, stateHash, instructions, virtualTime, consoleOutput };
    });
    expect(runs[0]!.output).toMatch(/^armv7l\n1\n[^]*\n42\n\[ {4}0\.000000\] Booting Linux/);
    expect(runs[1]).toEqual(runs[0]);
    expect(runs[2]).toEqual(runs[0]);
  });

  it('obeys a guest file', ({ skip }) => {
    skip(missing !== undefined, missing);
    using guest = new GuestFile('image: debian-mini\nmemory: 128M\nwall-clock: 2025-01-31T12:00:00Z\nstock: false\n');
    const { status, stdout } = plinth('run', guest.path, '--exec', 'date -u +%F; free -m | grep -c " 1[0-9][0-9] "');
    expect({ status, stdout }).toEqual({ status: 0, stdout: '2025-01-31\n1\n' });
  });
});
