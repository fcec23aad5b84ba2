// SPDX-License-Identifier: Apache-2.0
// Extension register loads and stores (A7.6): VLDR, VSTR, VLDM, VSTM, VPUSH, VPOP, and FLDMX/FSTMX, which are VLDM and
// VSTM with an odd word count. All accesses are word-aligned or fault.

import type { Builder } from '../../ir/builder.js';
import type { Node } from '../../ir/node.js';
import { ACCESS, CPU, PSR } from '../../state/layout.js';
import type { Row } from '../row.js';
import { coreName, doubleIndex, floatName, singleIndex, vfp } from './encoding.js';

/** The base register; as a literal's base the PC is word-aligned. */
function base(b: Builder, rn: Node): Node {
  if (b.isa === 'A32') return b.reg(rn);
  return b.and(b.reg(rn), b.select(b.eq(rn, 15), ~3, -1));
}

interface Form {
  readonly double: boolean;
  readonly load: boolean;
}

function single(form: Form): Row[] {
  const { double, load } = form;
  return vfp(
    `${load ? 'VLDR' : 'VSTR'} (${double ? 'doubleword' : 'singleword'})`,
    `1101 U:1 D:1 0 ${load ? '1' : '0'} Rn:4 Vd:4 101${double ? '1' : '0'} imm8:8` as const,
    {
      syntax: (f) => {
        const offset = f.imm8 === 0 && f.U === 1 ? '' : `, #${f.U === 1 ? '' : '-'}${f.imm8 * 4}`;
        const register = floatName(double ? 1 : 0, f.D, f.Vd);
        return `${load ? 'vldr' : 'vstr'}{c} ${register}, [${coreName(f.Rn)}${offset}]`;
      },
    },
    (b, f) => {
      b.requireFloatingPoint();
      const offset = b.shl(f.imm8, 2);
      const address = b.add(base(b, f.Rn), b.select(f.U, offset, b.sub(0, offset)));
      const register = double ? doubleIndex(b, f.D, f.Vd) : singleIndex(b, f.Vd, f.D);
      if (double) transferAll(b, form, register, address, 1);
      else transfer(b, form, register, address);
    },
  );
}

function transfer(b: Builder, { double, load }: Form, register: Node, address: Node): void {
  if (double) {
    // In big-endian memory the first word is the high one.
    const bigEndian = b.and(b.state(CPU.control), PSR.E);
    if (load) {
      const first = b.load(4, address, ACCESS.wordAligned);
      const second = b.load(4, b.add(address, 4), ACCESS.wordAligned);
      b.setD(register, b.join(b.select(bigEndian, first, second), b.select(bigEndian, second, first)));
    } else {
      const value = b.d(register);
      const [low, high] = [b.low(value), b.high(value)];
      b.store(4, address, b.select(bigEndian, high, low), ACCESS.wordAligned);
      b.store(4, b.add(address, 4), b.select(bigEndian, low, high), ACCESS.wordAligned);
    }
  } else if (load) b.setS(register, b.load(4, address, ACCESS.wordAligned));
  else b.store(4, address, b.s(register), ACCESS.wordAligned);
}

/** Sizes of the pieces in which `bytes` are copied, largest first. */
const PIECES = [
  { size: 16, load: 'v128.load', store: 'v128.store' },
  { size: 8, load: 'i64.load', store: 'i64.store' },
  { size: 4, load: 'i32.load', store: 'i32.store' },
] as const;

/** Copies between the register file (from byte `place`) and directly reachable memory: both are little-endian. */
function copy(b: Builder, load: boolean, place: Node, host: Node, bytes: number): void {
  let at = 0;
  for (const piece of PIECES) {
    for (; bytes - at >= piece.size; at += piece.size) {
      if (load) b.storeState(piece.store, CPU.vectors, b.loadHost(piece.load, host, at), b.add(place, at));
      else b.storeHost(piece.store, host, at, b.loadState(piece.load, CPU.vectors, b.add(place, at)));
    }
  }
}

