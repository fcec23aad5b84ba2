// SPDX-License-Identifier: Apache-2.0
// The WebAssembly instructions that have no immediate, and the memory and lane instructions, with their binary codes
// and stack types (WebAssembly core specification 2.0, section 5.4, and the SIMD and tail-call extensions).

/** Value types; the letters of a signature are i = i32, I = i64, f = f32, F = f64, V = v128. */
export type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128';

export interface OpcodeInfo {
  /** One byte, or for SIMD and saturating conversions the number after the prefix. */
  readonly code: number;
  /** 0 for none, else 0xfc or 0xfd. */
  readonly prefix: number;
  readonly operands: readonly ValueType[];
  readonly result: ValueType | undefined;
  /** What follows the opcode: nothing, a memory argument, a lane index, both, or 16 shuffle lanes. */
  readonly immediate: 'none' | 'memory' | 'lane' | 'memory-lane' | 'shuffle';
}

const LETTERS: Readonly<Record<string, ValueType>> = { i: 'i32', I: 'i64', f: 'f32', F: 'f64', V: 'v128' };

function parse(signature: string): { operands: ValueType[]; result: ValueType | undefined } {
  const [operands = '', result = ''] = signature.split(':');
  return { operands: [...operands].map((letter) => LETTERS[letter]!), result: LETTERS[result] };
}

const table = new Map<string, OpcodeInfo>();

/** Adds a run of instructions with consecutive codes; `-` leaves a hole. */
function run(
  prefix: number,
  first: number,
  signature: string,
  names: string,
  immediate: OpcodeInfo['immediate'] = 'none',
): void {
  let code = first;
  for (const name of names.trim().split(/\s+/)) {
    if (name !== '-') table.set(name, { code, prefix, immediate, ...parse(signature) });
    code++;
  }
}

/** The same for every vector shape: `names` are prefixed with the shape. */
function shape(first: number, name: string, signature: string, names: string): void {
  run(
    0xfd,
    first,
    signature,
    names
      .trim()
      .split(/\s+/)
      .map((n) => (n === '-' ? n : `${name}.${n}`))
      .join(' '),
  );
}

run(0, 0x28, 'i:i', 'i32.load', 'memory');
run(0, 0x29, 'i:I', 'i64.load', 'memory');
run(0, 0x2a, 'i:f', 'f32.load', 'memory');
run(0, 0x2b, 'i:F', 'f64.load', 'memory');
run(0, 0x2c, 'i:i', 'i32.load8_s i32.load8_u i32.load16_s i32.load16_u', 'memory');
run(0, 0x30, 'i:I', 'i64.load8_s i64.load8_u i64.load16_s i64.load16_u i64.load32_s i64.load32_u', 'memory');
run(0, 0x36, 'ii:', 'i32.store', 'memory');
run(0, 0x37, 'iI:', 'i64.store', 'memory');
run(0, 0x38, 'if:', 'f32.store', 'memory');
run(0, 0x39, 'iF:', 'f64.store', 'memory');
run(0, 0x3a, 'ii:', 'i32.store8 i32.store16', 'memory');
run(0, 0x3c, 'iI:', 'i64.store8 i64.store16 i64.store32', 'memory');
run(0, 0x45, 'i:i', 'i32.eqz');
run(0, 0x46, 'ii:i', 'i32.eq i32.ne i32.lt_s i32.lt_u i32.gt_s i32.gt_u i32.le_s i32.le_u i32.ge_s i32.ge_u');
run(0, 0x50, 'I:i', 'i64.eqz');
run(0, 0x51, 'II:i', 'i64.eq i64.ne i64.lt_s i64.lt_u i64.gt_s i64.gt_u i64.le_s i64.le_u i64.ge_s i64.ge_u');
run(0, 0x5b, 'ff:i', 'f32.eq f32.ne f32.lt f32.gt f32.le f32.ge');
run(0, 0x61, 'FF:i', 'f64.eq f64.ne f64.lt f64.gt f64.le f64.ge');
run(0, 0x67, 'i:i', 'i32.clz i32.ctz i32.popcnt');
run(
  0,
  0x6a,
  'ii:i',
  `i32.add i32.sub i32.mul i32.div_s i32.div_u i32.rem_s i32.rem_u i32.and i32.or i32.xor i32.shl i32.shr_s i32.shr_u
   i32.rotl i32.rotr`,
);
run(0, 0x79, 'I:I', 'i64.clz i64.ctz i64.popcnt');
run(
  0,
  0x7c,
  'II:I',
  `i64.add i64.sub i64.mul i64.div_s i64.div_u i64.rem_s i64.rem_u i64.and i64.or i64.xor i64.shl i64.shr_s i64.shr_u
   i64.rotl i64.rotr`,
);
run(0, 0x8b, 'f:f', 'f32.abs f32.neg f32.ceil f32.floor f32.trunc f32.nearest f32.sqrt');
run(0, 0x92, 'ff:f', 'f32.add f32.sub f32.mul f32.div f32.min f32.max f32.copysign');
run(0, 0x99, 'F:F', 'f64.abs f64.neg f64.ceil f64.floor f64.trunc f64.nearest f64.sqrt');
run(0, 0xa0, 'FF:F', 'f64.add f64.sub f64.mul f64.div f64.min f64.max f64.copysign');
run(0, 0xa7, 'I:i', 'i32.wrap_i64');
run(0, 0xac, 'i:I', 'i64.extend_i32_s i64.extend_i32_u');
run(0, 0xb2, 'i:f', 'f32.convert_i32_s f32.convert_i32_u');
run(0, 0xb4, 'I:f', 'f32.convert_i64_s f32.convert_i64_u');
run(0, 0xb6, 'F:f', 'f32.demote_f64');
run(0, 0xb7, 'i:F', 'f64.convert_i32_s f64.convert_i32_u');
run(0, 0xb9, 'I:F', 'f64.convert_i64_s f64.convert_i64_u');
run(0, 0xbb, 'f:F', 'f64.promote_f32');
run(0, 0xbc, 'f:i', 'i32.reinterpret_f32');
run(0, 0xbd, 'F:I', 'i64.reinterpret_f64');
run(0, 0xbe, 'i:f', 'f32.reinterpret_i32');
run(0, 0xbf, 'I:F', 'f64.reinterpret_i64');
run(0, 0xc0, 'i:i', 'i32.extend8_s i32.extend16_s');
run(0, 0xc2, 'I:I', 'i64.extend8_s i64.extend16_s i64.extend32_s');
run(0xfc, 0, 'f:i', 'i32.trunc_sat_f32_s i32.trunc_sat_f32_u');
run(0xfc, 2, 'F:i', 'i32.trunc_sat_f64_s i32.trunc_sat_f64_u');
run(0xfc, 4, 'f:I', 'i64.trunc_sat_f32_s i64.trunc_sat_f32_u');
run(0xfc, 6, 'F:I', 'i64.trunc_sat_f64_s i64.trunc_sat_f64_u');

