// SPDX-License-Identifier: Apache-2.0
// Instructions that access memory, in random forms, with the bytes that each touches known by construction: the model for
// the test that no watch misses any of them.

import type { Instruction } from '../../packages/machine/src/testing/assemble.js';
import { a32, mov, mov32, t16, t32, tMov } from '../../packages/machine/src/testing/mnemonics.js';

export interface Touched {
  readonly address: number;
  readonly size: number;
  readonly write: boolean;
}

export interface AccessForm {
  readonly instructions: readonly Instruction[];
  readonly touches: readonly Touched[];
}

/** An integer below `bound`. */
export type Random = (bound: number) => number;

/** Base registers: r10 in A32 code, r7 in T32 code, which 16-bit instructions reach; r11 and r6 are offsets. */
const BASE = 10;
const OFFSET = 11;
const LOW_BASE = 7;
const LOW_OFFSET = 6;

const WIDTHS = { '': 4, B: 1, H: 2 } as const;
type Width = keyof typeof WIDTHS;

const t32Const = (rd: number, value: number): Instruction[] =>
  ['MOVW', 'MOVT'].map((name, n) => {
    const half = (value >>> (16 * n)) & 0xffff;
    const fields = { imm4: half >> 12, i: (half >> 11) & 1, imm3: (half >> 8) & 7, imm8: half & 0xff };
    return t32(name, { Rd: rd, ...fields });
  });

const words = (address: number, count: number, write: boolean): Touched[] =>
  Array.from({ length: count }, (_, n) => ({ address: address + 4 * n, size: 4, write }));

const bits = (list: number): number => list.toString(2).replaceAll('0', '').length;

/** `address` is where the first byte is to be; forms that must be aligned take the word there. */
type Form = (address: number, random: Random) => AccessForm;

function single(random: Random, address: number): AccessForm {
  const width = (['', 'B', 'H'] as const)[random(3)]!;
  const store = random(2) === 1;
  const name = `${store ? 'STR' : 'LDR'}${width}`;
  const touches = [{ address, size: WIDTHS[width], write: store }];
  const split = width === 'H';
  const up = random(2);
  const offset = random(64);
  const base = (wanted: number): number => (up === 1 ? wanted - offset : wanted + offset) >>> 0;
  const immediate = split ? { H: offset >> 4, L: offset & 15 } : { imm12: offset };
  switch (random(4)) {
    case 0: // offset or pre-indexed
      return {
        instructions: [
          ...mov32(BASE, base(address)),
          a32(`${name} (immediate)`, { P: 1, U: up, W: random(2), Rn: BASE, Rt: random(8), ...immediate }),
        ],
        touches,
      };
    case 1: // post-indexed
      return {
        instructions: [
          ...mov32(BASE, address),
          a32(`${name} (immediate)`, { P: 0, U: up, W: 0, Rn: BASE, Rt: random(8), ...immediate }),
        ],
        touches,
      };
    case 2: // by a register
      return {
        instructions: [
          ...mov32(BASE, base(address)),
          mov(OFFSET, offset),
          a32(`${name} (register)`, { P: 1, U: up, W: 0, Rn: BASE, Rt: random(8), Rm: OFFSET }),
        ],
        touches,
      };
    default: // with User permissions
      return {
        instructions: [
          ...mov32(BASE, address),
          a32(`${name}T (immediate)`, { U: up, Rn: BASE, Rt: random(8), ...immediate }),
        ],
        touches,
      };
  }
}

function signed(random: Random, address: number): AccessForm {
  const half = random(2) === 1;
  const name = half ? 'LDRSH (immediate)' : 'LDRSB (immediate)';
  return {
    instructions: [...mov32(BASE, address), a32(name, { P: 1, U: 1, W: 0, Rn: BASE, Rt: random(8), H: 0, L: 0 })],
    touches: [{ address, size: half ? 2 : 1, write: false }],
  };
}

function double(random: Random, address: number): AccessForm {
  const write = random(2) === 1;
  const at = address & ~3;
  return {
    instructions: [
      ...mov32(BASE, at),
      a32(`${write ? 'STRD' : 'LDRD'} (immediate)`, { P: 1, U: 1, Rn: BASE, Rt: 2 * random(4), H: 0, L: 0 }),
    ],
    touches: words(at, 2, write),
  };
}

function multiple(random: Random, address: number): AccessForm {
  const write = random(2) === 1;
  const mode = (['IA', 'IB', 'DA', 'DB'] as const)[random(4)]!;
  const list = 1 + random(0x1ff);
  const count = bits(list);
  const first = address & ~3;
  const base = { IA: first, IB: first - 4, DA: first + 4 * (count - 1), DB: first + 4 * count }[mode];
  return {
    instructions: [
      ...mov32(BASE, base >>> 0),
      a32(`${write ? 'STM' : 'LDM'}${mode}`, { W: random(2), Rn: BASE, list }),
    ],
    touches: words(first, count, write),
  };
}

function exclusive(random: Random, address: number): AccessForm {
  const [suffix, size] = ([['', 4], ['B', 1], ['H', 2], ['D', 8]] as const)[random(4)]!; // prettier-ignore
  const at = (address & ~(size - 1)) >>> 0;
  return {
    instructions: [
      ...mov32(BASE, at),
      a32(`LDREX${suffix}`, { Rn: BASE, Rt: 2 }),
      a32(`STREX${suffix}`, { Rn: BASE, Rd: 1, Rt: 2 }),
    ],
    touches: [
      { address: at, size, write: false },
      { address: at, size, write: true },
    ],
  };
}

