// SPDX-License-Identifier: Apache-2.0
// What each instruction of `oracle.c` should do, in terms of our arithmetic: by name, from its registers to its result
// and flags. Compositions (VMLA, VFMS, VABD...) follow the pseudocode of the instruction in ARM DDI 0406C, A8.8.

import * as float from '../../packages/arm/src/float/index.js';
import type { FloatStatus } from '../../packages/arm/src/float/index.js';

/** Registers before, as 32-bit words: a = [0, 1], b = [2, 3], c = [4, 5], low word first. */
type Registers = Int32Array;

/** What the words of a, b and c should look like. */
type OperandKind = 'single' | 'double' | 'integer' | 'half';

export interface Operation {
  readonly operands: OperandKind;
  /** Advanced SIMD, which computes in standard arithmetic. */
  readonly standard: boolean;
  /** Writes the destination to `d`, which holds c, and returns the NZCV nibble. */
  run(status: FloatStatus, r: Registers, d: Int32Array): number;
}

const SIGN = 0x8000_0000;
const table = new Map<string, Operation>();

type Single = (status: FloatStatus, a: number, b: number, c: number) => number;
type Double = (
  status: FloatStatus,
  aLow: number,
  aHigh: number,
  bLow: number,
  bHigh: number,
  cLow: number,
  cHigh: number,
) => number;

function vfp32(name: string, f: Single, operands: OperandKind = 'single'): void {
  table.set(name, {
    operands,
    standard: false,
    run(status, r, d) {
      d[0] = f(status, r[0]!, r[2]!, r[4]!);
      return 0;
    },
  });
}

/** `f` returns the low word and leaves the high one in the status. */
function vfp64(name: string, f: Double, operands: OperandKind = 'double'): void {
  table.set(name, {
    operands,
    standard: false,
    run(status, r, d) {
      d[0] = f(status, r[0]!, r[1]!, r[2]!, r[3]!, r[4]!, r[5]!);
      d[1] = status.high;
      return 0;
    },
  });
}

/** From a double to one word. */
function narrow(name: string, f: Double): void {
  table.set(name, {
    operands: 'double',
    standard: false,
    run(status, r, d) {
      d[0] = f(status, r[0]!, r[1]!, r[2]!, r[3]!, r[4]!, r[5]!);
      return 0;
    },
  });
}

function compares(name: string, operands: OperandKind, run: (status: FloatStatus, r: Registers) => number): void {
  table.set(name, { operands, standard: false, run });
}

function neon(name: string, f: Single, operands: OperandKind = 'single'): void {
  table.set(`neon ${name}`, {
    operands,
    standard: true,
    run(status, r, d) {
      for (let lane = 0; lane < 2; lane++) d[lane] = f(status, r[lane]!, r[lane + 2]!, r[lane + 4]!);
      return 0;
    },
  });
}

const { fpAdd32, fpSub32, fpMul32, fpMulAdd32, fpAdd64, fpMul64, fpMulAdd64 } = float;

vfp32('vadd.f32', fpAdd32);
vfp32('vsub.f32', fpSub32);
vfp32('vmul.f32', fpMul32);
vfp32('vdiv.f32', float.fpDiv32);
vfp32('vsqrt.f32', float.fpSqrt32);
vfp32('vnmul.f32', (s, a, b) => fpMul32(s, a, b) ^ SIGN);
vfp32('vmla.f32', (s, a, b, c) => fpAdd32(s, c, fpMul32(s, a, b)));
vfp32('vmls.f32', (s, a, b, c) => fpAdd32(s, c, fpMul32(s, a, b) ^ SIGN));
vfp32('vnmla.f32', (s, a, b, c) => fpAdd32(s, c ^ SIGN, fpMul32(s, a, b) ^ SIGN));
vfp32('vnmls.f32', (s, a, b, c) => fpAdd32(s, c ^ SIGN, fpMul32(s, a, b)));
vfp32('vfma.f32', (s, a, b, c) => fpMulAdd32(s, c, a, b));
vfp32('vfms.f32', (s, a, b, c) => fpMulAdd32(s, c, a ^ SIGN, b));
vfp32('vfnma.f32', (s, a, b, c) => fpMulAdd32(s, c ^ SIGN, a ^ SIGN, b));
vfp32('vfnms.f32', (s, a, b, c) => fpMulAdd32(s, c ^ SIGN, a, b));

