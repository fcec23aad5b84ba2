// SPDX-License-Identifier: Apache-2.0
// Runs a bare-metal semihosting program on a Plinth machine in this process: a new machine for each program, with files
// that live in memory and are gone with it.

import { readFileSync } from 'node:fs';
import {
  Machine,
  Semihosting,
  TranslatedMemory,
  planElf,
  readElf,
  type EngineKind,
  type LoadPlan,
  type SemihostingHost,
} from '@plinth/machine';
import type { ElfResult, ElfRunner } from './elf-runner.js';
import { MemoryFiles } from './memory-files.js';

const RAM_SIZE = 64 << 20;
const STACK_SIZE = 1 << 20;
/** Instructions after which a program is taken for endless; the longest of the suite takes a tenth of it. */
const LIMIT = 2_000_000_000;
const MAX_OUTPUT = 1_000_000;

export class MachineElfRunner implements ElfRunner {
  readonly name: string;
  readonly #engine: EngineKind;

  constructor(engine: EngineKind = 'translator') {
    this.#engine = engine;
    this.name = `plinth ${engine}`;
  }

  async run(elfPath: string): Promise<ElfResult> {
    let output = '';
    const print = (bytes: Uint8Array): void => {
      if (output.length < MAX_OUTPUT) output += Buffer.from(bytes).toString('latin1');
    };
    const machine = new Machine({
      ramSize: RAM_SIZE,
      engine: this.#engine,
      semihosting: ({ state }) => {
        const result = calls.call(state.reg(0), state.reg(1));
        if (result.kind === 'exit') machine.exit(result.status);
        else state.setReg(0, result.kind === 'return' ? result.r0 : -1);
        return true;
      },
    });
    const { ramBase } = machine.memory;
    const plan = planElf(readElf(readFileSync(elfPath), elfPath), elfPath, { base: ramBase, size: RAM_SIZE });
    const calls = new Semihosting(
      {
        commandLine: 'program',
        heap: heapOf(plan, ramBase),
        files: new MemoryFiles(),
        clock: () => machine.clock.now(),
        time: () => Math.floor(machine.clock.now() / 1e9),
        writeConsole: print,
        readConsole: () => 'end',
      },
      new TranslatedMemory(machine),
    );
    machine.load(plan);
    const stop = machine.run({ until: LIMIT });
    if (stop.kind === 'exit') return { exitStatus: stop.status, output };
    if (stop.kind === 'until') return { exitStatus: undefined, output };
    return { exitStatus: -1, output: `${output}\nmachine stopped: ${JSON.stringify(stop)}` };
  }
}

/** The heap from the program to the stack, which is at the end of RAM. */
function heapOf(plan: LoadPlan, ramBase: number): SemihostingHost['heap'] {
  const programEnd = Math.max(...plan.segments.map(({ address, bytes }) => address + bytes.length));
  const end = ramBase + RAM_SIZE;
  const stackLimit = end - STACK_SIZE;
  return { heapBase: (programEnd + 7) & ~7, heapLimit: stackLimit, stackBase: end, stackLimit };
}
