// SPDX-License-Identifier: Apache-2.0
// Advanced SIMD element and structure loads and stores (A7.7). All memory is read before a register is written, and
// the base register is written last. Whole structures move as vectors where memory can be reached directly, else as words;
// they are taken apart by shuffles.

import type { Builder } from '../../ir/builder.js';
import type { Node } from '../../ir/node.js';
import { ACCESS, CPU, PSR } from '../../state/layout.js';
import { EXCEPTION } from '../../system/exception.js';
import type { Row } from '../row.js';
import { coreName, doubleIndex, simdMemory } from '../vfp/encoding.js';

/** Fault unless the address is a multiple of `mask` + 1. */
function requireAlignment(b: Builder, address: Node, mask: Node | number, isStore: boolean): void {
  if (b.known(mask) === 0) return;
  b.if(b.and(address, mask), () => void b.callChecked('alignmentFault', address, isStore ? 1 : 0));
}

/** Rm 15 leaves the base alone, 13 adds the transfer's length, others add a register. */
function writeBack(b: Builder, rn: Node, rm: Node, address: Node, length: number): void {
  b.if(b.ne(rm, 15), () => {
    b.if(
      b.eq(rm, 13),
      () => b.setReg(rn, b.add(address, length)),
      () => b.setReg(rn, b.add(address, b.reg(rm))),
    );
  });
}

function addressText(rn: number, rm: number, align: string): string {
  const base = `[${coreName(rn)}${align}]`;
  if (rm === 15) return base;
  return rm === 13 ? `${base}!` : `${base}, ${coreName(rm)}`;
}

function listText(first: number, count: number, step: number, index = ''): string {
  const names = Array.from({ length: count }, (_, i) => `d${(first + i * step) % 32}${index}`);
  const ranges = index === '' || index === '[]';
  if (ranges && step === 1 && count > 1) return `{${names[0]}-${names[count - 1]}}`;
  return `{${names.join(',')}}`;
}

// ---- multiple structures ----------------------------------------------------------------------------------------

interface Multiple {
  readonly type: string;
  /** Elements per structure. */
  readonly n: number;
  /** Structures' registers lie this far apart. */
  readonly step: number;
  /** Registers for each element of the structure. */
  readonly registers: number;
  /** Highest `align` that is defined. */
  readonly maxAlign: number;
}

const MULTIPLE: readonly Multiple[] = [
  { type: '0111', n: 1, step: 1, registers: 1, maxAlign: 1 },
  { type: '1010', n: 1, step: 1, registers: 2, maxAlign: 2 },
  { type: '0110', n: 1, step: 1, registers: 3, maxAlign: 1 },
  { type: '0010', n: 1, step: 1, registers: 4, maxAlign: 3 },
  { type: '1000', n: 2, step: 1, registers: 1, maxAlign: 2 },
  { type: '1001', n: 2, step: 2, registers: 1, maxAlign: 2 },
  { type: '0011', n: 2, step: 2, registers: 2, maxAlign: 3 },
  { type: '0100', n: 3, step: 1, registers: 1, maxAlign: 1 },
  { type: '0101', n: 3, step: 2, registers: 1, maxAlign: 1 },
  { type: '0000', n: 4, step: 1, registers: 1, maxAlign: 3 },
  { type: '0001', n: 4, step: 2, registers: 1, maxAlign: 3 },
];

/** Byte `k` of element register `r`'s doubleword, in a structure of `n` elements of `size`. */
const structureByte = (n: number, size: number, r: number, k: number): number =>
  (((k >> size) * n + r) << size) | (k & ((1 << size) - 1));

/** Flags of a word access by element size: smaller elements ask for less alignment. */
const wordFlags = (size: number): number => [ACCESS.byteElements, ACCESS.halfwordElements, 0, 0][size]!;

