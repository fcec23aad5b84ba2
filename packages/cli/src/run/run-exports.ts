// SPDX-License-Identifier: Apache-2.0
// `--coverage`, `--profile`, `--trace`, `--last-blocks`, `--kernel-symbols` and `--core`: what a run has executed, and the machine at its end, as
// files for other tools.

import { readFileSync } from 'node:fs';
import { PlinthError } from '@plinth/core';
import type { OpenDriver, RunSpec } from '@plinth/machine';
import {
  coveredBlocks,
  type CoverageModule,
  currentBlock,
  elfCore,
  EventTrace,
  FoldedStacks,
  type GuestSymbols,
  kernelSymbolElf,
  LAST_BLOCKS,
  lastBlockLines,
  type LinuxGuest,
  machineView,
  type Observer,
  readElfUnwindTable,
  StackSampler,
  writeDrcov,
} from '@plinth/observe';
import { LineFile } from '../host/line-file.js';
import { findLinux } from './guest-system.js';
import { LinuxLookout } from './linux-lookout.js';
import { symbolsOfRun } from './run-symbols.js';

/** Instructions between two samples. */
const PROFILE_INTERVAL = 100_000;
/** As of `--ftrace`: each costs a place in the guest's code. */
const MOST_FUNCTIONS = 5000;

export class RunExports implements Observer, Disposable {
  readonly #spec: RunSpec;
  readonly #driver: OpenDriver;
  readonly #symbols: GuestSymbols;
  readonly #linux: LinuxLookout;
  readonly #files: LineFile[] = [];
  readonly #ends: (() => void)[] = [];
  #sampling: Observer['sampling'];
  /** What waits for the guest's Linux. */
  #whenLinux: (() => void)[] = [];
  readonly #atExit = (): void => this.finish();

  /** Undefined if nothing is wanted. The files are made at once, so that those that cannot be are told before the run. */
  static begin(spec: RunSpec, driver: OpenDriver): RunExports | undefined {
    const { coverage, core, profile, trace, lastBlocks, kernelSymbols } = spec;
    if ([coverage, core, profile, trace, lastBlocks, kernelSymbols].every((path) => path === undefined))
      return undefined;
    return new RunExports(spec, driver);
  }

  private constructor(spec: RunSpec, driver: OpenDriver) {
    this.#spec = spec;
    this.#driver = driver;
    this.#symbols = symbolsOfRun(spec, driver);
    this.#linux = new LinuxLookout(driver.machine, spec.program !== undefined);
    try {
      this.#cover();
      this.#core();
      this.#lastBlocks();
      this.#kernelSymbols();
      this.#profile();
      this.#trace();
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
    // A signal ends the process by way of its exit.
    process.once('exit', this.#atExit);
  }

  get sampling(): Observer['sampling'] {
    return this.#sampling;
  }

  #file(path: string, option: string): LineFile {
    const file = new LineFile(path, option);
    this.#files.push(file);
    return file;
  }

  #cover(): void {
    const { coverage } = this.#spec;
    if (coverage === undefined) return;
    const file = this.#file(coverage, 'coverage');
    const { machine } = this.#driver;
    const first = currentBlock(machine);
    const end = machine.blocks.count();
    this.#ends.push(() => {
      file.writeBytes(writeDrcov(this.#modules(), coveredBlocks(machine, first)));
      end();
    });
  }

