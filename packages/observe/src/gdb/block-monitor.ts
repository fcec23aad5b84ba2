// SPDX-License-Identifier: Apache-2.0
// `monitor last-blocks`: the blocks that the machine has executed before it stopped.

import { PlinthError } from '@plinth/core';
import { MOST_BLOCKS } from '@plinth/machine';
import { LAST_BLOCKS, lastBlockText } from '../export/last-blocks.js';
import type { History } from '../record/history.js';
import type { MachineTarget } from './machine-target.js';
import type { MonitorCommands } from './monitor.js';

/** Blocks that are shown unless another number is asked for. */
const SHOWN = 20;
/** Instructions that are executed again of a recorded run, so that it has these blocks; some are longer, and there are waits. */
const PER_BLOCK = 20;

/**
 * `nameOf` gives the name of a code address, if one is known. With a history nobody need have begun to keep blocks: the run is
 * executed again up to where it is.
 */
export function addBlockCommands(
  monitor: MonitorCommands,
  { machine }: MachineTarget,
  nameOf: (address: number) => string | undefined,
  history?: History,
): void {
  let end: (() => void) | undefined;
  const begin = (): void => {
    if (machine.blocks.kept === 0) end = machine.blocks.keepLast(LAST_BLOCKS);
  };
  monitor.add({
    name: 'last-blocks',
    parameters: history === undefined ? '[N|on|off]' : '[N]',
    help: 'the last N blocks that were executed: instructions before each, CPU, address',
    run: ([word = String(SHOWN)]) => {
      if (history === undefined && (word === 'on' || word === 'off')) {
        if (word === 'on') begin();
        else end?.();
        return machine.blocks.kept > 0 ? `the last ${machine.blocks.kept} blocks are kept\n` : 'no blocks are kept\n';
      }
      const most = /^\d+$/.test(word) ? Number(word) : NaN;
      if (!(most > 0 && most <= MOST_BLOCKS)) {
        throw new PlinthError('input', 'monitor', `last-blocks: "${word}" is no number from 1 to ${MOST_BLOCKS}`);
      }
      if (history !== undefined) return lastBlockText(recordedBlocks(history, most), nameOf);
      if (machine.blocks.kept === 0) {
        const how = '"monitor last-blocks on" keeps them from here on, plinth run --last-blocks from the beginning';
        throw new PlinthError('input', 'monitor', `last-blocks: none are kept: ${how}`);
      }
      return lastBlockText(machine.blocks.last(most), nameOf);
    },
  });
}

/** Those of a recorded run, of which the last stretch is executed again while they are kept. */
function recordedBlocks(history: History, most: number): ReturnType<History['machine']['blocks']['last']> {
  const { machine } = history;
  const end = machine.blocks.keepLast(most);
  try {
    history.again(PER_BLOCK * most);
    return machine.blocks.last(most);
  } finally {
    end();
  }
}
