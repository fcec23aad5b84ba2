// SPDX-License-Identifier: Apache-2.0
// `window.plinth`: what a test, or a curious visitor, may ask the page. It can do no more than the buttons and keys can.

import type { MachineLink } from './machine-link.js';
import type { MachineState } from './protocol.js';
import type { PageTerminal } from './terminal.js';

export interface PlinthHook {
  /** As last reported; `undefined` before the machine's thread has said anything. */
  state(): MachineState | undefined;
  /** What is on the terminal and scrolled off above. */
  text(): string;
  /** Runs to so many instructions since power-on, as fast as it goes and without input, and stands still there. */
  runTo(count: number): Promise<MachineState>;
  /** `Machine.stateHash`: equal runs have equal hashes at equal counts, here and in Node. */
  stateHash(): Promise<string>;
}

declare global {
  interface Window {
    plinth?: PlinthHook;
  }
}

export function installHook(page: {
  readonly link: MachineLink;
  readonly terminal: PageTerminal;
  state(): MachineState | undefined;
}): void {
  window.plinth = {
    state: () => page.state(),
    text: () => page.terminal.text,
    runTo: async (count) => (await page.link.ask({ kind: 'run-to', count })) as MachineState,
    stateHash: async () => (await page.link.ask({ kind: 'hash' })) as string,
  };
}
