// SPDX-License-Identifier: Apache-2.0
// A recorded run in which one can go back: the machine's state is kept at checkpoints, and from there the run is executed
// again up to the place that is wanted. So every place is, to the last bit, what it was. What is kept becomes sparser with
// the distance from the present, within a limit of memory. The run may still be going on: then the recording grows.

import { assert, type Section, Sections } from '@plinth/core';
import type { FileContent, Machine, MemoryFile, OpenDriver } from '@plinth/machine';
import { KeptBytes, RamVersion } from './kept-bytes.js';
import type { RecordedRun } from './recording.js';
import { Replay, type ReplayStop } from './replay.js';

/** Bytes of state that a history keeps, unless told otherwise. */
export const HISTORY_LIMIT: number = 512 * 1024 * 1024;

export interface HistoryOptions {
  /** Bytes of state that are kept. */
  readonly limit?: number;
  /** What the guest writes to its disks; they are kept with the machine. */
  readonly files?: readonly MemoryFile[];
  /** Of a run that goes on. */
  readonly live?: {
    /** Pages of RAM that had something in them where the recording began; the machine is there. */
    readonly changed: readonly number[];
    /** Called before the machine leaves its present: the recording is to reach up to there, and `follow` to be called. */
    settle(): void;
  };
}

/** The machine where a segment begins. */
interface Kept {
  readonly segment: number;
  readonly count: number;
  readonly ram: RamVersion;
  readonly state: readonly Section[];
  readonly files: readonly FileContent[];
}

/**
 * Arms the machine to tell of places: the count before an instruction that a hook was called for, or that made an access
 * (`countBefore`). What it arms stops nothing. Called where a stretch of the past begins; the function that it returns ends
 * that. `found` says whether the place counts: whatever lies in the future does not.
 */
export type Watcher = (found: (count: number) => boolean) => () => void;

export class History {
  readonly #driver: OpenDriver;
  readonly #replay: Replay;
  readonly #files: readonly MemoryFile[];
  readonly #limit: number;
  readonly #size = new KeptBytes();
  /** In order; the first is the beginning, which always stays. */
  readonly #kept: Kept[] = [];
  /** RAM at the last place that was kept or gone back to, and the pages that may have changed since. */
  #ram: RamVersion;
  readonly #changed = new Set<number>();
  #travelling = false;
  #travels = 0;
  readonly #live: HistoryOptions['live'];

