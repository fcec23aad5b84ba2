// SPDX-License-Identifier: Apache-2.0
// A seeded generator of operands that sit where floating-point arithmetic goes wrong: formats' edges, neighbours of
// powers of two, denormals, NaNs, ties, cancelling and nearly over- or underflowing pairs.

const SPECIAL_32 = [
  0x0000_0000, 0x8000_0000, 0x0000_0001, 0x8000_0001, 0x007f_ffff, 0x807f_ffff, 0x0080_0000, 0x8080_0000, 0x0080_0001,
  0x7f7f_ffff, 0xff7f_ffff, 0x7f80_0000, 0xff80_0000, 0x7f80_0001, 0xff80_0001, 0x7fbf_ffff, 0x7fc0_0000, 0xffc0_0000,
  0x7fff_ffff, 0xffff_ffff, 0x3f80_0000, 0xbf80_0000, 0x3f7f_ffff, 0x3f80_0001, 0x3f00_0000, 0xbf00_0000, 0x3fc0_0000,
  0x4000_0000, 0x4040_0000, 0x4b00_0000, 0x4b7f_ffff, 0x4b80_0000, 0x4f00_0000, 0xcf00_0000, 0xcf00_0001, 0x4f80_0000,
  0x4f7f_ffff, 0x4eff_ffff, 0x7e80_0000, 0x7e7f_ffff, 0xfe80_0000, 0x477f_e000, 0x477f_efff, 0x477f_f000, 0x477f_ffff,
  0x4780_0000, 0x47ff_e000, 0x47ff_f000, 0x3880_0000, 0x387f_c000, 0x387f_e000, 0x3300_0000, 0x3300_0001, 0x3380_0000,
  0x4700_0000, 0xc700_0000, 0x46ff_fe00, 0x477f_ff00,
];

