// SPDX-License-Identifier: Apache-2.0
// What every benchmark program shares. Each defines `benchmark`; runtime.c calls it and prints what it returns.
#pragma once
#include <stddef.h>
#include <stdint.h>

#define NOINLINE __attribute__((noinline, noclone))

// Does the work `iterations` times and returns a checksum of all that it computed.
uint32_t benchmark(uint32_t iterations);

// The next number of a fixed pseudo-random sequence.
static inline uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

// Takes `value` into a running checksum.
static inline uint32_t mix(uint32_t sum, uint32_t value)
{
    return (sum ^ value) * 16777619u;
}