/** `bytes` of memory as vectors; the last may be half one. */
function loadVectors(b: Builder, host: Node, bytes: number): Node[] {
  return Array.from({ length: Math.ceil(bytes / 16) }, (_, i) =>
    b.loadHost(bytes - 16 * i >= 16 ? 'v128.load' : 'v128.load64_zero', host, 16 * i),
  );
}

function storeVectors(b: Builder, host: Node, bytes: number, vectors: readonly Node[]): void {
  vectors.forEach((vector, i) => {
    if (bytes - 16 * i >= 16) b.storeHost('v128.store', host, 16 * i, vector);
    else b.storeHost('i64.store', host, 16 * i, b.lane('i64x2.extract_lane', 0, vector));
  });
}

/**
 * Big-endian memory is never reached directly. A word from there has its bytes reversed as a word; this puts right what
 * that means for elements of another size, in either direction.
 */
function bigEndianElements(b: Builder, size: number, vectors: readonly Node[]): readonly Node[] {
  if (size === 2) return vectors;
  const bigEndian = b.and(b.state(CPU.control), PSR.E);
  const change = [3, 2, 0, 4][size]!;
  const list = Array.from({ length: 16 }, (_, i) => i ^ change);
  return vectors.map((vector) => b.select(bigEndian, b.shuffle(vector, vector, list), vector));
}

/** The same by words, for memory that cannot be reached directly. */
function loadVectorsByWords(b: Builder, address: Node, bytes: number, size: number): readonly Node[] {
  const words = Array.from({ length: bytes / 4 }, (_, i) => b.load(4, b.add(address, 4 * i), wordFlags(size)));
  const vectors: Node[] = [];
  for (let i = 0; i < words.length; i += 4) {
    let vector = b.op('i32x4.splat', words[i]!);
    for (let lane = 1; lane < 4 && i + lane < words.length; lane++)
      vector = b.lane('i32x4.replace_lane', lane, vector, words[i + lane]!);
    vectors.push(vector);
  }
  return bigEndianElements(b, size, vectors);
}

function storeVectorsByWords(b: Builder, address: Node, bytes: number, size: number, elements: readonly Node[]): void {
  const vectors = bigEndianElements(b, size, elements);
  for (let i = 0; i < bytes / 4; i++) {
    const word = b.lane('i32x4.extract_lane', i & 3, vectors[i >> 2]!);
    b.store(4, b.add(address, 4 * i), word, wordFlags(size));
  }
}

/** Takes the structures in `low` and `high` (a doubleword per element) apart: the doubleword of each element. */
function deinterleave(b: Builder, n: number, size: number, low: Node, high: Node): Node[] {
  const result: Node[] = [];
  for (let r = 0; r < n; r += 2) {
    const list = Array.from({ length: 16 }, (_, i) => structureByte(n, size, Math.min(r + (i >> 3), n - 1), i & 7));
    const pair = b.shuffle(low, high, list);
    result.push(b.lane('i64x2.extract_lane', 0, pair));
    if (r + 1 < n) result.push(b.lane('i64x2.extract_lane', 1, pair));
  }
  return result;
}

/** The reverse, from the elements' doublewords to vectors in memory order. */
function interleave(b: Builder, n: number, size: number, registers: readonly Node[]): Node[] {
  const pairs: Node[] = [];
  for (let r = 0; r < n; r += 2) {
    const first = b.op('i64x2.splat', registers[r]!);
    pairs.push(r + 1 < n ? b.lane('i64x2.replace_lane', 1, first, registers[r + 1]!) : first);
  }
  const vectors: Node[] = [];
  for (let base = 0; base < 8 * n; base += 16) {
    const list = Array<number>(16).fill(0);
    for (let r = 0; r < n; r++) {
      for (let k = 0; k < 8; k++) {
        const at = structureByte(n, size, r, k) - base;
        if (at >= 0 && at < 16) list[at] = 8 * r + k;
      }
    }
    vectors.push(b.shuffle(pairs[0]!, pairs[1] ?? pairs[0]!, list));
  }
  return vectors;
}

