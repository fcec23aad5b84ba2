// SPDX-License-Identifier: Apache-2.0
// Counts the writes to an address range while a program runs at full speed, and tells which instructions made them. The
// guest neither sees the watch nor pays for it elsewhere.
//   node examples/dist/who-writes.js

import { Machine, planBoot } from '@plinth/machine';
import { writeElf } from './write-elf.js';

const COUNTERS = 0x4000_1000;

/** Counts to 100 in one word and, at every fourth step, in the next. */
const program = writeElf([
  0xe3010000, //        movw   r0, #0x1000
  0xe3440000, //        movt   r0, #0x4000
  0xe3a01000, //        mov    r1, #0
  0xe2811001, // again: add    r1, r1, #1
  0xe5801000, //        str    r1, [r0]
  0xe3110003, //        tst    r1, #3
  0x05801004, //        streq  r1, [r0, #4]
  0xe3510064, //        cmp    r1, #100
  0x1afffff9, //        bne    again
  0xe3000008, //        movw   r0, #8          PSCI SYSTEM_OFF
  0xe3480400, //        movt   r0, #0x8400
  0xe1400070, //        hvc    #0
]);

const machine = new Machine({ ramSize: 1024 * 1024 });
machine.load(planBoot(machine.hardware, { program: { name: 'counters', bytes: program } }));

const writers = new Map<number, number>();
const stopWatching = machine.memory.watch({
  start: COUNTERS,
  length: 8,
  onWrite: () => {
    const address = machine.instructionAddress;
    writers.set(address, (writers.get(address) ?? 0) + 1);
  },
});

const stop = machine.run({ until: 10_000 });
stopWatching();
for (const [address, writes] of writers) console.log(`0x${address.toString(16)} wrote ${writes} times`);
console.log(`${stop.kind} after ${machine.count} instructions`);

// Prints:
//   0x40000010 wrote 100 times
//   0x40000018 wrote 25 times
//   shutdown after 606 instructions
