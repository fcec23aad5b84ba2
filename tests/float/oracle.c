// SPDX-License-Identifier: Apache-2.0
// Executes single VFPv4 and Advanced SIMD instructions of the processor it runs on, as an oracle for our arithmetic.
// `--list` prints the instruction names in order. Otherwise: reads records of eight words from standard input (index
// into that list, FPSCR, operands a, b, c of 64 bits each) and writes three words for each (result low, result high,
// FPSCR). a, b, c are in d0, d1, d2; the result is d3, which holds c at first.

#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct operation {
  const char *name;
  void (*run)(const uint32_t *in, uint32_t *out);
};

#define INSTRUCTION(id, text)                                                                        \
  static void id(const uint32_t *in, uint32_t *out) {                                               \
    uint32_t fpscr = in[1];                                                                          \
    __asm__ volatile("vldr d0, [%1, #8]\n\tvldr d1, [%1, #16]\n\tvldr d2, [%1, #24]\n\t"             \
                     "vmov d3, d2\n\tvmsr fpscr, %0\n\t" text "\n\tvmrs %0, fpscr\n\tvstr d3, [%2]"  \
                     : "+r"(fpscr)                                                                   \
                     : "r"(in), "r"(out)                                                             \
                     : "d0", "d1", "d2", "d3", "d4", "d5", "d6", "d7", "memory");                    \
    out[2] = fpscr;                                                                                  \
  }