/** Registers from vectors in memory order. */
function writeStructures(b: Builder, form: Multiple, size: number, d: Node, vectors: readonly Node[]): void {
  const { n, step, registers } = form;
  if (n === 1) {
    vectors.forEach((vector, i) => {
      if (registers - 2 * i >= 2) b.setD(b.add(d, 2 * i), vector, 'v128.store');
      else b.setD(b.add(d, 2 * i), b.lane('i64x2.extract_lane', 0, vector));
    });
    return;
  }
  // VLD2 of four registers pairs D[d] with D[d+2], and its two structures are a vector each.
  for (let pass = 0; pass < registers; pass++) {
    const low = vectors[pass]!;
    const values = deinterleave(b, n, size, low, registers > 1 ? low : (vectors[1] ?? low));
    values.forEach((value, element) => b.setD(b.add(d, element * step + pass), value));
  }
}

function readStructures(b: Builder, form: Multiple, size: number, d: Node): Node[] {
  const { n, step, registers } = form;
  if (n === 1) {
    return Array.from({ length: Math.ceil(registers / 2) }, (_, i) =>
      b.d(b.add(d, 2 * i), registers - 2 * i >= 2 ? 'v128.load' : 'v128.load64_zero'),
    );
  }
  const vectors: Node[] = [];
  for (let pass = 0; pass < registers; pass++) {
    const values = Array.from({ length: n }, (_, element) => b.d(b.add(d, element * step + pass)));
    vectors.push(...interleave(b, n, size, values));
  }
  return vectors;
}

function multiple(form: Multiple, load: boolean): Row[] {
  const { type, n, step, registers, maxAlign } = form;
  const name = `${load ? 'VLD' : 'VST'}${n}`;
  const total = n * registers;
  const span = (n - 1) * step + registers;
  return simdMemory(
    `${name} (multiple ${n}-element structures, type ${type})`,
    `0 D:1 ${load ? '1' : '0'} 0 Rn:4 Vd:4 ${type} size:2 align:2 Rm:4` as const,
    {
      specialize: ['size'],
      unpredictable: (f) =>
        f.align > maxAlign || (n > 1 && f.size === 3) || f.Rn === 15 || ((f.D << 4) | f.Vd) + span > 32,
      syntax: (f) => {
        const align = f.align === 0 ? '' : ` :${32 << f.align}`;
        const list = listText((f.D << 4) | f.Vd, total, registers === 1 ? step : 1);
        return `${name.toLowerCase()}{c}.${8 << f.size} ${list}, ${addressText(f.Rn, f.Rm, align)}`;
      },
    },
    (b, f) => {
      const size = b.known(f.size)!;
      b.requireFloatingPoint();
      const address = b.reg(f.Rn);
      const d = doubleIndex(b, f.D, f.Vd);
      requireAlignment(b, address, b.select(f.align, b.sub(b.shl(4, f.align), 1), 0), !load);
      const bytes = 8 * total;
      const host = b.hostAddress(address, bytes, Math.min(1 << size, 4), !load);
      if (load) {
        b.if(
          host,
          () => writeStructures(b, form, size, d, loadVectors(b, host, bytes)),
          () => writeStructures(b, form, size, d, loadVectorsByWords(b, address, bytes, size)),
        );
      } else {
        const vectors = readStructures(b, form, size, d);
        b.if(
          host,
          () => storeVectors(b, host, bytes, vectors),
          () => storeVectorsByWords(b, address, bytes, size, vectors),
        );
      }
      writeBack(b, f.Rn, f.Rm, address, bytes);
    },
  );
}

// ---- one lane ---------------------------------------------------------------------------------------------------

/** Places of index and step in index_align, and which of its values are undefined, by structure size and element size. */
interface Lane {
  readonly n: number;
  readonly size: 0 | 1 | 2;
  /** index_align as a pattern: `index`, `inc` (registers two apart) and `align` bits. */
  readonly bits: string;
  /** Alignment mask when `align` is set; of two bits of `align`, by their value, undefined for 3. */
  readonly masks: readonly number[];
}

