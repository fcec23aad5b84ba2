// SPDX-License-Identifier: Apache-2.0
// One screen of `plinth top`: the activity of a machine as lines of text, for a terminal of some size.

import { type ActivityReport, printable } from '@plinth/observe';

const FUNCTIONS = 8;
const CONSOLE = 5;

/** As many lines as the terminal has rows, none longer than it is wide; `console` is the end of what the guest printed. */
export function topScreen(
  report: ActivityReport,
  console: readonly string[],
  size: { readonly rows: number; readonly columns: number },
): string[] {
  const { exceptionsPerSecond, functions, processes } = report;
  const rates = Object.entries(exceptionsPerSecond).map(([name, rate]) => `${name} ${short(rate)}`);
  const lines = [
    `plinth top   ${short(report.instructionsPerSecond)} instructions/s   ` +
      `virtual time ${report.virtualTime.toFixed(2)} s (x${report.virtualPerSecond.toFixed(2)})   ` +
      `${short(report.instructions)} instructions   Ctrl-A X leaves`,
    `exceptions/s  ${rates.join('  ') || 'none'}   page faults/s ${short(report.pageFaultsPerSecond)}`,
    '',
    'SHARE  FUNCTION',
    ...functions.slice(0, FUNCTIONS).map(({ name, share }) => `${percent(share)}  ${printable(name)}`),
    '',
  ];
  const tail = console.slice(-CONSOLE);
  const footer = tail.length === 0 ? [] : ['', 'CONSOLE', ...tail];
  const room = Math.max(0, size.rows - lines.length - footer.length - 1);
  if (processes === null) lines.push('no processes: the guest is no Linux that can be seen, or not yet');
  else {
    lines.push('  CPU%     PID     UID S COMMAND');
    for (const { pid, comm, uid, state, kernelThread, share } of processes.slice(0, room)) {
      const name = kernelThread === true ? `[${printable(comm)}]` : printable(comm);
      lines.push(
        `${percent(share)} ${String(pid).padStart(7)} ${String(uid ?? '?').padStart(7)} ${state ?? '?'} ${name}`,
      );
    }
  }
  return [...lines, ...footer].slice(0, size.rows).map((line) => line.slice(0, size.columns));
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`.padStart(6);
}

/** Three digits and a prefix. */
function short(value: number): string {
  for (const [limit, prefix] of [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const) {
    if (value >= limit) return `${(value / limit).toPrecision(3)}${prefix}`;
  }
  return value < 10 ? String(Number(value.toFixed(1))) : String(Math.round(value));
}
