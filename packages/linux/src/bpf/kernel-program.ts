// SPDX-License-Identifier: Apache-2.0
// A program in the kernel: its maps are made, the verifier reads it, and it is there by its file descriptor.

import { PlinthError } from '@plinth/core';
import { encode, type Instruction, type MapDefinition, type Program, PROGRAM_TYPE, PSEUDO } from '@plinth/ebpf';
import { ERROR, type SystemCalls } from '../system-calls.js';
import { Attribute } from './attribute.js';
import { KernelMap } from './kernel-map.js';
import { pin } from './pins.js';
import { refusal } from './refusal.js';

/** What the verifier did not take. `log` is all that it said. */
export class VerifierError extends PlinthError {
  readonly log: string;

  constructor(program: string, log: string) {
    super('internal', 'ebpf-verifier', `program ${program}: the kernel's verifier refuses it: ${tellingLines(log)}`);
    this.name = 'VerifierError';
    this.log = log;
  }
}

const LICENSE = 'Apache-2.0';
/** BPF_F_XDP_HAS_FRAGS: it reads frames in several pieces, so interfaces need not keep them small for it. */
const XDP_HAS_FRAGS = 32;
const LOG_SIZE = 4 * 1024 * 1024;

export class KernelProgram implements Disposable {
  readonly program: Program;
  readonly fd: number;
  readonly maps: ReadonlyMap<string, KernelMap>;
  readonly #calls: SystemCalls;
  readonly #own: readonly KernelMap[];

  private constructor(
    calls: SystemCalls,
    program: Program,
    fd: number,
    maps: Map<string, KernelMap>,
    own: KernelMap[],
  ) {
    this.#calls = calls;
    this.program = program;
    this.fd = fd;
    this.maps = maps;
    this.#own = own;
  }

  /**
   * Makes the maps that are not in `shared`, by name, has `prepare` fill them, and loads the program.
   * @throws VerifierError, or a `host` error where the kernel refuses it without a word
   */
  static load(
    calls: SystemCalls,
    program: Program,
    shared: ReadonlyMap<string, KernelMap> = new Map(),
    prepare: (maps: ReadonlyMap<string, KernelMap>) => void = () => {},
  ): KernelProgram {
    const own: KernelMap[] = [];
    try {
      const maps = new Map<string, KernelMap>();
      for (const definition of program.maps) {
        const known = shared.get(definition.name);
        const map = known ?? KernelMap.create(calls, definition);
        if (known === undefined) own.push(map);
        maps.set(definition.name, map);
      }
      prepare(maps);
      const fd = load(calls, program, withDescriptors(program, maps));
      return new KernelProgram(calls, program, fd, maps, own);
    } catch (error) {
      for (const map of own) map[Symbol.dispose]();
      throw error;
    }
  }

  map(definition: MapDefinition): KernelMap {
    const map = this.maps.get(definition.name);
    if (map === undefined) throw new PlinthError('internal', 'ebpf-map', `${definition.name} is no map of the program`);
    return map;
  }

  pin(path: string): void {
    pin(this.#calls, this.fd, path);
  }

  [Symbol.dispose](): void {
    this.#calls.close(this.fd);
    for (const map of this.#own) map[Symbol.dispose]();
  }
}

function withDescriptors(program: Program, maps: ReadonlyMap<string, KernelMap>): Instruction[] {
  const instructions = [...program.instructions];
  for (const { instruction, map, valueOffset } of program.references) {
    const source = valueOffset === undefined ? PSEUDO.mapFd : PSEUDO.mapValue;
    const first = instructions[instruction]!;
    instructions[instruction] = { ...first, source, immediate: maps.get(map)!.fd };
    instructions[instruction + 1] = { ...instructions[instruction + 1]!, immediate: valueOffset ?? 0 };
  }
  return instructions;
}

function load(calls: SystemCalls, program: Program, instructions: readonly Instruction[]): number {
  const attempt = (log: Uint8Array): number =>
    new Attribute(calls)
      .u32(0, PROGRAM_TYPE[program.type])
      .u32(4, instructions.length)
      .pointer(8, encode(instructions))
      .pointer(16, new TextEncoder().encode(`${program.license ?? LICENSE}\0`))
      .u32(24, log.length === 0 ? 0 : 1)
      .u32(28, log.length)
      .pointer(32, log)
      .u32(44, program.type === 'xdp' ? XDP_HAS_FRAGS : 0)
      .name(48, program.name)
      .call('programLoad');
  // The log costs time, so only a program that is refused is read twice.
  const fd = attempt(new Uint8Array(0));
  if (fd >= 0) return fd;
  if (fd === -ERROR.EPERM) throw refusal(`program ${program.name}`, ERROR.EPERM);
  const log = new Uint8Array(LOG_SIZE);
  const second = attempt(log);
  if (second >= 0) return second;
  const text = new TextDecoder().decode(log.subarray(0, log.indexOf(0)));
  if (text === '') throw refusal(`program ${program.name}`, -second);
  throw new VerifierError(program.name, text);
}

/** The verifier says last why; before it stands the instruction, and after it what it counted. */
function tellingLines(log: string): string {
  const lines = log
    .trimEnd()
    .split('\n')
    .filter((line) => !/^(processed|verification time|stack depth|max_states)/.test(line));
  const reason = lines.at(-1) ?? '';
  const instruction = lines.findLast((line) => /^\d+: \(/.test(line));
  const left = lines.length - (instruction === undefined ? 1 : 2);
  const at = instruction === undefined ? '' : ` at ${instruction.trim()}`;
  return `${reason.trim()}${at}${left > 0 ? ` (${left} lines more)` : ''}`;
}