/** Transfers `count` registers, a known number: all at once if memory can be reached directly, else one by one. */
function transferAll(b: Builder, form: Form, first: Node, address: Node, count: number): void {
  const bytes = count * (form.double ? 8 : 4);
  const host = b.hostAddress(address, bytes, 4, !form.load);
  b.if(
    host,
    () => copy(b, form.load, b.shl(first, form.double ? 3 : 2), host, bytes),
    () => {
      for (let n = 0; n < count; n++) transfer(b, form, b.add(first, n), b.add(address, n * (form.double ? 8 : 4)));
    },
  );
}

function multiple(form: Form, before: boolean): Row[] {
  const { double, load } = form;
  const name = load ? 'VLDM' : 'VSTM';
  const count = (imm8: number): number => (double ? imm8 >> 1 : imm8);
  // Decrement before always writes back; P:U:W = 011, 010 and 101 are the forms there are.
  const mode = before ? '10' : '01';
  return vfp(
    `${name}${before ? 'DB' : 'IA'} (${double ? 'doubleword' : 'singleword'})`,
    `110 ${mode} D:1 W:1 ${load ? '1' : '0'} Rn:4 Vd:4 101${double ? '1' : '0'} imm8:8` as const,
    {
      where: (f) => !before || f.W === 1,
      unpredictable: (f) => {
        const first = double ? (f.D << 4) | f.Vd : (f.Vd << 1) | f.D;
        const registers = count(f.imm8);
        return registers === 0 || (double && registers > 16) || first + registers > 32 || (f.Rn === 15 && f.W === 1);
      },
      syntax: (f) => {
        const size = double ? 1 : 0;
        const first = double ? (f.D << 4) | f.Vd : (f.Vd << 1) | f.D;
        const last = first + count(f.imm8) - 1;
        const letter = double ? 'd' : 's';
        const list = `{${floatName(size, f.D, f.Vd)}${last > first ? `-${letter}${last}` : ''}}`;
        if (f.Rn === 13 && f.W === 1 && load !== before && (f.imm8 & size) === 0)
          return `${load ? 'vpop' : 'vpush'}{c} ${list}`;
        const old = double && (f.imm8 & 1) === 1;
        const mnemonic = old
          ? `f${load ? 'ld' : 'st'}m${before ? 'db' : 'ia'}x`
          : `v${load ? 'ld' : 'st'}m${before ? 'db' : 'ia'}`;
        return `${mnemonic}{c} ${coreName(f.Rn)}${f.W === 1 ? '!' : ''}, ${list}`;
      },
    },
    (b, f) => {
      b.requireFloatingPoint();
      const rn = base(b, f.Rn);
      const length = b.shl(f.imm8, 2);
      const registers = double ? b.shrU(f.imm8, 1) : f.imm8;
      const first = double ? doubleIndex(b, f.D, f.Vd) : singleIndex(b, f.Vd, f.D);
      const start = before ? b.sub(rn, length) : rn;
      const known = b.known(registers);
      if (known !== undefined && known > 0 && known <= (double ? 16 : 32)) transferAll(b, form, first, start, known);
      else {
        for (let n = 0; n < (double ? 16 : 32); n++) {
          b.if(b.op('i32.gt_u', registers, n), () =>
            transfer(b, form, b.add(first, n), b.add(start, n * (double ? 8 : 4))),
          );
        }
      }
      b.if(f.W, () => b.setReg(f.Rn, before ? start : b.add(rn, length)));
    },
  );
}

const FORMS: readonly Form[] = [
  { double: true, load: true },
  { double: true, load: false },
  { double: false, load: true },
  { double: false, load: false },
];

export const vfpMemory: readonly Row[] = FORMS.flatMap((form) => [
  ...multiple(form, false),
  ...multiple(form, true),
  ...single(form),
]);
