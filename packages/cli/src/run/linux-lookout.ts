// SPDX-License-Identifier: Apache-2.0
// The Linux in a machine, looked for until it is there: each time takes a third of a second, so ever more seldom.

import type { Machine } from '@plinth/machine';
import type { LinuxGuest } from '@plinth/observe';
import { findLinux } from './guest-system.js';

/** Instructions; a kernel has mapped itself long before. */
const FIRST_LOOK = 10e6;

export class LinuxLookout {
  readonly #machine: Machine;
  #guest: LinuxGuest | undefined;
  #nextLook: number;

  /** @param never whether the machine was started with what is no Linux */
  constructor(machine: Machine, never: boolean) {
    this.#machine = machine;
    this.#nextLook = never ? Infinity : FIRST_LOOK;
  }

  readonly guest = (): LinuxGuest | undefined => {
    const { count } = this.#machine;
    if (this.#guest !== undefined || count < this.#nextLook) return this.#guest;
    this.#nextLook = 2 * count;
    const search = findLinux(this.#machine);
    if ('found' in search) this.#guest = search.found;
    return this.#guest;
  };
}
