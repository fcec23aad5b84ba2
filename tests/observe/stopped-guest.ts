// SPDX-License-Identifier: Apache-2.0
// A guest that has printed what it knows of itself and then waits, stopped at that instant: its own words, and its machine.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { SectionCodec } from '@plinth/core';
import { boardNamed, Machine, Snapshot, VirtioRng } from '@plinth/machine';
import { LiveGuest } from '../boot/live-guest.js';

export const codec: SectionCodec = {
  deflate: (bytes) => Promise.resolve(deflateRawSync(bytes)),
  inflate: (bytes) => Promise.resolve(inflateRawSync(bytes)),
};

export interface StoppedGuest {
  /** What the script printed. */
  readonly said: string;
  readonly machine: Machine;
  /** The file of the machine. */
  readonly snapshot: string;
}

export class StoppedGuests implements Disposable {
  readonly #directory: string = mkdtempSync(join(tmpdir(), 'plinth-test-'));

  /** Runs lines of shell in debian-mini; after the last one the shell waits for ever, and the machine is looked at. */
  async run(lines: readonly string[], ...options: readonly string[]): Promise<StoppedGuest> {
    const snapshot = join(this.#directory, 'guest.snapshot');
    const place = ['--save-snapshot', snapshot, '--save-at', 'all is said'];
    await using guest = new LiveGuest(['--image', 'debian-mini', ...options, ...place]);
    // One line that the shell reads whole, so that what it does last is to wait. The echo has the words apart.
    guest.type(`{ echo "it" "says"; ${lines.join('; ')}; echo "all" "is said"; sleep 100000; }`);
    await guest.until('it says\r\n');
    const said = (await guest.until('all is said')).replaceAll('\r', '');
    while (!guest.errors.includes('snapshot: ')) await guest.pause();
    const saved = await Snapshot.open(readFileSync(snapshot), snapshot, codec);
    const { board, ...identity } = saved.identity;
    const machine = new Machine({
      ...identity,
      board: boardNamed(board),
      virtio: [new VirtioRng({ name: 'rng', seed: new Uint8Array(32) })],
    });
    saved.restore(machine);
    return { said, machine, snapshot };
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true });
  }
}
