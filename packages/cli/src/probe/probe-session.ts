// SPDX-License-Identifier: Apache-2.0
// The probe files of a run, from before its first instruction to its end: what they print, and what becomes of what they
// throw.

import { type Finding, hex32, PlinthError } from '@plinth/core';
import type { OpenDriver, RunSpec } from '@plinth/machine';
import { GuardedProbes, type GuestSymbols, type Observer, type ProbeTools } from '@plinth/observe';
import { LineFile } from '../host/line-file.js';
import { symbolsOfRun } from '../run/run-symbols.js';
import { describeFailure } from './describe-failure.js';
import type { LoadedProbe } from './load-probe-file.js';

export class ProbeSession implements Observer, Disposable {
  readonly #driver: OpenDriver;
  readonly #output: LineFile;
  readonly #symbols: GuestSymbols;
  readonly #ends: { readonly file: string; readonly end: () => void }[] = [];
  readonly #all: GuardedProbes[] = [];
  #found: Finding | undefined;
  /** Of the host: probes that cannot print any more end the run. */
  #trouble: PlinthError | undefined;
  readonly #atExit = (): void => void this.finish();

  /** Calls the files; undefined if there are none. */
  static begin(spec: RunSpec, driver: OpenDriver, files: readonly LoadedProbe[]): ProbeSession | undefined {
    if (files.length === 0) return undefined;
    const session = new ProbeSession(spec, driver);
    try {
      for (const file of files) session.#begin(file);
    } catch (error) {
      session[Symbol.dispose]();
      throw error;
    }
    return session;
  }

  private constructor(spec: RunSpec, driver: OpenDriver) {
    this.#driver = driver;
    this.#symbols = symbolsOfRun(spec, driver);
    this.#output = new LineFile(spec.probeOutput, 'probe-output');
    // A signal ends the process by way of its exit.
    process.once('exit', this.#atExit);
  }

  #begin({ spec: { file, options }, begin }: LoadedProbe): void {
    const probes = new GuardedProbes(this.#driver.machine, {
      failed: (error) => this.#failed(error, file),
      stopped: (kind, pc) => {
        this.#find('probe-stop', 'low', `${file}: a probe (${kind}) has stopped the machine at ${hex32(pc)}`);
      },
    });
    this.#all.push(probes);
    const symbols = this.#symbols;
    const tools: ProbeTools = {
      print: (line) => this.#output.write(line),
      emit: (value) => this.#output.write(JSON.stringify(value)),
      symbols: {
        get known() {
          return symbols.known;
        },
        address: (name) => symbols.address(name),
        matching: (glob) => symbols.matching(glob),
        describe: (address) => symbols.describe(address),
        whenKnown: (then) => symbols.whenKnown(() => this.#safely(file, then)),
      },
      options,
    };
    try {
      const end = begin(probes, tools);
      if (typeof end === 'function') this.#ends.push({ file, end });
    } catch (cause) {
      if (cause instanceof PlinthError) throw cause;
      throw new PlinthError('input', 'probe', `probe: ${describeFailure(cause, file)}`, { cause });
    }
  }

  #safely(file: string, action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#failed(error, file);
    }
  }

  #failed(error: unknown, file: string): void {
    if (error instanceof PlinthError && error.kind === 'host') this.#trouble ??= error;
    else this.#find('probe-error', 'high', describeFailure(error, file));
  }

  /** The first counts: what follows it may come of it. */
  #find(rule: string, severity: Finding['severity'], message: string): void {
    const { machine, name } = this.#driver;
    this.#found ??= {
      time: { instruction: machine.count },
      guest: { kind: 'machine', id: machine.board.description.name, name },
      guard: 'probe',
      rule,
      severity,
      message,
      subject: {},
      evidence: {},
      verdict: 'stop',
    };
  }

  afterSlice(): void {
    this.#symbols.poll();
    this.#safely('', () => this.#output.flush());
  }

  end(): Finding | undefined {
    if (this.#trouble !== undefined) throw this.#trouble;
    const found = this.#found;
    this.#found = undefined;
    return found;
  }

  /**
   * Calls what the files have left for the end, once; gives what they throw then.
   *
   * @throws PlinthError `host` if what they have printed cannot be written
   */
  finish(): readonly Finding[] {
    const findings: Finding[] = [];
    for (const { file, end } of this.#ends.splice(0)) {
      this.#safely(file, end);
      findings.push(...[this.end() ?? []].flat());
    }
    for (const probes of this.#all.splice(0)) probes.removeAll();
    this.#output.flush();
    return findings;
  }

  [Symbol.dispose](): void {
    process.off('exit', this.#atExit);
    this.#output[Symbol.dispose]();
  }
}
