// SPDX-License-Identifier: Apache-2.0
// Counts how often each byte value occurs in 64 KiB per iteration: byte loads, and stores that later loads depend on.
#include "runtime.h"

enum { SIZE = 65536 };

static uint8_t bytes[SIZE];
static uint32_t counts[256];

NOINLINE static void count(const uint8_t *at, uint32_t size)
{
    for (const uint8_t *end = at + size; at != end; at++)
        counts[*at]++;
}

uint32_t benchmark(uint32_t iterations)
{
    uint32_t seed = 3, sum = 0;
    for (int i = 0; i < SIZE; i++)
        bytes[i] = (uint8_t)(next_random(&seed) & next_random(&seed));
    for (uint32_t round = 0; round < iterations; round++) {
        bytes[round % SIZE] ^= (uint8_t)round;
        count(bytes, SIZE);
        sum = mix(sum, counts[round & 255]);
    }
    for (int i = 0; i < 256; i++)
        sum = mix(sum, counts[i]);
    return sum;
}
