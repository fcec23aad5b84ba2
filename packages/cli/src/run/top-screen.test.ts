// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest';
import { topScreen } from './top-screen.js';

const REPORT = {
  instructions: 303e6,
  instructionsPerSecond: 22.6e6,
  virtualTime: 1.212,
  virtualPerSecond: 0.09,
  exceptionsPerSecond: { irq: 22, 'data-abort': 1234.5 },
  pageFaultsPerSecond: 1234.5,
  samples: 100,
  functions: [
    { name: '[user]', share: 0.48 },
    { name: 'memset', share: 0.079 },
  ],
  processes: [
    { pid: 89, comm: 'ls\x1b[31m', uid: 0, state: 'R', kernelThread: false, share: 1 },
    { pid: 13, comm: 'ksoftirqd/0', uid: undefined, state: undefined, kernelThread: true, share: 0 },
  ],
};

it('shows activity, and nothing of the guest’s reaches the terminal as a control', () => {
  expect(topScreen(REPORT, ['one', 'two'], { rows: 40, columns: 200 })).toMatchInlineSnapshot(`
    [
      "plinth top   22.6M instructions/s   virtual time 1.21 s (x0.09)   303M instructions   Ctrl-A X leaves",
      "exceptions/s  irq 22  data-abort 1.23k   page faults/s 1.23k",
      "",
      "SHARE  FUNCTION",
      " 48.0%  [user]",
      "  7.9%  memset",
      "",
      "  CPU%     PID     UID S COMMAND",
      "100.0%      89       0 R ls\\x1b[31m",
      "  0.0%      13       ? ? [ksoftirqd/0]",
      "",
      "CONSOLE",
      "one",
      "two",
    ]
  `);
});

it('fits any terminal', () => {
  const many = Array.from({ length: 100 }, () => REPORT.processes[0]!);
  for (const [rows, columns] of [
    [1, 1],
    [5, 20],
    [24, 80],
    [50, 132],
  ] as const) {
    const lines = topScreen({ ...REPORT, processes: many }, ['x'.repeat(500)], { rows, columns });
    expect(lines.length).toBeLessThanOrEqual(rows);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
  }
  expect(topScreen({ ...REPORT, processes: null }, [], { rows: 24, columns: 80 }).at(-1)).toContain('no processes');
});
