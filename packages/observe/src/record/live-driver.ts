// SPDX-License-Identifier: Apache-2.0
// A machine that is driven, and in whose past one can go: the run is recorded in memory as it would be to a file, and its
// history kept. From the past it comes forward again as a replay does, up to its present; from there it lives on. In the
// past nothing enters from outside, and what was printed or sent is not printed or sent again.

import type { DriverStop, MemoryFile, OpenDriver } from '@plinth/machine';
import { CHUNK_VERSION, chunkTag } from './events.js';
import { History } from './history.js';
import { RecordedDriver } from './recorded-driver.js';
import { Recorder } from './recorder.js';
import { SegmentList } from './recording.js';
import type { PastRun } from './replay-driver.js';
import type { ReplayStop } from './replay.js';

export interface LiveOptions {
  /** What the guest writes to its disks. */
  readonly files?: readonly MemoryFile[];
  /** Bytes of state that are kept; HISTORY_LIMIT if left out. */
  readonly limit?: number;
  /** Instructions between two checkpoints, at least; CHECKPOINT_INTERVAL if left out. */
  readonly interval?: number;
  /** The host's milliseconds, monotonic. */
  now(): number;
}

export class LiveDriver extends RecordedDriver implements PastRun {
  readonly history: History;
  readonly live: boolean = true;
  /** Is to hear of all that enters (`DriverHost.onInput`). */
  readonly recorder: Recorder;
  #travels = 0;
  /** How the guest has ended: in its present it stays so. */
  #over: DriverStop | undefined;
  /** What the last slice of the past has ended with. */
  #last: ReplayStop | undefined;

  private constructor(driver: OpenDriver, recorder: Recorder, history: History) {
    super(driver, recorder);
    this.recorder = recorder;
    this.history = history;
  }

  /** The recording begins where the machine of `driver` is. */
  static begin(driver: OpenDriver, options: LiveOptions): LiveDriver {
    const { machine } = driver;
    const list = new SegmentList(machine.identity.nanosecondsPerInstruction, machine.board.description.name);
    // The first checkpoint is made before there is a history.
    const begun: { history?: History; changed: readonly number[] } = { changed: [] };
    let chunks = 0;
    const recorder = new Recorder({
      driver,
      sink: {
        chunk: (payload) => list.add({ tag: chunkTag(chunks++), version: CHUNK_VERSION, payload }),
        behind: false,
        check: () => undefined,
      },
      now: () => options.now(),
      ...(options.interval === undefined ? {} : { interval: options.interval }),
      onCheckpoint: (changed) => {
        if (begun.history === undefined) begun.changed = changed;
        else begun.history.follow(changed);
      },
    });
    const history = new History(driver, list, {
      ...options,
      live: {
        changed: begun.changed,
        settle: () => {
          if (!recorder.atCheckpoint) recorder.checkpoint();
        },
      },
    });
    begun.history = history;
    return new LiveDriver(driver, recorder, history);
  }

  /** The machine is not in its present: what it does, it has done before. */
  get past(): boolean {
    return this.history.travelling || !this.history.atEnd;
  }

  /** The last slice has come to the present, or the run is not what it was. */
  get ended(): PastRun['ended'] {
    return this.#last?.kind === 'end' || this.#last?.kind === 'different' ? this.#last : undefined;
  }

  override send(port: string, bytes: Uint8Array): number {
    return this.past ? 0 : super.send(port, bytes);
  }

  override takeOutput(): Uint8Array {
    const output = super.takeOutput();
    return this.past ? new Uint8Array() : output;
  }

  override runSlice(maximumInstructions: number, comeBack: boolean): DriverStop {
    // What was printed on the way from one time to another is known; several slices may come before output is taken.
    if (this.past || this.history.travels !== this.#travels) this.driver.takeOutput();
    this.#travels = this.history.travels;
    if (this.past) return this.#replay(maximumInstructions);
    this.#last = undefined;
    if (this.#over !== undefined) return this.#over;
    const stop = super.runSlice(maximumInstructions, comeBack);
    if (stop.kind === 'shutdown' || stop.kind === 'exit') this.#over = stop;
    return stop;
  }

  #replay(most: number): DriverStop {
    this.#last = this.history.run(this.history.count + most);
    this.driver.takeOutput();
    if (this.#last.kind !== 'different' && this.history.atEnd) this.#last = { kind: 'end' };
    // Where it has come to its present it does not go on by itself, whoever drives it.
    return this.#last.kind === 'hook' ? this.#last : { kind: 'slice', requested: true };
  }

  /** In the past time passes as it did. */
  override passTime(nanoseconds: number): void {
    if (!this.past) super.passTime(nanoseconds);
  }

  override reset(): void {
    if (this.past) return;
    super.reset();
    this.history.followReset();
    this.#over = undefined;
  }
}
