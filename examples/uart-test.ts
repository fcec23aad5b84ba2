// SPDX-License-Identifier: Apache-2.0
// Runs a bare-metal ELF program and checks what it wrote to the serial port, as a firmware's test would. The program is
// made here, so that this needs no cross compiler; a file from one is read the same way.
//   node examples/dist/uart-test.js

import { strict as assert } from 'node:assert';
import { Machine, planBoot } from '@plinth/machine';
import { writeElf } from './write-elf.js';

/** Writes the text behind it to the PL011 at 0x09000000 and switches off. */
const program = writeElf(
  [
    0xe3a00409, //       mov    r0, #0x09000000
    0xe28f1018, //       add    r1, pc, #24       text
    0xe4d12001, // next: ldrb   r2, [r1], #1
    0xe3520000, //       cmp    r2, #0
    0x15c02000, //       strbne r2, [r0]
    0x1afffffb, //       bne    next
    0xe3000008, //       movw   r0, #8            PSCI SYSTEM_OFF
    0xe3480400, //       movt   r0, #0x8400
    0xe1400070, //       hvc    #0
  ],
  'hello from 0x40000000\n\0',
);

let output = '';
const machine = new Machine({ onConsole: (byte) => (output += String.fromCharCode(byte)) });
machine.load(planBoot(machine.hardware, { program: { name: 'hello', bytes: program } }));
const stop = machine.run({ until: 1_000_000 });

assert.deepEqual(stop, { kind: 'shutdown' });
assert.equal(output, 'hello from 0x40000000\n');
console.log(`passed in ${machine.count} instructions, ${machine.clock.now()} ns of virtual time`);

// Prints:
//   passed in 97 instructions, 388 ns of virtual time