const LANES: readonly Lane[] = [
  { n: 1, size: 0, bits: 'index:3 0', masks: [0] },
  { n: 1, size: 1, bits: 'index:2 0 align:1', masks: [0, 1] },
  { n: 1, size: 2, bits: 'index:1 0 00', masks: [0] },
  { n: 1, size: 2, bits: 'index:1 0 11', masks: [3] },
  { n: 2, size: 0, bits: 'index:3 align:1', masks: [0, 1] },
  { n: 2, size: 1, bits: 'index:2 inc:1 align:1', masks: [0, 3] },
  { n: 2, size: 2, bits: 'index:1 inc:1 0 align:1', masks: [0, 7] },
  { n: 3, size: 0, bits: 'index:3 0', masks: [0] },
  { n: 3, size: 1, bits: 'index:2 inc:1 0', masks: [0] },
  { n: 3, size: 2, bits: 'index:1 inc:1 00', masks: [0] },
  { n: 4, size: 0, bits: 'index:3 align:1', masks: [0, 3] },
  { n: 4, size: 1, bits: 'index:2 inc:1 align:1', masks: [0, 7] },
  { n: 4, size: 2, bits: 'index:1 inc:1 align:2', masks: [0, 7, 15] },
];

/** The alignment mask for a value of `align`. */
function alignmentMask(b: Builder, align: Node | undefined, masks: readonly number[]): Node | number {
  if (align === undefined) return masks[0]!;
  if (masks.length === 2) return b.select(align, masks[1]!, masks[0]!);
  return b.select(b.eq(align, 2), masks[2]!, b.select(b.eq(align, 1), masks[1]!, masks[0]!));
}

const alignText = (mask: number): string => (mask === 0 ? '' : ` :${8 * (mask + 1)}`);

function lane({ n, size, bits, masks }: Lane, load: boolean): Row[] {
  const name = `${load ? 'VLD' : 'VST'}${n}`;
  const bytes = 1 << size;
  const accessSize = bytes as 1 | 2 | 4;
  return simdMemory(
    `${name} (single ${n}-element structure to one lane, ${8 * bytes} bits${bits.endsWith('11') ? ', aligned' : ''})`,
    `1 D:1 ${load ? '1' : '0'} 0 Rn:4 Vd:4 ${['00', '01', '10'][size]} ${(n - 1).toString(2).padStart(2, '0')} ${bits} Rm:4` as string,
    {
      unpredictable: (f) => {
        const last = ((f['D']! << 4) | f['Vd']!) + (n - 1) * ((f['inc'] ?? 0) + 1);
        return last > 31 || f['Rn'] === 15 || (f['align'] ?? 0) >= Math.max(masks.length, 1);
      },
      syntax: (f) => {
        const list = listText((f['D']! << 4) | f['Vd']!, n, (f['inc'] ?? 0) + 1, `[${f['index']}]`);
        const align = alignText(masks[f['align'] ?? 0] ?? 0);
        return `${name.toLowerCase()}{c}.${8 * bytes} ${list}, ${addressText(f['Rn']!, f['Rm']!, align)}`;
      },
    },
    (b, f) => {
      b.requireFloatingPoint();
      const address = b.reg(f['Rn']!);
      requireAlignment(b, address, alignmentMask(b, f['align'], masks), !load);
      const step = b.add(f['inc'] ?? b.const(0), 1);
      const first = doubleIndex(b, f['D']!, f['Vd']!);
      const offset = b.shl(f['index']!, size);
      const place = (element: number): Node => b.add(b.shl(b.add(first, b.mul(step, element)), 3), offset);
      const at = (element: number): Node => b.add(address, element * bytes);
      const suffix = size === 2 ? '' : String(8 * bytes);
      const elements = Array.from({ length: n }, (_, element) => element);
      if (load) {
        const values = elements.map((element) => b.load(accessSize, at(element)));
        values.forEach((value, element) => b.storeState(`i32.store${suffix}`, CPU.vectors, value, place(element)));
      } else {
        const read = size === 2 ? 'i32.load' : `i32.load${suffix}_u`;
        for (const element of elements)
          b.store(accessSize, at(element), b.loadState(read, CPU.vectors, place(element)));
      }
      writeBack(b, f['Rn']!, f['Rm']!, address, n * bytes);
    },
  );
}

