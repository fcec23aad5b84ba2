// SPDX-License-Identifier: Apache-2.0
// What the end of a run means to whoever started it: an exit status, and a line unless it is plain success.

import type { RunExit, RunResult, RunSpec } from '@plinth/machine';
import { EXIT } from '../report-error.js';

/** How the command of `exec` ended: its status, if it did; what came before it. */
export interface CommandEnd {
  readonly exit: { readonly kind: 'exit'; readonly status: number } | undefined;
  readonly bootTail: string;
}

/**
 * The exit status; what is not plain success also gets a line.
 *
 * @param loopExit how the machine ended; the result's is the command's, if there was one that ended
 * @param say for lines of ours
 * @param tell for lines of the guest
 */
export function conclude(
  spec: RunSpec,
  result: RunResult,
  loopExit: RunExit,
  capture: CommandEnd | undefined,
  say: (line: string) => void,
  tell: (line: string) => void,
): number {
  if (capture !== undefined) {
    if (capture.exit === undefined) {
      const lines = capture.bootTail.trimEnd().split(/\r?\n/);
      // What a kernel panicked of comes before its registers and stack.
      const panic = lines.findLastIndex((line) => line.includes('Kernel panic'));
      const told = panic < 0 ? lines.slice(-5) : lines.slice(panic, panic + 1);
      if (told.join('') !== '') for (const line of told) tell(line);
      say(`the command did not end: ${describe(loopExit)}`);
      return EXIT.found;
    }
    if (capture.exit.status !== 0) say(`the command left with exit status ${capture.exit.status}`);
    const crashed = result.findings.some(({ guard, severity }) => guard === 'crash' && severity !== 'info');
    return capture.exit.status === 0 && !crashed ? EXIT.clean : EXIT.found;
  }
  const { exit } = result;
  switch (exit.kind) {
    case 'exit':
      return spec.semihosting ? exit.status & 0xff : exit.status === 0 ? EXIT.clean : EXIT.found;
    case 'shutdown':
    case 'user':
      return result.findings.some(({ severity }) => severity !== 'info') ? EXIT.found : EXIT.clean;
    case 'finding':
      return spec.semihosting ? EXIT.ours : EXIT.found; // the finding has been told
    default:
      say(describe(exit));
      return spec.semihosting ? EXIT.ours : EXIT.found;
  }
}

function describe(exit: RunExit): string {
  switch (exit.kind) {
    case 'shutdown':
      return 'the guest shut down';
    case 'reset':
      return 'the guest reset the machine';
    case 'exit':
      return `the program left with status ${exit.status}`;
    case 'limit':
      return `stopped at the limit of --limit-${exit.limit}`;
    case 'idle':
      return 'stopped: the guest waits for an interrupt that nothing will raise';
    case 'finding':
      return 'stopped by what the guest did';
    case 'user':
      return 'left by the user';
  }
}
