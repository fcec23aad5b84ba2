// SPDX-License-Identifier: Apache-2.0
// The inspector of benchmark `packets`, in the network namespace of its server: attaches the program of a file of rules to both
// directions of an interface, as it is told by lines on standard input, `attach FILE` and `detach`, and answers each with a line.

import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { kernelRule, packetProgram, parseRules, ruleTables } from '@plinth/guards';
import { KernelProgram, Link, nativeCalls } from '@plinth/linux';

/** What `attach` answers, as JSON. */
export interface Attached {
  /** From the text of the rules to the tables and the program. */
  readonly compileSeconds: number;
  /** From there until it is at the interface. */
  readonly loadSeconds: number;
  readonly rules: number;
  readonly instructions: number;
  /** What the kernel has set aside for its maps. */
  readonly mapBytes: number;
}

const calls = nativeCalls();
const interfaceIndex = calls.interfaceIndex(process.argv[2]!);
let attached: Disposable[] = [];

for await (const line of createInterface({ input: process.stdin })) {
  const [command, file] = line.split(' ');
  console.log(JSON.stringify(command === 'attach' ? attach(file!) : detach()));
}
detach();

function attach(file: string): Attached {
  const begin = performance.now();
  const rules = parseRules(readFileSync(file, 'latin1'), file).rules.map((rule) => kernelRule(rule));
  const decided = rules.flatMap((rule) => (typeof rule === 'string' ? [] : [rule]));
  const { program, tables, tablesMap } = packetProgram(ruleTables(decided));
  const compiled = performance.now();
  const loaded = KernelProgram.load(calls, program, new Map(), (maps) => {
    maps.get(tablesMap.name)?.set(new Uint8Array(4), tables.bytes);
  });
  attached = [loaded];
  for (const place of ['ingress', 'egress'] as const) {
    attached.push(Link.attach(calls, loaded, interfaceIndex, place));
  }
  return {
    compileSeconds: (compiled - begin) / 1000,
    loadSeconds: (performance.now() - compiled) / 1000,
    rules: decided.length,
    instructions: program.instructions.length,
    mapBytes: [...loaded.maps.values()].reduce((sum, { fd }) => sum + memoryOf(fd), 0),
  };
}

function detach(): object {
  for (const each of attached.toReversed()) each[Symbol.dispose]();
  attached = [];
  return {};
}

/** Bytes of a map, as the kernel counts them (bpf_map_show_fdinfo). */
function memoryOf(fd: number): number {
  return Number(/^memlock:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1]);
}
