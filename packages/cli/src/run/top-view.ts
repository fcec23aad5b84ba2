// SPDX-License-Identifier: Apache-2.0
// `plinth top`: the activity of a machine while it runs, twice a second on the terminal, or once a second as JSON.

import { Writable } from 'node:stream';
import { PlinthError } from '@plinth/core';
import type { OpenDriver, RunSpec } from '@plinth/machine';
import { Activity, type Observer } from '@plinth/observe';
import { LinuxLookout } from './linux-lookout.js';
import { symbolsOfRun } from './run-symbols.js';
import { topScreen } from './top-screen.js';

const REDRAW = 500;
const JSON_INTERVAL = 1000;
/** Characters of the guest's console that are kept. */
const TAIL = 8192;
/** The other screen, without a cursor; and back. */
const BEGIN = '\x1b[?1049h\x1b[?25l\x1b[2J';
const END = '\x1b[?25h\x1b[?1049l';
/** CSI and OSC sequences, and all other control characters but line feeds (ECMA-48). */
const CONTROLS = /\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[^\P{Cc}\n]/gu; // oxlint-disable-line no-control-regex

export class TopView implements Observer, Disposable {
  readonly #activity: Activity;
  readonly #json: boolean;
  readonly #timer: NodeJS.Timeout;
  #tail = '';
  #closed = false;
  /** Where the guest's console goes: its end is shown. */
  readonly console: Writable = new Writable({
    write: (bytes: Buffer, _encoding, done) => {
      this.#tail = (this.#tail + bytes.toString('latin1')).slice(-TAIL);
      done();
    },
  });
  readonly #restore = (): void => void process.stdout.write(END);

  /** Undefined if it is not wanted. */
  static begin(spec: RunSpec, driver: OpenDriver, json: boolean): TopView | undefined {
    return spec.top ? new TopView(spec, driver, json) : undefined;
  }

  private constructor(spec: RunSpec, driver: OpenDriver, json: boolean) {
    if (!json && !process.stdout.isTTY) {
      throw new PlinthError('input', 'top', 'top: needs a terminal, or --json for a line of JSON a second');
    }
    const { machine } = driver;
    const symbols = symbolsOfRun(spec, driver);
    const linux = new LinuxLookout(machine, spec.program !== undefined);
    this.#activity = new Activity({ machine, symbols, guest: linux.guest }, performance.now());
    this.#json = json;
    if (!json) {
      process.once('exit', this.#restore);
      process.stdout.write(BEGIN);
    }
    // Timers come between two slices, also while the guest waits.
    this.#timer = setInterval(() => this.#show(), json ? JSON_INTERVAL : REDRAW);
    this.#timer.unref();
  }

  get sampling(): Observer['sampling'] {
    return this.#activity.sampling;
  }

  #show(): void {
    const report = this.#activity.report(performance.now());
    if (this.#json) {
      process.stdout.write(`${JSON.stringify({ ...report, functions: report.functions.slice(0, 20) })}\n`);
      return;
    }
    const { rows, columns } = process.stdout;
    const tail = this.#tail.replace(CONTROLS, '').trimEnd().split('\n');
    const lines = topScreen(report, tail.join('') === '' ? [] : tail, { rows, columns });
    process.stdout.write(`\x1b[H${lines.map((line) => `${line}\x1b[K`).join('\r\n')}\x1b[J`);
  }

  /** Gives the terminal back, once. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    this.#activity.end();
    if (this.#json) return;
    process.off('exit', this.#restore);
    this.#restore();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
