// SPDX-License-Identifier: Apache-2.0
// The environment of floating-point operations: what ARM DDI 0406C keeps in FPSCR, as one mutable object per user.
// No exception traps (VFPv3 without the U variant); every exception only sets its cumulative bit.

/** FPSCR.RMode: 0 to nearest with ties to even, 1 towards plus infinity, 2 towards minus infinity, 3 towards zero. */
export type RoundingMode = 0 | 1 | 2 | 3;

export const ROUND_TO_NEAREST: RoundingMode = 0;
export const ROUND_TOWARDS_PLUS_INFINITY: RoundingMode = 1;
export const ROUND_TOWARDS_MINUS_INFINITY: RoundingMode = 2;
export const ROUND_TOWARDS_ZERO: RoundingMode = 3;

/** Cumulative exception bits, at their positions in FPSCR. */
export const FPSCR_IOC: number = 1 << 0;
export const FPSCR_DZC: number = 1 << 1;
export const FPSCR_OFC: number = 1 << 2;
export const FPSCR_UFC: number = 1 << 3;
export const FPSCR_IXC: number = 1 << 4;
export const FPSCR_IDC: number = 1 << 7;

/** FPSCR control bits. */
const FPSCR_RMODE_SHIFT: number = 22;
export const FPSCR_FZ: number = 1 << 24;
export const FPSCR_DN: number = 1 << 25;
export const FPSCR_AHP: number = 1 << 26;

/** The manual's FPType, in the order that the code compares: every NaN is at least `QUIET_NAN`. */
export const ZERO = 0;
export const NONZERO = 1;
export const INFINITE = 2;
export const QUIET_NAN = 3;
export const SIGNALLING_NAN = 4;

/**
 * An operand taken apart (FPUnpack), in one form for all formats. For `NONZERO` the magnitude is exactly
 * `significand * 2^(exponent - 52)` with an integer significand in [2^52, 2^53). Zeros and infinities carry an exponent
 * that orders them below and above every finite value. For a NaN the significand is the fraction field, moved up to
 * the 52 bits of double precision.
 */
export class Unpacked {
  type: number = ZERO;
  /** 1 for negative. */
  sign: number = 0;
  exponent: number = 0;
  significand: number = 0;
  /**
   * Only of a result before FPRound: the part below the significand, in units of its last place, within [0, 1). Exact
   * where it is 0 or 1/2; any other value only tells on which side of 1/2 the true one lies.
   */
  error: number = 0;
}

/**
 * Control and cumulative flags of one FPSCR user. Not shareable between processors: it also owns the working storage
 * of the operation in progress, whose contents mean nothing between two calls.
 */
export class FloatStatus {
  roundingMode: RoundingMode = ROUND_TO_NEAREST;
  flushToZero: boolean = false;
  defaultNan: boolean = false;
  alternativeHalf: boolean = false;
  /** `FPSCR_IOC` and its kin; operations only ever set bits. */
  flags: number = 0;
  /** Bits 63:32 of the double-precision result that the last call returned the low word of. */
  high: number = 0;

  readonly first: Unpacked = new Unpacked();
  readonly second: Unpacked = new Unpacked();
  readonly third: Unpacked = new Unpacked();
  readonly result: Unpacked = new Unpacked();

  /** Takes RMode, FZ, DN and AHP from an FPSCR value; leaves the cumulative flags alone. */
  setControl(fpscr: number): void {
    this.roundingMode = ((fpscr >>> FPSCR_RMODE_SHIFT) & 3) as RoundingMode;
    this.flushToZero = (fpscr & FPSCR_FZ) !== 0;
    this.defaultNan = (fpscr & FPSCR_DN) !== 0;
    this.alternativeHalf = (fpscr & FPSCR_AHP) !== 0;
  }

  /**
   * Takes StandardFPSCRValue(), the arithmetic of Advanced SIMD: flush-to-zero, default NaN, round to nearest, and
   * AHP from the FPSCR value.
   */
  setStandardControl(fpscr: number): void {
    this.setControl((fpscr & FPSCR_AHP) | FPSCR_FZ | FPSCR_DN);
  }
}