/** `add` applied to c, possibly negated, and the product, possibly negated. */
function chained64(negateAddend: number, negateProduct: number): Double {
  return (s, aLow, aHigh, bLow, bHigh, cLow, cHigh) => {
    const low = fpMul64(s, aLow, aHigh, bLow, bHigh);
    return fpAdd64(s, cLow, cHigh ^ negateAddend, low, s.high ^ negateProduct);
  };
}

function fused64(negateAddend: number, negateFactor: number): Double {
  return (s, aLow, aHigh, bLow, bHigh, cLow, cHigh) =>
    fpMulAdd64(s, cLow, cHigh ^ negateAddend, aLow, aHigh ^ negateFactor, bLow, bHigh);
}

vfp64('vadd.f64', fpAdd64);
vfp64('vsub.f64', float.fpSub64);
vfp64('vmul.f64', fpMul64);
vfp64('vdiv.f64', float.fpDiv64);
vfp64('vsqrt.f64', float.fpSqrt64);
vfp64('vnmul.f64', (s, aLow, aHigh, bLow, bHigh) => {
  const low = fpMul64(s, aLow, aHigh, bLow, bHigh);
  s.high ^= SIGN;
  return low;
});
vfp64('vmla.f64', chained64(0, 0));
vfp64('vmls.f64', chained64(0, SIGN));
vfp64('vnmla.f64', chained64(SIGN, SIGN));
vfp64('vnmls.f64', chained64(SIGN, 0));
vfp64('vfma.f64', fused64(0, 0));
vfp64('vfms.f64', fused64(0, SIGN));
vfp64('vfnma.f64', fused64(SIGN, SIGN));
vfp64('vfnms.f64', fused64(SIGN, 0));

for (const [name, quiet] of [
  ['vcmp', false],
  ['vcmpe', true],
] as const) {
  compares(`${name}.f32`, 'single', (s, r) => float.fpCompare32(s, r[0]!, r[2]!, quiet));
  compares(`${name}.f64`, 'double', (s, r) => float.fpCompare64(s, r[0]!, r[1]!, r[2]!, r[3]!, quiet));
}
compares('vcmp.f32 #0', 'single', (s, r) => float.fpCompare32(s, r[0]!, 0, false));
compares('vcmp.f64 #0', 'double', (s, r) => float.fpCompare64(s, r[0]!, r[1]!, 0, 0, false));

vfp64('vcvt.f64.f32', (s, a) => float.fpSingleToDouble(s, a), 'single');
narrow('vcvt.f32.f64', float.fpDoubleToSingle);
vfp32('vcvtb.f32.f16', float.fpHalfToSingle, 'half');
vfp32('vcvtt.f32.f16', (s, a) => float.fpHalfToSingle(s, a >>> 16), 'half');
vfp32('vcvtb.f16.f32', (s, a, _b, c) => (c & ~0xffff) | float.fpSingleToHalf(s, a));
vfp32('vcvtt.f16.f32', (s, a, _b, c) => (c & 0xffff) | (float.fpSingleToHalf(s, a) << 16));

for (const [type, unsigned] of [
  ['s32', false],
  ['u32', true],
] as const) {
  vfp32(`vcvt.${type}.f32`, (s, a) => float.fpToFixed32(s, a, 32, 0, unsigned, true));
  vfp32(`vcvtr.${type}.f32`, (s, a) => float.fpToFixed32(s, a, 32, 0, unsigned, false));
  narrow(`vcvt.${type}.f64`, (s, low, high) => float.fpToFixed64(s, low, high, 32, 0, unsigned, true));
  narrow(`vcvtr.${type}.f64`, (s, low, high) => float.fpToFixed64(s, low, high, 32, 0, unsigned, false));
  vfp32(`vcvt.f32.${type}`, (s, a) => float.fixedToFp32(s, a, 32, 0, unsigned, false), 'integer');
  vfp64(`vcvt.f64.${type}`, (s, a) => float.fixedToFp64(s, a, 32, 0, unsigned), 'integer');
  neon(`vcvt.${type}.f32`, (s, a) => float.fpToFixed32(s, a, 32, 0, unsigned, true));
  neon(`vcvt.f32.${type}`, (s, a) => float.fixedToFp32(s, a, 32, 0, unsigned, true), 'integer');
  for (let n = 1; n <= 32; n++) {
    neon(`vcvt.${type}.f32 #${n}`, (s, a) => float.fpToFixed32(s, a, 32, n, unsigned, true));
    neon(`vcvt.f32.${type} #${n}`, (s, a) => float.fixedToFp32(s, a, 32, n, unsigned, true), 'integer');
  }
}
for (const [type, size, unsigned] of [
  ['s16', 16, false],
  ['u16', 16, true],
  ['s32', 32, false],
  ['u32', 32, true],
] as const) {
  for (let n = size === 16 ? 0 : 1; n <= size; n++) {
    vfp32(`vcvt.${type}.f32 #${n}`, (s, a) => float.fpToFixed32(s, a, size, n, unsigned, true));
    vfp32(`vcvt.f32.${type} #${n}`, (s, a) => float.fixedToFp32(s, a, size, n, unsigned, true), 'integer');
    vfp64(`vcvt.${type}.f64 #${n}`, (s, low, high) => {
      const result = float.fpToFixed64(s, low, high, size, n, unsigned, true);
      s.high = unsigned ? 0 : result >> 31;
      return result;
    });
    vfp64(`vcvt.f64.${type} #${n}`, (s, a) => float.fixedToFp64(s, a, size, n, unsigned), 'integer');
  }
}

