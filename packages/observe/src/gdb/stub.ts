// SPDX-License-Identifier: Apache-2.0
// Debuggers come and go: one at a time has the target, another is turned away until it has left.

import { MonitorCommands } from './monitor.js';
import { type ByteSink, GdbSession } from './session.js';
import type { Target } from './target.js';

export class GdbStub {
  readonly monitor: MonitorCommands = new MonitorCommands();
  readonly #target: Target;
  #session: GdbSession | undefined;

  constructor(target: Target) {
    this.#target = target;
  }

  /** A client has connected. Its session, to be given what it sends; or undefined, and it is to be turned away. */
  connect(sink: ByteSink): GdbSession | undefined {
    if (this.#session?.over === false) return undefined;
    this.#session = new GdbSession(this.#target, this.monitor, sink);
    return this.#session;
  }
}