run(
  0xfd,
  0,
  'i:V',
  `v128.load v128.load8x8_s v128.load8x8_u v128.load16x4_s v128.load16x4_u v128.load32x2_s v128.load32x2_u
   v128.load8_splat v128.load16_splat v128.load32_splat v128.load64_splat`,
  'memory',
);
run(0xfd, 11, 'iV:', 'v128.store', 'memory');
run(0xfd, 13, 'VV:V', 'i8x16.shuffle', 'shuffle');
run(0xfd, 14, 'VV:V', 'i8x16.swizzle');
run(0xfd, 15, 'i:V', 'i8x16.splat i16x8.splat i32x4.splat');
run(0xfd, 18, 'I:V', 'i64x2.splat');
run(0xfd, 19, 'f:V', 'f32x4.splat');
run(0xfd, 20, 'F:V', 'f64x2.splat');
run(0xfd, 21, 'V:i', 'i8x16.extract_lane_s i8x16.extract_lane_u', 'lane');
run(0xfd, 23, 'Vi:V', 'i8x16.replace_lane', 'lane');
run(0xfd, 24, 'V:i', 'i16x8.extract_lane_s i16x8.extract_lane_u', 'lane');
run(0xfd, 26, 'Vi:V', 'i16x8.replace_lane', 'lane');
run(0xfd, 27, 'V:i', 'i32x4.extract_lane', 'lane');
run(0xfd, 28, 'Vi:V', 'i32x4.replace_lane', 'lane');
run(0xfd, 29, 'V:I', 'i64x2.extract_lane', 'lane');
run(0xfd, 30, 'VI:V', 'i64x2.replace_lane', 'lane');
run(0xfd, 31, 'V:f', 'f32x4.extract_lane', 'lane');
run(0xfd, 32, 'Vf:V', 'f32x4.replace_lane', 'lane');
run(0xfd, 33, 'V:F', 'f64x2.extract_lane', 'lane');
run(0xfd, 34, 'VF:V', 'f64x2.replace_lane', 'lane');
const COMPARE = 'eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u';
shape(35, 'i8x16', 'VV:V', COMPARE);
shape(45, 'i16x8', 'VV:V', COMPARE);
shape(55, 'i32x4', 'VV:V', COMPARE);
shape(65, 'f32x4', 'VV:V', 'eq ne lt gt le ge');
shape(71, 'f64x2', 'VV:V', 'eq ne lt gt le ge');
shape(77, 'v128', 'V:V', 'not');
shape(78, 'v128', 'VV:V', 'and andnot or xor');
shape(82, 'v128', 'VVV:V', 'bitselect');
shape(83, 'v128', 'V:i', 'any_true');
run(0xfd, 84, 'iV:V', 'v128.load8_lane v128.load16_lane v128.load32_lane v128.load64_lane', 'memory-lane');
run(0xfd, 88, 'iV:', 'v128.store8_lane v128.store16_lane v128.store32_lane v128.store64_lane', 'memory-lane');
run(0xfd, 92, 'i:V', 'v128.load32_zero v128.load64_zero', 'memory');
shape(94, 'f32x4', 'V:V', 'demote_f64x2_zero');
shape(95, 'f64x2', 'V:V', 'promote_low_f32x4');
shape(96, 'i8x16', 'V:V', 'abs neg popcnt');
shape(99, 'i8x16', 'V:i', 'all_true bitmask');
shape(101, 'i8x16', 'VV:V', 'narrow_i16x8_s narrow_i16x8_u');
shape(103, 'f32x4', 'V:V', 'ceil floor trunc nearest');
shape(107, 'i8x16', 'Vi:V', 'shl shr_s shr_u');
shape(110, 'i8x16', 'VV:V', 'add add_sat_s add_sat_u sub sub_sat_s sub_sat_u');
shape(116, 'f64x2', 'V:V', 'ceil floor');
shape(118, 'i8x16', 'VV:V', 'min_s min_u max_s max_u');
shape(122, 'f64x2', 'V:V', 'trunc');
shape(123, 'i8x16', 'VV:V', 'avgr_u');
shape(124, 'i16x8', 'V:V', 'extadd_pairwise_i8x16_s extadd_pairwise_i8x16_u');
shape(126, 'i32x4', 'V:V', 'extadd_pairwise_i16x8_s extadd_pairwise_i16x8_u');
shape(128, 'i16x8', 'V:V', 'abs neg');
shape(130, 'i16x8', 'VV:V', 'q15mulr_sat_s');
shape(131, 'i16x8', 'V:i', 'all_true bitmask');
shape(133, 'i16x8', 'VV:V', 'narrow_i32x4_s narrow_i32x4_u');
shape(135, 'i16x8', 'V:V', 'extend_low_i8x16_s extend_high_i8x16_s extend_low_i8x16_u extend_high_i8x16_u');
shape(139, 'i16x8', 'Vi:V', 'shl shr_s shr_u');
shape(142, 'i16x8', 'VV:V', 'add add_sat_s add_sat_u sub sub_sat_s sub_sat_u');
shape(148, 'f64x2', 'V:V', 'nearest');
shape(149, 'i16x8', 'VV:V', 'mul min_s min_u max_s max_u - avgr_u');
shape(156, 'i16x8', 'VV:V', 'extmul_low_i8x16_s extmul_high_i8x16_s extmul_low_i8x16_u extmul_high_i8x16_u');
shape(160, 'i32x4', 'V:V', 'abs neg');
shape(163, 'i32x4', 'V:i', 'all_true bitmask');
shape(167, 'i32x4', 'V:V', 'extend_low_i16x8_s extend_high_i16x8_s extend_low_i16x8_u extend_high_i16x8_u');
shape(171, 'i32x4', 'Vi:V', 'shl shr_s shr_u');
shape(174, 'i32x4', 'VV:V', 'add - - sub - - - mul min_s min_u max_s max_u dot_i16x8_s');
shape(188, 'i32x4', 'VV:V', 'extmul_low_i16x8_s extmul_high_i16x8_s extmul_low_i16x8_u extmul_high_i16x8_u');
shape(192, 'i64x2', 'V:V', 'abs neg');
shape(195, 'i64x2', 'V:i', 'all_true bitmask');
shape(199, 'i64x2', 'V:V', 'extend_low_i32x4_s extend_high_i32x4_s extend_low_i32x4_u extend_high_i32x4_u');
shape(203, 'i64x2', 'Vi:V', 'shl shr_s shr_u');
shape(206, 'i64x2', 'VV:V', 'add - - sub - - - mul eq ne lt_s gt_s le_s ge_s');
shape(220, 'i64x2', 'VV:V', 'extmul_low_i32x4_s extmul_high_i32x4_s extmul_low_i32x4_u extmul_high_i32x4_u');
shape(224, 'f32x4', 'V:V', 'abs neg - sqrt');
shape(228, 'f32x4', 'VV:V', 'add sub mul div min max pmin pmax');
shape(236, 'f64x2', 'V:V', 'abs neg - sqrt');
shape(240, 'f64x2', 'VV:V', 'add sub mul div min max pmin pmax');
shape(248, 'i32x4', 'V:V', 'trunc_sat_f32x4_s trunc_sat_f32x4_u');
shape(250, 'f32x4', 'V:V', 'convert_i32x4_s convert_i32x4_u');
shape(252, 'i32x4', 'V:V', 'trunc_sat_f64x2_s_zero trunc_sat_f64x2_u_zero');
shape(254, 'f64x2', 'V:V', 'convert_low_i32x4_s convert_low_i32x4_u');

/** Every plain instruction by its text-format name. Read only. */
export const OPCODES: ReadonlyMap<string, OpcodeInfo> = table;

/** The table row of `name`; an unknown name is our own mistake. */
export function opcode(name: string): OpcodeInfo {
  const info = table.get(name);
  if (info === undefined) throw new RangeError(`no WebAssembly instruction is called ${name}`);
  return info;
}