// ---- all lanes --------------------------------------------------------------------------------------------------

/** T is the number of registers less one for VLD1, and their distance less one for the others. */
function allLanes(n: number): Row[] {
  const name = `VLD${n}`;
  /** log2 of an element's bytes, and the alignment mask if `a` is set; nothing where undefined. */
  const shape = (size: number, a: number): { log2: number; mask: number } | undefined => {
    if (size === 3) return n === 4 && a === 1 ? { log2: 2, mask: 15 } : undefined;
    if (a === 0) return { log2: size, mask: 0 };
    if (n === 3 || (n === 1 && size === 0)) return undefined;
    if (n === 4 && size === 2) return { log2: 2, mask: 7 };
    return { log2: size, mask: (n << size) - 1 };
  };
  return simdMemory(
    `${name} (single ${n}-element structure to all lanes)`,
    `1 D:1 10 Rn:4 Vd:4 11 ${(n - 1).toString(2).padStart(2, '0')} size:2 T:1 a:1 Rm:4` as const,
    {
      specialize: ['size', 'a'],
      unpredictable: (f) => {
        const first = (f.D << 4) | f.Vd;
        const last = n === 1 ? first + f.T : first + (n - 1) * (f.T + 1);
        return shape(f.size, f.a) === undefined || last > 31 || f.Rn === 15;
      },
      syntax: (f) => {
        const { log2, mask } = shape(f.size, f.a) ?? { log2: 0, mask: 0 };
        const list = listText((f.D << 4) | f.Vd, n === 1 ? f.T + 1 : n, n === 1 ? 1 : f.T + 1, '[]');
        return `${name.toLowerCase()}{c}.${8 << log2} ${list}, ${addressText(f.Rn, f.Rm, alignText(mask))}`;
      },
    },
    (b, f) => {
      const known = shape(b.known(f.size)!, b.known(f.a)!);
      if (known === undefined) {
        b.exception(EXCEPTION.undefined);
        return;
      }
      b.requireFloatingPoint();
      const { log2, mask } = known;
      const bytes = (1 << log2) as 1 | 2 | 4;
      const address = b.reg(f.Rn);
      requireAlignment(b, address, mask, false);
      const values = Array.from({ length: n }, (_, element) => b.load(bytes, b.add(address, element * bytes)));
      const spread = values.map((value) => {
        return b.lane('i64x2.extract_lane', 0, b.op(['i8x16.splat', 'i16x8.splat', 'i32x4.splat'][log2]!, value));
      });
      const first = doubleIndex(b, f.D, f.Vd);
      if (n === 1) {
        b.setD(first, spread[0]!);
        b.if(f.T, () => b.setD(b.add(first, 1), spread[0]!));
      } else {
        const step = b.add(f.T, 1);
        spread.forEach((value, element) => b.setD(b.add(first, b.mul(step, element)), value));
      }
      writeBack(b, f.Rn, f.Rm, address, n * bytes);
    },
  );
}

export const simdMemoryRows: readonly Row[] = [
  ...[true, false].flatMap((load) => MULTIPLE.flatMap((form) => multiple(form, load))),
  ...[true, false].flatMap((load) => LANES.flatMap((form) => lane(form, load))),
  ...[1, 2, 3, 4].flatMap((n) => allLanes(n)),
];
