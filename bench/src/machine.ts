// SPDX-License-Identifier: Apache-2.0
// Our machine with semihosting, for the bare-metal programs of the compute benchmark.

import { Machine, type MachineOptions, Semihosting, TranslatedMemory } from '@plinth/machine';
import type { EngineName } from './options.js';

/** A machine whose programs may ask for their command line, write text and exit. */
export function createSemihostedMachine(options: {
  engine: EngineName;
  ramSize: number;
  commandLine: string;
  write: (bytes: Uint8Array) => void;
}): Machine {
  const answer: NonNullable<MachineOptions['semihosting']> = (cpu) => {
    const result = calls.call(cpu.state.reg(0), cpu.state.reg(1));
    if (result.kind === 'exit') machine.exit(result.status);
    else cpu.state.setReg(0, result.kind === 'return' ? result.r0 : -1);
    return true;
  };
  const machine = new Machine({ engine: options.engine, ramSize: options.ramSize, semihosting: answer });
  const host = {
    commandLine: options.commandLine,
    heap: { heapBase: 0, heapLimit: 0, stackBase: 0, stackLimit: 0 },
    clock: () => machine.clock.now(),
    time: () => 0,
    writeConsole: (bytes: Uint8Array) => options.write(bytes),
    readConsole: () => 'end' as const,
  };
  const calls = new Semihosting(host, new TranslatedMemory(machine));
  return machine;
}
