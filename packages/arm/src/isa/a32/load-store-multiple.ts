// SPDX-License-Identifier: Apache-2.0
// A32 block transfers (A5.5): LDM and STM in their four addressing modes, PUSH and POP, and the User-register and
// exception-return forms (B9.3.5, B9.3.6, B9.3.17). The PC has a field of its own in the lists of loads.

import { registerList, registerName } from '../operands.js';
import { a32, type Row } from '../row.js';
import {
  loadMultiple,
  loadMultipleReturn,
  loadUserRegisters,
  storeMultiple,
  storeUserRegisters,
  type Direction,
} from '../semantics/multiple.js';

interface Mode extends Direction {
  readonly suffix: 'DA' | 'IA' | 'DB' | 'IB';
  /** Bits P:U. */
  readonly PU: '00' | '01' | '10' | '11';
}

const MODES: readonly Mode[] = [
  { suffix: 'IA', PU: '01', before: false, up: true },
  { suffix: 'DA', PU: '00', before: false, up: false },
  { suffix: 'DB', PU: '10', before: true, up: false },
  { suffix: 'IB', PU: '11', before: true, up: true },
];

type Listed = { readonly pc: number; readonly list: number };
const fullList = (f: Listed): number => (f.pc << 15) | f.list;

/** `ldmdb{c} r0!, {r1, r2}`; IA goes without saying, except (to objdump) for STM with write-back or `^`. */
function text(mnemonic: string, mode: Mode, f: { Rn: number }, writeback: number, list: number): string {
  const suffix = mode.suffix === 'IA' ? '' : mode.suffix.toLowerCase();
  return `${mnemonic}${suffix}{c} ${registerName(f.Rn)}${writeback === 1 ? '!' : ''}, ${registerList(list)}`;
}

function baseListed(f: { Rn: number }, list: number): boolean {
  return ((list >>> f.Rn) & 1) === 1;
}

function rows(mode: Mode): Row[] {
  const { suffix, PU } = mode;
  const ia = suffix === 'IA';
  return [
    a32(
      `LDM${suffix}`,
      `cond:4 100 ${PU} 0 W:1 1 Rn:4 pc:1 list:15`,
      {
        specialize: ['W', 'pc'],
        unpredictable: (f) => f.Rn === 15 || fullList(f) === 0 || (f.W === 1 && baseListed(f, f.list)),
        syntax: (f) => text('ldm', mode, f, f.W, fullList(f)),
      },
      (b, f) => {
        const writeback = b.known(f.W) === 1;
        const pc = b.known(f.pc) === 1;
        loadMultiple(b, { ...mode, rn: f.Rn, list: f.list, pc, writeback, baseListed: !writeback });
      },
    ),
    a32(
      `STM${suffix}`,
      `cond:4 100 ${PU} 0 W:1 0 Rn:4 list:16`,
      {
        specialize: ['W'],
        unpredictable: (f) => f.Rn === 15 || f.list === 0,
        syntax: (f) => text(ia && f.W === 1 ? 'stmia' : 'stm', mode, f, f.W, f.list),
      },
      (b, f) => storeMultiple(b, { ...mode, rn: f.Rn, list: f.list, writeback: b.known(f.W) === 1 }),
    ),
    a32(
      `LDM${suffix} (exception return)`,
      `cond:4 100 ${PU} 1 W:1 1 Rn:4 1 list:15`,
      {
        kind: 'system',
        specialize: ['W'],
        unpredictable: (f) => f.Rn === 15 || (f.W === 1 && baseListed(f, f.list)),
        syntax: (f) => `${text('ldm', mode, f, f.W, 0x8000 | f.list)}^`,
      },
      (b, f) => {
        const writeback = b.known(f.W) === 1;
        loadMultipleReturn(b, { ...mode, rn: f.Rn, list: f.list, pc: true, writeback, baseListed: !writeback });
      },
    ),
    a32(
      `LDM${suffix} (User registers)`,
      `cond:4 100 ${PU} 1 (0) 1 Rn:4 0 list:15`,
      {
        unpredictable: (f) => f.Rn === 15 || f.list === 0,
        syntax: (f) => `${text('ldm', mode, f, 0, f.list)}^`,
      },
      (b, f) => loadUserRegisters(b, f.Rn, f.list, mode),
    ),
    a32(
      `STM${suffix} (User registers)`,
      `cond:4 100 ${PU} 1 (0) 0 Rn:4 list:16`,
      {
        unpredictable: (f) => f.Rn === 15 || f.list === 0,
        syntax: (f) => `${text(ia ? 'stmia' : 'stm', mode, f, 0, f.list)}^`,
      },
      (b, f) => storeUserRegisters(b, f.Rn, f.list, mode),
    ),
  ];
}

/** The list has two registers at least; a single one is an LDMIA or STMDB to whoever reads it, and works the same. */
const severalListed = (list: number): boolean => (list & (list - 1)) !== 0;

const stack: readonly Row[] = [
  a32(
    'PUSH',
    'cond:4 100100101101 list:16',
    { where: (f) => severalListed(f.list), syntax: (f) => `push{c} ${registerList(f.list)}` },
    (b, f) => storeMultiple(b, { before: true, up: false, rn: 13, list: f.list, writeback: true }),
  ),
  a32(
    'POP',
    'cond:4 100010111101 pc:1 list:15',
    {
      specialize: ['pc'],
      where: (f) => severalListed(fullList(f)),
      unpredictable: (f) => (f.list & 0x2000) !== 0,
      syntax: (f) => `pop{c} ${registerList(fullList(f))}`,
    },
    (b, f) => {
      const pc = b.known(f.pc) === 1;
      loadMultiple(b, { before: false, up: true, rn: 13, list: f.list, pc, writeback: true, baseListed: false });
    },
  ),
];

export const loadStoreMultiple: readonly Row[] = [...MODES.flatMap(rows), ...stack];