const mask = (condition: boolean): number => (condition ? -1 : 0);
const abs = (a: number): number => a & ~SIGN;

neon('vadd.f32', fpAdd32);
neon('vsub.f32', fpSub32);
neon('vmul.f32', fpMul32);
neon('vmla.f32', (s, a, b, c) => fpAdd32(s, c, fpMul32(s, a, b)));
neon('vmls.f32', (s, a, b, c) => fpAdd32(s, c, fpMul32(s, a, b) ^ SIGN));
neon('vfma.f32', (s, a, b, c) => fpMulAdd32(s, c, a, b));
neon('vfms.f32', (s, a, b, c) => fpMulAdd32(s, c, a ^ SIGN, b));
neon('vmax.f32', float.fpMax32);
neon('vmin.f32', float.fpMin32);
neon('vabd.f32', (s, a, b) => abs(fpSub32(s, a, b)));
neon('vceq.f32', (s, a, b) => mask(float.fpCompareEqual32(s, a, b)));
neon('vcge.f32', (s, a, b) => mask(float.fpCompareGreaterEqual32(s, a, b)));
neon('vcgt.f32', (s, a, b) => mask(float.fpCompareGreater32(s, a, b)));
neon('vacge.f32', (s, a, b) => mask(float.fpCompareGreaterEqual32(s, abs(a), abs(b))));
neon('vacgt.f32', (s, a, b) => mask(float.fpCompareGreater32(s, abs(a), abs(b))));
neon('vceq.f32 #0', (s, a) => mask(float.fpCompareEqual32(s, a, 0)));
neon('vcge.f32 #0', (s, a) => mask(float.fpCompareGreaterEqual32(s, a, 0)));
neon('vcgt.f32 #0', (s, a) => mask(float.fpCompareGreater32(s, a, 0)));
neon('vcle.f32 #0', (s, a) => mask(float.fpCompareGreaterEqual32(s, 0, a)));
neon('vclt.f32 #0', (s, a) => mask(float.fpCompareGreater32(s, 0, a)));
neon('vrecps.f32', float.fpRecipStep);
neon('vrsqrts.f32', float.fpRSqrtStep);
neon('vrecpe.f32', float.fpRecipEstimate);
neon('vrsqrte.f32', float.fpRSqrtEstimate);
neon('vrecpe.u32', (_s, a) => float.unsignedRecipEstimate(a), 'integer');
neon('vrsqrte.u32', (_s, a) => float.unsignedRSqrtEstimate(a), 'integer');

table.set('neon vcvt.f32.f16', {
  operands: 'half',
  standard: true,
  run(status, r, d) {
    d[0] = float.fpHalfToSingle(status, r[0]!);
    d[1] = float.fpHalfToSingle(status, r[0]! >>> 16);
    float.fpHalfToSingle(status, r[1]!); // the other two lanes show in the flags only
    float.fpHalfToSingle(status, r[1]! >>> 16);
    return 0;
  },
});
table.set('neon vcvt.f16.f32', {
  operands: 'single',
  standard: true,
  run(status, r, d) {
    for (let i = 0; i < 2; i++) {
      d[i] = float.fpSingleToHalf(status, r[2 * i]!) | (float.fpSingleToHalf(status, r[2 * i + 1]!) << 16);
    }
    return 0;
  },
});

/** The operation that `oracle --list` calls `name`. */
export function operation(name: string): Operation {
  const found = table.get(name);
  if (found === undefined) throw new Error(`no operation for the oracle's "${name}"`);
  return found;
}

/** All names that `operation` takes. */
export function operationNames(): string[] {
  return [...table.keys()];
}
