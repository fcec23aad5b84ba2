// SPDX-License-Identifier: Apache-2.0
// The WebAssembly text of what the generators make of a program, with the program's disassembly above it. wabt gives
// the names; what does not depend on the program (imports, the run loop) is left out of handlers.

import {
  advanceIt,
  buildInterpreter,
  buildRegions,
  Decoder,
  disassemble,
  HANDLER,
  handlerNumber,
  planHandlers,
  RegionFinder,
  ROWS,
  thumbSize,
  type RowIsa,
} from '@plinth/arm';
import loadWabt from 'wabt';
import { bytesOf } from '../../packages/machine/src/testing/assemble.js';
import type { Program } from './programs.js';

type Wabt = Awaited<ReturnType<typeof loadWabt>>;

const PAGE_BYTES = 4096;
const TABLE_SIZE = 256;
/** Numbers that only show up as constants in the text. */
const PLACE = { originalHandler: 5, handlerArray: 0x20_0000, firstRegion: 0x1000 };

function decoder(isa: RowIsa): Decoder {
  return new Decoder(ROWS, isa);
}

export class Generators {
  readonly #wabt: Wabt;
  readonly #decoders = { a32: decoder('A32'), t32: decoder('T32'), t16: decoder('T16') };

  private constructor(wabt: Wabt) {
    this.#wabt = wabt;
  }

  static async load(): Promise<Generators> {
    return new Generators(await loadWabt());
  }

  /** The interpreter handler of a program's one instruction, outside of IT blocks. */
  handler(program: Program): string {
    const [word] = words(program);
    const wide = program.isa === 'A32' || word!.size === 4;
    const decoders = this.#decoders;
    const decoded = (program.isa === 'A32' ? decoders.a32 : wide ? decoders.t32 : decoders.t16).decode(word!.word)!;
    const { row } = decoded;
    const handlers = planHandlers([row]).plan[0]!;
    const number = handlerNumber(handlers, word!.word, false) & ~HANDLER.conditional;
    const text = this.#text(buildInterpreter([row], { tableSize: TABLE_SIZE, ring: 0 }));
    return `${heading(program)}${tableFunction(text, number)}\n`;
  }

  /** The region that starts at the program's first instruction, as a module. */
  region(program: Program): string {
    const page = new Uint8Array(PAGE_BYTES);
    page.set(bytesOf(program.code));
    // Behind the program lie undefined instructions.
    page.fill(program.isa === 'A32' ? 0xff : 0xde, bytesOf(program.code).length);
    const region = new RegionFinder(this.#decoders).find(new DataView(page.buffer), 0, program.isa === 'T32');
    if (region === undefined) throw new Error(`program ${program.name} makes no region`);
    return `${heading(program)}${this.#text(buildRegions([{ region, place: { ...PLACE, watchful: program.watchful ?? false } }]))}`;
  }

  #text(bytes: Uint8Array): string {
    const module = this.#wabt.readWasm(bytes, { readDebugNames: true });
    try {
      module.validate();
      module.generateNames();
      module.applyNames();
      return module.toText({ foldExprs: true, inlineExport: true });
    } finally {
      module.destroy();
    }
  }
}

/** The function in a slot of the module's table. */
function tableFunction(text: string, slot: number): string {
  const parts = text.split(/\n(?= {2}\()/);
  const elements = parts.find((part) => part.startsWith('  (elem '))!;
  const name = elements.match(/\$\S+/g)!.slice(1)[slot]!.replace(/\)+$/, '');
  return parts.find((part) => part.startsWith(`  (func ${name} `))!;
}

interface Placed {
  readonly address: number;
  readonly word: number;
  readonly size: 2 | 4;
}

function words({ isa, code }: Program): Placed[] {
  const bytes = bytesOf(code);
  const view = new DataView(bytes.buffer);
  const placed: Placed[] = [];
  for (let address = 0; address < bytes.length; address += placed.at(-1)!.size) {
    if (isa === 'A32') placed.push({ address, word: view.getUint32(address, true), size: 4 });
    else {
      const half = view.getUint16(address, true);
      const size = thumbSize(half);
      const word = size === 2 ? half : ((half << 16) | view.getUint16(address + 2, true)) >>> 0;
      placed.push({ address, word, size });
    }
  }
  return placed;
}

/** The program as comments. */
function heading(program: Program): string {
  let itState = 0;
  const lines = words(program).map(({ address, word, size }) => {
    const place = { isa: program.isa, address };
    const { text, row } = disassemble(word, itState === 0 ? place : { ...place, inIt: itState >> 4 });
    itState = row?.name === 'IT' ? word & 0xff : advanceIt(itState);
    const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
    return `;; ${hex(address, 3)}: ${hex(word, size * 2).padEnd(8)}  ${text}`;
  });
  return `;; ${program.isa}\n${lines.join('\n')}\n`;
}
