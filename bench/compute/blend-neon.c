// SPDX-License-Identifier: Apache-2.0
// Blends two 16 KiB pictures by a weight, 16 bytes at a time, and sums the result, once per iteration: Advanced SIMD
// widening multiplies, narrowing with rounding, and pairwise additions.
#include <arm_neon.h>
#include "runtime.h"

enum { SIZE = 16384 };

static uint8_t first[SIZE], second[SIZE], result[SIZE];

NOINLINE static uint32_t blend(uint8_t weight)
{
    const uint8x8_t one = vdup_n_u8(weight), other = vdup_n_u8((uint8_t)(255 - weight));
    uint32x4_t sums = vdupq_n_u32(0);
    for (int i = 0; i < SIZE; i += 16) {
        const uint8x16_t a = vld1q_u8(first + i), b = vld1q_u8(second + i);
        const uint16x8_t low = vmlal_u8(vmull_u8(vget_low_u8(a), one), vget_low_u8(b), other);
        const uint16x8_t high = vmlal_u8(vmull_u8(vget_high_u8(a), one), vget_high_u8(b), other);
        const uint8x16_t mixed = vcombine_u8(vrshrn_n_u16(low, 8), vrshrn_n_u16(high, 8));
        vst1q_u8(result + i, mixed);
        sums = vpadalq_u16(sums, vpaddlq_u8(mixed));
    }
    const uint32x2_t pair = vadd_u32(vget_low_u32(sums), vget_high_u32(sums));
    return vget_lane_u32(pair, 0) + vget_lane_u32(pair, 1);
}

uint32_t benchmark(uint32_t iterations)
{
    uint32_t seed = 19, sum = 0;
    for (int i = 0; i < SIZE; i++) {
        first[i] = (uint8_t)next_random(&seed);
        second[i] = (uint8_t)next_random(&seed);
    }
    for (uint32_t round = 0; round < iterations; round++)
        sum = mix(sum, blend((uint8_t)round) + result[round % SIZE]);
    return sum;
}