function floating(random: Random, address: number): AccessForm {
  const write = random(2) === 1;
  const at = address & ~3;
  const letter = write ? 'VST' : 'VLD';
  switch (random(4)) {
    case 0: {
      const wide = random(2) === 1;
      const name = `${letter}R (${wide ? 'doubleword' : 'singleword'})`;
      return {
        instructions: [...mov32(BASE, at), a32(name, { U: 1, Rn: BASE, Vd: random(16) })],
        touches: words(at, wide ? 2 : 1, write),
      };
    }
    case 1: {
      const count = 1 + random(8);
      return {
        instructions: [
          ...mov32(BASE, at),
          a32(`${letter}MIA (doubleword)`, { W: random(2), Rn: BASE, Vd: random(8), imm8: 2 * count }),
        ],
        touches: words(at, 2 * count, write),
      };
    }
    case 2: {
      const [type, registers] = ([['0111', 1], ['1010', 2], ['0110', 3], ['0010', 4]] as const)[random(4)]!; // prettier-ignore
      const name = `${letter}1 (multiple 1-element structures, type ${type})`;
      return {
        instructions: [...mov32(BASE, address), a32(name, { Rn: BASE, Vd: random(8), size: 0, Rm: 15 })],
        touches: [{ address, size: 8 * registers, write }],
      };
    }
    default:
      return {
        instructions: [
          ...mov32(BASE, address),
          a32(`${letter}1 (single 1-element structure to one lane, 8 bits)`, {
            Rn: BASE,
            Vd: random(8),
            index: random(8),
            Rm: 15,
          }),
        ],
        touches: [{ address, size: 1, write }],
      };
  }
}

function swap(random: Random, address: number): AccessForm {
  const byte = random(2) === 1;
  const at = byte ? address : address & ~3;
  const size = byte ? 1 : 4;
  return {
    instructions: [...mov32(BASE, at), a32(byte ? 'SWPB' : 'SWP', { Rn: BASE, Rt: 1, Rt2: 2 })],
    touches: [
      { address: at, size, write: false },
      { address: at, size, write: true },
    ],
  };
}

function thumbSingle(random: Random, address: number): AccessForm {
  const width = (['', 'B', 'H'] as const)[random(3)]! satisfies Width;
  const write = random(2) === 1;
  const name = `${write ? 'STR' : 'LDR'}${width}`;
  const size = WIDTHS[width];
  const touches = [{ address, size, write }];
  const Rt = random(6);
  if (random(2) === 1) {
    const imm5 = random(32);
    return {
      instructions: [
        ...t32Const(LOW_BASE, address - imm5 * size),
        t16(`${name} (immediate)${width === '' ? ' T1' : ''}`, { imm5, Rn: LOW_BASE, Rt }),
      ],
      touches,
    };
  }
  if (random(2) === 1) {
    const offset = random(200);
    return {
      instructions: [
        ...t32Const(LOW_BASE, address - offset),
        tMov(LOW_OFFSET, offset),
        t16(`${name} (register)`, { Rm: LOW_OFFSET, Rn: LOW_BASE, Rt }),
      ],
      touches,
    };
  }
  const imm12 = random(4096);
  return {
    instructions: [
      ...t32Const(LOW_BASE, (address - imm12) >>> 0),
      t32(`${name} (immediate) ${width === '' ? 'T3' : 'T2'}`, { Rn: LOW_BASE, Rt, imm12 }),
    ],
    touches,
  };
}

function thumbMultiple(random: Random, address: number): AccessForm {
  const write = random(2) === 1;
  const first = address & ~3;
  const list = 3 + 4 * random(16);
  if (random(2) === 1) {
    return {
      instructions: [...t32Const(LOW_BASE, first), t16(write ? 'STM' : 'LDM', { Rn: LOW_BASE, list })],
      touches: words(first, bits(list), write),
    };
  }
  return {
    instructions: [
      ...t32Const(LOW_BASE, first + 4 * bits(list)),
      t32(write ? 'STMDB' : 'LDMDB', { W: random(2), Rn: LOW_BASE, list }),
    ],
    touches: words(first, bits(list), write),
  };
}

function thumbDouble(random: Random, address: number): AccessForm {
  const write = random(2) === 1;
  const first = address & ~3;
  const imm8 = random(100);
  return {
    instructions: [
      ...t32Const(LOW_BASE, first - 4 * imm8),
      t32(`${write ? 'STRD' : 'LDRD'} (immediate)`, { P: 1, U: 1, Rn: LOW_BASE, Rt: 0, Rt2: 1, imm8 }),
    ],
    touches: words(first, 2, write),
  };
}

const from =
  (make: (random: Random, address: number) => AccessForm): Form =>
  (address, random) =>
    make(random, address);

/** In A32 and in T32 state. None touches more than 64 bytes from `address` on, less 3. */
export const FORMS: Readonly<Record<'a32' | 't32', readonly Form[]>> = {
  a32: [single, single, signed, double, multiple, exclusive, floating, floating, swap].map(from),
  t32: [thumbSingle, thumbSingle, thumbMultiple, thumbDouble].map(from),
};
