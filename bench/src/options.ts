// SPDX-License-Identifier: Apache-2.0
// The command line of `npm run bench`.

import { parseArgs } from 'node:util';
import { PlinthError } from '@plinth/core';

export type EngineName = 'interpreter' | 'translator';
export type InstructionSet = 'a32' | 't32';

const BENCHES = ['boot', 'compute', 'io', 'match', 'observe', 'packets', 'sandbox', 'start'] as const;

export interface Options {
  readonly bench: (typeof BENCHES)[number];
  readonly json: boolean;
  readonly engine: EngineName;
  /** Times that each thing is measured; the median counts. */
  readonly repetitions: number;
  /** compute: names of the programs to run; all if empty. boot: names of the ways to boot. io: names of its parts. */
  readonly only: readonly string[];
  /** compute: what the programs are compiled to. */
  readonly instructionSet: InstructionSet;
  /** compute: millions of guest instructions between the two iteration counts. */
  readonly work: number;
}

export const USAGE = `Usage: npm run bench -- boot|compute|io|match|observe|packets|sandbox|start [options]

  --json               one JSON object instead of a table
  --engine NAME        interpreter or translator (default: translator, as of plinth run)
  --repetitions N      measure N times and take the median (default 3)
  --only A,B           only these rows
  --isa a32|t32        compute: instruction set of the programs (default a32)
  --work N             compute: millions of instructions between the two counts
                       (default 150 for the interpreter, 800 for the translator)

Examples:
  npm run bench -- compute --only fib,crc32
  npm run bench -- boot --json --repetitions 5
  npm run bench -- io --only raw,network
  npm run bench -- packets --only tcp --repetitions 5
  npm run bench -- sandbox --only start,memory
  npm run bench -- start --repetitions 10
`;

/** `undefined` when help was asked for. */
export function parseOptions(args: readonly string[]): Options | undefined {
  const { values, positionals } = parse(args);
  if (values.help === true) return undefined;
  const [name, ...rest] = positionals;
  const bench = BENCHES.find((known) => known === name);
  if (bench === undefined || rest.length > 0) throw wrong(`name one benchmark: ${BENCHES.join(', ')}`);
  const engine = oneOf('engine', values.engine ?? 'translator', ['interpreter', 'translator']);
  return {
    bench,
    json: values.json ?? false,
    engine,
    repetitions: count('repetitions', values.repetitions ?? '3'),
    only: values.only?.split(',').filter((name) => name !== '') ?? [],
    instructionSet: oneOf('isa', values.isa ?? 'a32', ['a32', 't32']),
    work: count('work', values.work ?? (engine === 'translator' ? '800' : '150')),
  };
}

function parse(args: readonly string[]): {
  values: {
    help?: boolean;
    json?: boolean;
    engine?: string;
    repetitions?: string;
    only?: string;
    isa?: string;
    work?: string;
  };
  positionals: string[];
} {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        json: { type: 'boolean' },
        engine: { type: 'string' },
        repetitions: { type: 'string' },
        only: { type: 'string' },
        isa: { type: 'string' },
        work: { type: 'string' },
      },
    });
  } catch (error) {
    throw wrong((error as Error).message);
  }
}

function oneOf<T extends string>(option: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((name) => name === value);
  if (found === undefined) throw wrong(`--${option}: "${value}" is none of ${allowed.join(', ')}`);
  return found;
}

function count(option: string, value: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 1) throw wrong(`--${option}: "${value}" is no whole number above 0`);
  return number;
}

function wrong(message: string): PlinthError {
  return new PlinthError('input', 'bench-options', `bench: ${message}; --help tells more`);
}
