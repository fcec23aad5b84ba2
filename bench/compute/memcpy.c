// SPDX-License-Identifier: Apache-2.0
// Copies 1 MiB per iteration in blocks of 32 bytes, for which GCC uses multiple loads and stores as C libraries do.
#include "runtime.h"

struct block {
    uint32_t words[8];
};

enum { BLOCKS = 1024 * 1024 / sizeof(struct block) };

static struct block areas[2][BLOCKS];

NOINLINE static void copy(struct block *restrict to, const struct block *restrict from, uint32_t blocks)
{
    do
        *to++ = *from++;
    while (--blocks > 0);
}

uint32_t benchmark(uint32_t iterations)
{
    uint32_t seed = 7, sum = 0;
    for (int i = 0; i < BLOCKS; i++)
        for (int word = 0; word < 8; word++)
            areas[0][i].words[word] = next_random(&seed);
    for (uint32_t round = 0; round < iterations; round++) {
        areas[round & 1][round % BLOCKS].words[round & 7] ^= round;
        copy(areas[~round & 1], areas[round & 1], BLOCKS);
        sum = mix(sum, areas[~round & 1][(round * 7919) % BLOCKS].words[0]);
    }
    return sum;
}
