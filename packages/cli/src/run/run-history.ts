// SPDX-License-Identifier: Apache-2.0
// `--reverse`: the run is kept in memory while it goes on, so that a debugger can go back in it.

import { type DriverHost, type Input, MemoryFile } from '@plinth/machine';
import { LiveDriver } from '@plinth/observe';
import type { StartedRun } from './start-run.js';

export class RunHistory {
  readonly #layers: MemoryFile[] = [];
  #live: LiveDriver | undefined;

  readonly #onInput = (input: Input): void => this.#live?.recorder.input(input);

  /** Makes an empty file for what the guest writes to a disk, which goes back and forth with the machine. */
  readonly newLayer = (): MemoryFile => {
    this.#layers.push(new MemoryFile('layer'));
    return this.#layers.at(-1)!;
  };

  /** What the machine's driver gets from this host: in the past a program's errors are not printed again. */
  host(host: DriverHost): DriverHost {
    return {
      ...host,
      onInput: this.#onInput,
      writeError: (bytes) => {
        if (this.#live?.past !== true) host.writeError(bytes);
      },
    };
  }

  /** The machine of a run that has begun. */
  start({ machine, network }: StartedRun): LiveDriver {
    this.#live = LiveDriver.begin(machine, { files: this.#layers, now: () => performance.now() });
    network?.connect(this.#live);
    return this.#live;
  }
}