/** A xorshift32 generator: the same seed gives the same run everywhere. */
export class Operands {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0 || 1;
  }

  word(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return Math.imul(x, 0x9e37_79b1) ^ (x >>> 15);
  }

  below(limit: number): number {
    return Math.floor(((this.word() >>> 0) / 0x1_0000_0000) * limit);
  }

  /** A fraction field: few bits set, few bits clear, low-order neighbours, or anything. */
  #fraction(bits: number): bigint {
    const all = (1n << BigInt(bits)) - 1n;
    const anything = ((BigInt(this.word() >>> 0) << 32n) | BigInt(this.word() >>> 0)) & all;
    switch (this.below(6)) {
      case 0:
        return BigInt(this.below(4));
      case 1:
        return all - BigInt(this.below(4));
      case 2:
        return (1n << BigInt(this.below(bits))) ^ BigInt(this.below(2));
      case 3:
        return all & ~((1n << BigInt(this.below(bits))) - 1n);
      default:
        return anything;
    }
  }

  /** A value near the biased exponent `exponent`, clamped into the format. */
  #value(exponent: number, exponentBits: number, fractionBits: number): bigint {
    const top = (1 << exponentBits) - 1;
    const clamped = Math.min(top, Math.max(0, exponent));
    const sign = BigInt(this.below(2));
    return (((sign << BigInt(exponentBits)) | BigInt(clamped)) << BigInt(fractionBits)) | this.#fraction(fractionBits);
  }

  #float(exponentBits: number, fractionBits: number): bigint {
    const top = (1 << exponentBits) - 1;
    const bias = top >> 1;
    switch (this.below(8)) {
      case 0:
        return this.#value(this.below(2), exponentBits, fractionBits);
      case 1:
        return this.#value(top - this.below(3), exponentBits, fractionBits);
      case 2:
      case 3:
        return this.#value(bias - 8 + this.below(48), exponentBits, fractionBits);
      case 4:
        return this.#value(bias - 160 + this.below(320), exponentBits, fractionBits);
      default:
        return this.#value(this.below(top + 1), exponentBits, fractionBits);
    }
  }

  /** Three operands whose sum, product, quotient or fused product has a good chance to be an awkward one. */
  #triple(exponentBits: number, fractionBits: number): [bigint, bigint, bigint] {
    const top = (1 << exponentBits) - 1;
    const bias = top >> 1;
    const fraction = (1n << BigInt(fractionBits)) - 1n;
    const exponentOf = (value: bigint): number => Number(value >> BigInt(fractionBits)) & top;
    const a = this.#float(exponentBits, fractionBits);
    let b = this.#float(exponentBits, fractionBits);
    const near = this.below(7) - 3;
    switch (this.below(9)) {
      case 0: // cancellation
        b = (a ^ (1n << BigInt(exponentBits + fractionBits))) + BigInt(this.below(9) - 4);
        break;
      case 1: // sums with exponents within the width of the significand
        b = this.#value(
          exponentOf(a) + this.below(2 * fractionBits + 8) - fractionBits - 4,
          exponentBits,
          fractionBits,
        );
        break;
      case 2: // a product or a quotient at the lower edge, down to the last denormal
        b = this.#value(bias - exponentOf(a) - this.below(fractionBits + 4) + 2, exponentBits, fractionBits);
        break;
      case 3:
        b = this.#value(exponentOf(a) + bias + this.below(fractionBits + 4) - 2, exponentBits, fractionBits);
        break;
      case 4: // a product or a quotient at the upper edge
        b = this.#value(3 * bias - exponentOf(a) + near, exponentBits, fractionBits);
        break;
      case 5:
        b = this.#value(exponentOf(a) - bias + near, exponentBits, fractionBits);
        break;
      case 6: {
        // A sum whose smaller operand is worth close to a half or a quarter of the last place of the larger one.
        const exponent = Math.max(0, exponentOf(a) - fractionBits - 1 - this.below(3));
        const sign = BigInt(this.below(2)) << BigInt(exponentBits + fractionBits);
        b = (sign | (BigInt(exponent) << BigInt(fractionBits))) + BigInt(this.below(7) - 3);
        return this.below(2) === 0 ? [a, b, b] : [b, a, b];
      }
      default:
        break;
    }
    const product = exponentOf(a) + exponentOf(b) - bias;
    let c = this.#float(exponentBits, fractionBits);
    switch (this.below(5)) {
      case 0:
        c = this.#value(product + this.below(2 * fractionBits + 8) - fractionBits - 4, exponentBits, fractionBits);
        break;
      case 1:
        c = this.#value(product + this.below(4 * fractionBits + 8) - 2 * fractionBits - 4, exponentBits, fractionBits);
        break;
      case 2: {
        // The rounded product or its neighbour with the sign that cancels it; approximate is good enough here.
        const x = Number((a & fraction) + fraction + 1n) * Number((b & fraction) + fraction + 1n);
        const width = 2 ** (fractionBits + (x >= 2 ** (2 * fractionBits + 1) ? 1 : 0));
        const magnitude = BigInt(Math.floor(x / width)) & fraction;
        const exponent = Math.min(top, Math.max(0, product + (width > 2 ** fractionBits ? 1 : 0)));
        const sign = ((a ^ b) >> BigInt(exponentBits + fractionBits)) & 1n ? 0n : 1n;
        c = (((sign << BigInt(exponentBits)) | BigInt(exponent)) << BigInt(fractionBits)) | magnitude;
        c += BigInt(this.below(3) - 1);
        break;
      }
      default:
        break;
    }
    return [a, b, c];
  }

  #special32(): number {
    return SPECIAL_32[this.below(SPECIAL_32.length)]!;
  }

  /** Fills words `at`, `at + 2` and `at + 4` with single-precision operands. */
  singles(into: Uint32Array, at: number): void {
    const values = this.#triple(8, 23);
    for (let i = 0; i < 3; i++) {
      into[at + 2 * i] = this.below(8) === 0 ? this.#special32() : Number(BigInt.asUintN(32, values[i]!));
    }
  }

  /** Fills words `at` to `at + 5` with double-precision operands. */
  doubles(into: Uint32Array, at: number): void {
    const values = this.#triple(11, 52);
    const bits = new DataView(new ArrayBuffer(8));
    for (let i = 0; i < 3; i++) {
      bits.setBigUint64(0, BigInt.asUintN(64, values[i]!));
      const kind = this.below(10);
      if (kind === 0) {
        // A single-precision special, or a neighbour of it, widened: edges of the conversions.
        const single = new DataView(new ArrayBuffer(4));
        single.setUint32(0, this.#special32());
        bits.setFloat64(0, single.getFloat32(0));
        if (this.below(2) === 0)
          bits.setBigUint64(0, BigInt.asUintN(64, bits.getBigUint64(0) + BigInt(this.below(5) - 2)));
      } else if (kind === 1) {
        bits.setUint32(0, [0, 0x8000_0000, 0x7ff0_0000, 0xfff0_0000, 0x7ff8_0000, 0xfff8_0000][this.below(6)]!);
        bits.setUint32(4, this.below(3) === 0 ? this.word() : 0);
      } else if (kind === 2) {
        // Only the bits that single precision has, one beyond, or a tie there.
        bits.setUint32(4, [0, 0x1000_0000, 0x3000_0000, 0x0fff_ffff, 0x1000_0001][this.below(5)]!);
      }
      into[at + 2 * i] = bits.getUint32(4);
      into[at + 2 * i + 1] = bits.getUint32(0);
    }
  }

  /** An integer: anything, near a power of two, or a run of ones with a tie below 24 bits. */
  integer(): number {
    switch (this.below(4)) {
      case 0:
        return this.word();
      case 1:
        return (1 << this.below(32)) + this.below(5) - 2;
      case 2:
        return -(1 << this.below(32)) + this.below(5) - 2;
      default:
        return (this.word() | 0x8000_0000) >>> this.below(32);
    }
  }
}
