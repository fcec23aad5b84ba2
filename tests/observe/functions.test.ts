// SPDX-License-Identifier: Apache-2.0
// Calls of kernel functions as they are seen from outside, against the kernel's own function tracer.

import { functionEventText, type KernelFunctionEvent, LinuxGuest, machineView, traceFunctions } from '@plinth/observe';
import type { Machine } from '@plinth/machine';
import { describe, expect, it } from 'vitest';
import { unless } from '../setup/skipping.js';
import { missingImage } from '../boot/guest.js';
import { runProgram } from './guest-program.js';

const missing = missingImage();
if (missing !== undefined) console.log(`tests/observe/functions: skipped: ${missing}`);

const TRACING = '/sys/kernel/tracing';
const COMMAND = [
  `mount -t tracefs t ${TRACING}`,
  `cd ${TRACING}`,
  "echo 'vfs_*' > set_ftrace_filter",
  'echo function > current_tracer',
  'echo > trace',
  'sh -c "echo pid \\$\\$; exec cat /etc/passwd /etc/group"',
  'echo 0 > tracing_on',
  'cat trace',
].join('; ');

describe('kernel functions', unless(missing), () => {
  it('are called and return as the kernel’s own tracer says', () => {
    const events: KernelFunctionEvent[] = [];
    let stop: (() => void) | undefined;
    const printed = runProgram(undefined, COMMAND, (machine: Machine) => {
      const view = machineView(machine);
      const begin = machine.taps.onSupervisorCall(() => {
        begin();
        const search = LinuxGuest.find(view);
        if ('reason' in search) throw new Error(search.reason);
        stop = traceFunctions(machine, search.found, search.found.symbols.matching('vfs_*'), (event) =>
          events.push(event),
        );
        return 'go-on';
      });
      return () => stop?.();
    });
    const pid = Number(/^pid (\d+)$/m.exec(printed)?.[1]);
    const theirs = [...printed.matchAll(/^ +\S+-(\d+) +\[\d+\].*: (vfs_\w+) <-/gm)].map(
      ([, by, name]) => `${by} ${name}`,
    );
    const ours = events.filter(({ kind }) => kind === 'entry').map(({ task, name }) => `${task.pid} ${name}`);
    expect(theirs.length, printed.slice(-1500)).toBeGreaterThan(15);
    // All that the kernel has recorded, of all processes, one behind the other; we have seen what came before and after, too.
    expect(ours.join('\n')).toContain(theirs.join('\n'));
    console.log(`${events.length} events; the kernel's own trace has ${theirs.length} calls, as seen from outside`);

    const own = events.filter(({ task }) => task.pid === pid);
    // What is called returns, in the order of a stack, with what the call gave.
    const open: string[] = [];
    for (const event of own) {
      if (event.kind === 'return') expect(open.pop()).toBe(event.name);
      expect(event.depth).toBe(open.length);
      if (event.kind === 'entry') open.push(event.name);
    }
    const results = (name: string): number[] =>
      own.flatMap((event) => (event.kind === 'return' && event.name === name ? [event.value] : []));
    expect(results('vfs_write')).toEqual([`pid ${pid}\n`.length]);
    expect(results('vfs_readlink')).toContain('/bin/busybox'.length);
    expect(functionEventText(own[0]!)).toMatch(new RegExp(`^${pid} \\S+ vfs_\\w+\\(0x[0-9a-f]+, .*\\) \\{$`));
  });
});
