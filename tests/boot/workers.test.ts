// SPDX-License-Identifier: Apache-2.0
// Several machines at once, each in a worker thread: every one is, to the last bit, the run that it is alone. Brings the
// guest image if it is not cached.

import { type MachineEnd, MachineWorkers } from '@plinth/cli';
import { parseRunSpec, type RunSpec } from '@plinth/machine';
import { describe, expect, it } from 'vitest';
import { GuestFile, missingImage, plinth } from './guest.js';

const missing = missingImage();
const progress = { step() {}, update() {}, warn() {}, done() {} };

interface Guest {
  readonly seed: string;
  readonly command: string;
  readonly memory: number;
  readonly cold: boolean;
}

/** One boots, the others may resume a kept snapshot. */
const GUESTS: readonly Guest[] = [
  { seed: '01', command: 'echo first; head -c 8 /dev/urandom | od -An -tx1', memory: 64, cold: true },
  { seed: '02', command: 'echo second; exit 3', memory: 64, cold: false },
  { seed: '03', command: 'seq 1 20000 | md5sum; echo oops >&2', memory: 96, cold: false },
];

const common = (guest: Guest): object => ({
  image: 'debian-mini',
  memory: guest.memory * 1024 * 1024,
  seed: guest.seed,
  cold: guest.cold,
});

/** What can be compared of a run. */
interface Story {
  readonly output: string;
  readonly errors: string;
  readonly status: number | undefined;
  readonly stateHash: string | undefined;
  readonly instructions: number;
  readonly virtualTime: number;
}

function alone(guest: Guest): Story & { readonly marker: string } {
  using file = new GuestFile(
    JSON.stringify({ ...common(guest), memory: `${guest.memory}M`, 'wall-clock': 1700000000 }),
  );
  const { stdout } = plinth('run', file.path, '--json', '--exec', guest.command);
  const { spec, output, errors, exitStatus, stateHash, counts } = JSON.parse(stdout) as {
    spec: RunSpec;
    output: string;
    errors: string;
    exitStatus: number;
    stateHash: string;
    counts: { instructions: number; virtualTime: number };
  };
  const { instructions, virtualTime } = counts;
  return { output, errors, status: exitStatus, stateHash, instructions, virtualTime, marker: spec.exec!.marker };
}

describe('machines in threads', () => {
  it('run side by side as each of them does alone', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const single = GUESTS.map(alone);
    expect(single.map(({ status }) => status)).toEqual([0, 3, 0]);
    expect(single[0]!.output).toMatch(/^first\n( [0-9a-f]{2}){8}\n$/);
    const workers = new MachineWorkers();
    const started = await Promise.all(
      GUESTS.map(async (guest, n) => {
        const exec = { command: guest.command, marker: single[n]!.marker };
        const spec = parseRunSpec({ ...common(guest), wallClock: 1700000000, exec });
        const texts = { output: '', errors: '' };
        const worker = await workers.start(spec, progress, {
          onOutput: (bytes) => void (texts.output += Buffer.from(bytes).toString()),
          onErrors: (bytes) => void (texts.errors += Buffer.from(bytes).toString()),
        });
        return { worker, texts };
      }),
    );
    const together = await Promise.all(
      started.map(async ({ worker, texts }, n): Promise<Story & { marker: string }> => {
        const { result }: MachineEnd = await worker.end;
        const { instructions, virtualTime } = result.counts;
        const status = result.exit.kind === 'exit' ? result.exit.status : undefined;
        return { ...texts, status, stateHash: result.stateHash, instructions, virtualTime, marker: single[n]!.marker };
      }),
    );
    expect(together).toEqual(single);
  });

  it('have consoles that can be typed at, and can be left', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const spec = parseRunSpec({ image: 'debian-mini', memory: 64 * 1024 * 1024 });
    let screen = '';
    let look = (): void => undefined;
    await using worker = await new MachineWorkers().start(spec, progress, {
      live: true,
      onOutput: (bytes) => {
        screen += Buffer.from(bytes).toString();
        look();
      },
    });
    const shown = (text: string): Promise<void> =>
      new Promise((resolve) => {
        look = () => {
          if (screen.includes(text)) resolve();
        };
        look();
      });
    await shown('plinth:~# ');
    worker.sendInput(Buffer.from('echo $((6 * 7))\n'));
    await shown('\n42\r\n');
    worker.leave();
    expect((await worker.end).result.exit).toEqual({ kind: 'user' });
  });

  it('are told apart on the command line, and one that cannot run does not end the other', ({ skip }) => {
    skip(missing !== undefined, missing);
    using good = new GuestFile('image: debian-mini\nmemory: 64M\nexec: echo here\n');
    using bad = new GuestFile('image: debian-mini\nmemory: 64M\ndrive: /proc/nothing\nexec: echo there\n');
    const { status, stdout, stderr } = plinth('run', good.path, bad.path);
    expect(stdout).toBe(`1:${good.path}: here\n`);
    expect(stderr).toContain(`plinth: 2:${bad.path}: drive: /proc/nothing: `);
    expect(status).toBe(2);
    const snapshot = plinth('run', good.path, bad.path, '--save-snapshot', '/proc/none');
    expect(snapshot).toMatchObject({ status: 2, stdout: '' });
  });
});