// X(identifier, name, assembly); VFP single precision uses s0, s2, s4 and s6.
#define VFP3(X, op)                                            \
  X(op##_s, #op ".f32", #op ".f32 s6, s0, s2")                 \
  X(op##_d, #op ".f64", #op ".f64 d3, d0, d1")
#define VFP1(X, op)                                            \
  X(op##_s, #op ".f32", #op ".f32 s6, s0")                     \
  X(op##_d, #op ".f64", #op ".f64 d3, d0")
#define VFPC(X, op)                                            \
  X(op##_s, #op ".f32", #op ".f32 s0, s2")                     \
  X(op##_d, #op ".f64", #op ".f64 d0, d1")
#define NEON3(X, op, type) X(neon_##op##_##type, "neon " #op "." #type, #op "." #type " d3, d0, d1")
#define NEON0(X, op, type) X(neon_##op##_##type##_0, "neon " #op "." #type " #0", #op "." #type " d3, d0, #0")
#define NEON1(X, op, type) X(neon_##op##_##type, "neon " #op "." #type, #op "." #type " d3, d0")

#define TO_FIXED(X, n, type)                                                                              \
  X(to_##type##_s_##n, "vcvt." #type ".f32 #" #n, "vmov s6, s0\n\tvcvt." #type ".f32 s6, s6, #" #n)        \
  X(to_##type##_d_##n, "vcvt." #type ".f64 #" #n, "vmov d3, d0\n\tvcvt." #type ".f64 d3, d3, #" #n)        \
  X(from_##type##_s_##n, "vcvt.f32." #type " #" #n, "vmov s6, s0\n\tvcvt.f32." #type " s6, s6, #" #n)      \
  X(from_##type##_d_##n, "vcvt.f64." #type " #" #n, "vmov d3, d0\n\tvcvt.f64." #type " d3, d3, #" #n)
#define FIXED_16(X, n) TO_FIXED(X, n, s16) TO_FIXED(X, n, u16)
#define NEON_FIXED(X, n, type)                                                                            \
  X(neon_to_##type##_##n, "neon vcvt." #type ".f32 #" #n, "vcvt." #type ".f32 d3, d0, #" #n)               \
  X(neon_from_##type##_##n, "neon vcvt.f32." #type " #" #n, "vcvt.f32." #type " d3, d0, #" #n)
#define FIXED_32(X, n) TO_FIXED(X, n, s32) TO_FIXED(X, n, u32) NEON_FIXED(X, n, s32) NEON_FIXED(X, n, u32)
#define UP_TO_16(X, F)                                                                                    \
  F(X, 1) F(X, 2) F(X, 3) F(X, 4) F(X, 5) F(X, 6) F(X, 7) F(X, 8) F(X, 9) F(X, 10) F(X, 11) F(X, 12)       \
  F(X, 13) F(X, 14) F(X, 15) F(X, 16)
#define UP_TO_32(X, F)                                                                                    \
  UP_TO_16(X, F) F(X, 17) F(X, 18) F(X, 19) F(X, 20) F(X, 21) F(X, 22) F(X, 23) F(X, 24) F(X, 25)          \
  F(X, 26) F(X, 27) F(X, 28) F(X, 29) F(X, 30) F(X, 31) F(X, 32)

#define OPERATIONS(X)                                                                                     \
  VFP3(X, vadd) VFP3(X, vsub) VFP3(X, vmul) VFP3(X, vdiv) VFP3(X, vnmul) VFP1(X, vsqrt)                    \
  VFP3(X, vmla) VFP3(X, vmls) VFP3(X, vnmla) VFP3(X, vnmls)                                               \
  VFP3(X, vfma) VFP3(X, vfms) VFP3(X, vfnma) VFP3(X, vfnms) VFPC(X, vcmp) VFPC(X, vcmpe)                   \
  X(vcmp0_s, "vcmp.f32 #0", "vcmp.f32 s0, #0") X(vcmp0_d, "vcmp.f64 #0", "vcmp.f64 d0, #0")                \
  X(s_to_d, "vcvt.f64.f32", "vcvt.f64.f32 d3, s0") X(d_to_s, "vcvt.f32.f64", "vcvt.f32.f64 s6, d0")        \
  X(h_to_s, "vcvtb.f32.f16", "vcvtb.f32.f16 s6, s0") X(s_to_h, "vcvtb.f16.f32", "vcvtb.f16.f32 s6, s0")    \
  X(ht_to_s, "vcvtt.f32.f16", "vcvtt.f32.f16 s6, s0") X(s_to_ht, "vcvtt.f16.f32", "vcvtt.f16.f32 s6, s0")  \
  X(s_to_s32, "vcvt.s32.f32", "vcvt.s32.f32 s6, s0") X(s_to_u32, "vcvt.u32.f32", "vcvt.u32.f32 s6, s0")    \
  X(d_to_s32, "vcvt.s32.f64", "vcvt.s32.f64 s6, d0") X(d_to_u32, "vcvt.u32.f64", "vcvt.u32.f64 s6, d0")    \
  X(s_to_s32r, "vcvtr.s32.f32", "vcvtr.s32.f32 s6, s0")                                                   \
  X(s_to_u32r, "vcvtr.u32.f32", "vcvtr.u32.f32 s6, s0")                                                   \
  X(d_to_s32r, "vcvtr.s32.f64", "vcvtr.s32.f64 s6, d0")                                                   \
  X(d_to_u32r, "vcvtr.u32.f64", "vcvtr.u32.f64 s6, d0")                                                   \
  X(s32_to_s, "vcvt.f32.s32", "vcvt.f32.s32 s6, s0") X(u32_to_s, "vcvt.f32.u32", "vcvt.f32.u32 s6, s0")    \
  X(s32_to_d, "vcvt.f64.s32", "vcvt.f64.s32 d3, s0") X(u32_to_d, "vcvt.f64.u32", "vcvt.f64.u32 d3, s0")    \
  NEON3(X, vadd, f32) NEON3(X, vsub, f32) NEON3(X, vmul, f32) NEON3(X, vmla, f32) NEON3(X, vmls, f32)      \
  NEON3(X, vfma, f32) NEON3(X, vfms, f32) NEON3(X, vmax, f32) NEON3(X, vmin, f32) NEON3(X, vabd, f32)      \
  NEON3(X, vceq, f32) NEON3(X, vcge, f32) NEON3(X, vcgt, f32) NEON3(X, vacge, f32) NEON3(X, vacgt, f32)    \
  NEON0(X, vceq, f32) NEON0(X, vcge, f32) NEON0(X, vcgt, f32) NEON0(X, vcle, f32) NEON0(X, vclt, f32)      \
  NEON3(X, vrecps, f32) NEON3(X, vrsqrts, f32) NEON1(X, vrecpe, f32) NEON1(X, vrsqrte, f32)                \
  NEON1(X, vrecpe, u32) NEON1(X, vrsqrte, u32)                                                            \
  X(neon_s32, "neon vcvt.s32.f32", "vcvt.s32.f32 d3, d0")                                                 \
  X(neon_u32, "neon vcvt.u32.f32", "vcvt.u32.f32 d3, d0")                                                 \
  X(neon_from_s32, "neon vcvt.f32.s32", "vcvt.f32.s32 d3, d0")                                            \
  X(neon_from_u32, "neon vcvt.f32.u32", "vcvt.f32.u32 d3, d0")                                            \
  X(neon_h_to_s, "neon vcvt.f32.f16", "vcvt.f32.f16 q2, d0\n\tvmov d3, d4")                               \
  X(neon_s_to_h, "neon vcvt.f16.f32", "vcvt.f16.f32 d3, q0")                                              \
  FIXED_16(X, 0) UP_TO_16(X, FIXED_16) UP_TO_32(X, FIXED_32)

#define DEFINE(id, name, text) INSTRUCTION(op_##id, text)
#define ENTRY(id, name, text) {name, op_##id},

OPERATIONS(DEFINE)

static const struct operation operations[] = {OPERATIONS(ENTRY)};
static const uint32_t count = sizeof operations / sizeof operations[0];

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "--list") == 0) {
    for (uint32_t i = 0; i < count; i++) puts(operations[i].name);
    return 0;
  }
  static uint32_t in[8];
  static uint32_t out[3];
  while (fread(in, sizeof in, 1, stdin) == 1) {
    if (in[0] >= count) return 2;
    memset(out, 0, sizeof out);
    operations[in[0]].run(in, out);
    if (fwrite(out, sizeof out, 1, stdout) != 1) return 3;
  }
  return 0;
}