  /** `driver` is as the recorded one was when its recording began. */
  constructor(driver: OpenDriver, recording: RecordedRun, options: HistoryOptions = {}) {
    this.#driver = driver;
    this.#files = options.files ?? [];
    this.#limit = options.limit ?? HISTORY_LIMIT;
    for (const file of this.#files) file.keepsContent = true;
    this.#ram = RamVersion.zero(driver.machine.memory);
    this.#replay = new Replay(driver, recording, {
      onChanged: (changed) => {
        for (const page of changed) this.#changed.add(page);
      },
      onCheckpoint: (segment) => this.#arrive(segment),
    });
    this.#live = options.live;
    if (options.live !== undefined) {
      this.follow(options.live.changed);
      return;
    }
    // The first segment is the checkpoint at the beginning.
    const begun = this.#replay.run(driver.machine.count);
    this.#failed = begun.kind === 'different' ? begun : undefined;
  }

  readonly #failed: ReplayStop | undefined;

  /** The machine has run by itself to a checkpoint that the recording ends with now, or to a reset. */
  follow(changed: readonly number[]): void {
    for (const page of changed) this.#changed.add(page);
    this.#replay.follow(changed);
    this.#arrive(this.#replay.segment);
  }

  /** The machine itself has begun again, which is the last thing that was recorded. */
  followReset(): void {
    this.#replay.follow([]);
  }

  /** The machine is behind all that was recorded: of a run that goes on, in its present. */
  get atEnd(): boolean {
    return this.#replay.atEnd;
  }

  /** Before the machine is put to another time. */
  #leave(): void {
    if (this.atEnd) this.#live?.settle();
  }

  get machine(): Machine {
    return this.#driver.machine;
  }

  get replay(): Replay {
    return this.#replay;
  }

  /** Instructions executed where the machine is. */
  get count(): number {
    return this.machine.count;
  }

  /** Where the recording begins. */
  get begin(): number {
    return this.#kept[0]?.count ?? this.count;
  }

  /** Bytes of state that are kept now, and at how many places. */
  get size(): { readonly bytes: number; readonly places: number } {
    return { bytes: this.#size.bytes, places: this.#kept.length };
  }

  /** As `Replay.run`: hooks stop it. */
  run(until: number): ReplayStop {
    return this.#failed ?? this.#replay.run(until);
  }

  /**
   * Goes to where so many instructions have been executed, forwards or back. Gives another
   * stop than `until` if the recording has no such place.
   */
  seek(count: number): ReplayStop {
    if (this.#failed !== undefined) return this.#failed;
    const target = Math.max(count, this.begin);
    if (target < this.count) this.#leave();
    const from = this.#before(target + 1);
    if (target < this.count || from.count > this.count) this.#goTo(from);
    return this.#forward(target);
  }

  /** Executes the last instructions again, so many of them or more, up to here: for who looks on meanwhile. */
  again(instructions: number): void {
    this.#leave();
    const present = this.count;
    this.#goTo(this.#before(Math.max(present - instructions, this.begin) + 1));
    this.#forward(present);
  }

  /** One instruction back; false at the beginning. */
  reverseStep(): boolean {
    if (this.count <= this.begin) return false;
    this.seek(this.count - 1);
    return true;
  }

  /** Goes back to the last place before this one that the watcher finds; false, and to the beginning, if there is none. */
  reverseContinue(watcher: Watcher): boolean {
    const found = this.last(watcher);
    this.seek(found ?? this.begin);
    return found !== undefined;
  }

  /** The last place before this one that the watcher finds. Leaves the machine here. */
  last(watcher: Watcher): number | undefined {
    this.#leave();
    const present = this.count;
    let place: number | undefined;
    for (let end = present; place === undefined && end > this.begin;) {
      const from = this.#before(end);
      this.#goTo(from);
      const before = end;
      const stop = watcher((count) => {
        const counts = count >= from.count && count < before;
        if (counts) place = count;
        return counts;
      });
      try {
        this.#forward(end);
      } finally {
        stop();
      }
      end = from.count;
    }
    this.seek(present);
    return place;
  }

  /** The last place that is kept and lies before a count. */
  #before(count: number): Kept {
    return this.#kept.findLast((kept) => kept.count < count) ?? this.#kept[0]!;
  }

  /** Goes on without being seen: hooks that would stop ask `travelling` first. */
  #forward(count: number): ReplayStop {
    this.#travelling = true;
    try {
      for (;;) {
        const stop = this.#replay.run(count);
        assert(stop.kind !== 'hook', 'a hook stops nothing while the machine is put to another time');
        if (stop.kind !== 'requested') return stop;
      }
    } finally {
      this.#travelling = false;
    }
  }

  /** The machine is on its way to another place of its history: nobody is to stop it, and its output has been seen. */
  get travelling(): boolean {
    return this.#travelling;
  }

  /** How often the machine was put to another time. */
  get travels(): number {
    return this.#travels;
  }

  /** A segment begins here. */
  #arrive(segment: number): void {
    const known = this.#kept.find((kept) => kept.segment === segment);
    if (known !== undefined) {
      this.#ram = known.ram;
      this.#changed.clear();
      return;
    }
    const { memory, count } = this.machine;
    this.#ram = this.#ram.next(memory, this.#changed);
    this.#changed.clear();
    const state = this.#driver.saveState();
    const kept: Kept = { segment, count, ram: this.#ram, state, files: this.#files.map((file) => file.keep()) };
    const at = this.#kept.findLastIndex((other) => other.segment < segment) + 1;
    this.#kept.splice(at, 0, kept);
    this.#size.add(kept.ram, piecesOf(kept));
    while (this.#size.bytes > this.#limit && this.#kept.length > 2) this.#thin();
  }

  /** Gives up the place whose neighbours are closest together, seen from here; not the first, and not the last. */
  #thin(): void {
    const here = this.count;
    let victim = 1;
    let least = Infinity;
    for (let n = 1; n < this.#kept.length; n++) {
      const next = this.#kept[n + 1];
      if (this.#kept[n]!.count === here) continue;
      const gap = (next?.count ?? Infinity) - this.#kept[n - 1]!.count;
      const weight = next === undefined ? 1 : gap / (Math.abs(here - this.#kept[n]!.count) + 1);
      if (weight < least) [victim, least] = [n, weight];
    }
    const [gone] = this.#kept.splice(victim, 1);
    this.#size.remove(gone!.ram, piecesOf(gone!));
  }

  /** Puts the machine back, or forwards, to a place that is kept. */
  #goTo(kept: Kept): void {
    this.#travels++;
    const { machine } = this;
    const pages = new Set([...this.#changed, ...machine.memory.takeDirty(), ...this.#ram.differences(kept.ram)]);
    for (const page of pages) machine.memory.replacePage(page, kept.ram.page(page));
    kept.files.forEach((content, n) => this.#files[n]!.goTo(content));
    const sections = new Sections('history', kept.state);
    this.#driver.restoreState(sections);
    sections.end();
    assert(machine.count === kept.count, 'a history goes to where it was told to go');
    this.#ram = kept.ram;
    this.#changed.clear();
    this.#replay.goTo(kept.segment);
  }
}

/** What is kept besides RAM. */
function* piecesOf({ state, files }: Kept): Generator<Uint8Array> {
  for (const { payload } of state) yield payload;
  for (const { chunks } of files) yield* chunks.values();
}