  /** What lies where, the kernel and its modules or the program first; then all other addresses. */
  #modules(): CoverageModule[] {
    const modules: CoverageModule[] = [];
    const guest = this.#linux.guest();
    if (guest !== undefined) {
      const { symbols } = guest.symbols;
      const [base, end] = [symbols[0]!.address, symbols.at(-1)!.address];
      modules.push({ name: this.#spec.kernel ?? 'vmlinux', base, end, entry: base });
      for (const module of guest.modules() ?? []) {
        if (module.base === undefined || module.size === undefined) continue;
        modules.push({ name: module.name, base: module.base, end: module.base + module.size, entry: 0 });
      }
    }
    const { plan } = this.#driver.machine;
    if (plan !== undefined && this.#spec.program !== undefined) {
      const base = Math.min(...plan.segments.map(({ address }) => address));
      const end = Math.max(...plan.segments.map(({ address, bytes }) => address + bytes.length));
      modules.push({ name: this.#spec.program, base, end, entry: plan.entry });
    }
    return [...modules, { name: '[other]', base: 0, end: 0xffff_ffff, entry: 0 }];
  }

  #core(): void {
    const { core } = this.#spec;
    if (core === undefined) return;
    const file = this.#file(core, 'core');
    this.#ends.push(() => {
      const { head, ram } = elfCore(this.#driver.machine);
      file.writeBytes(head);
      file.writeSparsely(ram);
    });
  }

  #lastBlocks(): void {
    const { lastBlocks, lastBlocksCount = LAST_BLOCKS } = this.#spec;
    if (lastBlocks === undefined) return;
    const file = this.#file(lastBlocks, 'last-blocks');
    const { blocks } = this.#driver.machine;
    const end = blocks.keepLast(lastBlocksCount);
    this.#ends.push(() => {
      for (const line of lastBlockLines(blocks.last(), this.#symbols)) file.write(line);
      end();
    });
  }

  /** As soon as there is a kernel: GDB may be waiting for it. */
  #kernelSymbols(): void {
    const { kernelSymbols } = this.#spec;
    if (kernelSymbols === undefined) return;
    const file = this.#file(kernelSymbols, 'kernel-symbols');
    let written = false;
    const write = (guest: LinuxGuest): void => {
      written = true;
      file.writeBytes(kernelSymbolElf(guest));
    };
    this.#whenLinux.push(() => write(this.#linux.guest()!));
    this.#ends.push(() => {
      if (written) return;
      const search = findLinux(this.#driver.machine);
      if ('reason' in search) throw new PlinthError('input', 'kernel-symbols', `kernel-symbols: ${search.reason}`);
      write(search.found);
    });
  }

  #profile(): void {
    const { profile, profileInterval = PROFILE_INTERVAL, program } = this.#spec;
    if (profile === undefined) return;
    const file = this.#file(profile, 'profile');
    const unwind = program === undefined ? undefined : readElfUnwindTable(readFileSync(program), program);
    const { machine } = this.#driver;
    const sampler = new StackSampler({ machine, symbols: this.#symbols, guest: this.#linux.guest, unwind });
    const stacks = new FoldedStacks();
    this.#sampling = { interval: profileInterval, sample: () => stacks.add(sampler.stack()) };
    this.#ends.push(() => {
      for (const line of stacks.lines) file.write(line);
    });
  }

  #trace(): void {
    const { trace, traceFunctions = [] } = this.#spec;
    if (trace === undefined) return;
    const file = this.#file(trace, 'trace');
    const { machine } = this.#driver;
    const events = new EventTrace({
      machine,
      view: machineView(machine),
      guest: this.#linux.guest,
      write: (line) => file.write(line),
    });
    this.#ends.push(() => events.finish());
    if (traceFunctions.length === 0) return;
    const begin = (): void => {
      for (const glob of traceFunctions) {
        const functions = this.#symbols.matching(glob).filter(({ kind }) => kind === 'function');
        if (functions.length === 0) throw wrong(`no function matches "${glob}"`);
        if (functions.length > MOST_FUNCTIONS) {
          throw wrong(`"${glob}" matches ${functions.length} functions: ask for ${MOST_FUNCTIONS} at most`);
        }
        events.addFunctions(functions);
      }
    };
    if (this.#spec.program !== undefined) begin();
    else this.#whenLinux.push(begin);
  }

  afterSlice(): void {
    if (this.#whenLinux.length === 0 || this.#linux.guest() === undefined) return;
    for (const begin of this.#whenLinux.splice(0)) begin();
  }

  /**
   * Writes what is written at the end, once.
   *
   * @throws PlinthError `host` if it cannot be written
   */
  finish(): void {
    for (const end of this.#ends.splice(0)) end();
    for (const file of this.#files) file.flush();
  }

  [Symbol.dispose](): void {
    process.off('exit', this.#atExit);
    for (const file of this.#files.splice(0)) file[Symbol.dispose]();
  }
}

function wrong(detail: string): PlinthError {
  return new PlinthError('input', 'trace-function', `trace-function: ${detail}`);
}
