// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4) of 4 KiB per iteration: shifts, rotations and additions on registers under pressure. The
// round constants are computed from the cube roots that define them.
#include "runtime.h"

enum { BLOCKS = 64 };

static uint32_t constants[64];
static uint32_t message[BLOCKS * 16];

static uint32_t rotate(uint32_t value, int by)
{
    return (value >> by) | (value << (32 - by));
}

// The first 32 bits of the fraction of the cube root of a prime below 512: by bisection on a 36-bit fixed-point number.
static uint32_t cube_root_fraction(uint32_t prime)
{
    uint64_t root = 0;
    for (int bit = 35; bit >= 0; bit--) {
        const uint64_t tried = root | (1ull << bit);
        // tried^3 <= prime * 2^96, in 128 bits by halves
        const uint64_t low = tried & 0xffffffff, high = tried >> 32;
        const uint64_t cross = 2 * high * low + ((low * low) >> 32);
        const uint64_t square_low = (low * low & 0xffffffff) | (cross << 32);
        const uint64_t square_high = high * high + (cross >> 32);
        uint64_t carry = (square_low & 0xffffffff) * low;
        uint64_t middle = (square_low >> 32) * low + (square_low & 0xffffffff) * high + (carry >> 32);
        uint64_t top = square_high * low + (square_low >> 32) * high + (middle >> 32);
        uint64_t whole = square_high * high + (top >> 32);
        const int exact = (uint32_t)top == 0 && (uint32_t)middle == 0 && (uint32_t)carry == 0;
        if (whole < prime || (whole == prime && exact))
            root = tried;
    }
    return (uint32_t)root;
}

static void make_constants(void)
{
    int found = 0;
    for (uint32_t candidate = 2; found < 64; candidate++) {
        int prime = 1;
        for (uint32_t divisor = 2; divisor * divisor <= candidate; divisor++)
            prime &= candidate % divisor != 0;
        if (prime)
            constants[found++] = cube_root_fraction(candidate);
    }
}

NOINLINE static void compress(uint32_t state[8], const uint32_t *block)
{
    uint32_t words[64];
    for (int i = 0; i < 16; i++)
        words[i] = __builtin_bswap32(block[i]);
    for (int i = 16; i < 64; i++) {
        const uint32_t early = words[i - 15], late = words[i - 2];
        words[i] = words[i - 16] + words[i - 7] + (rotate(early, 7) ^ rotate(early, 18) ^ (early >> 3)) +
                   (rotate(late, 17) ^ rotate(late, 19) ^ (late >> 10));
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int i = 0; i < 64; i++) {
        const uint32_t first = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) +
                               constants[i] + words[i];
        const uint32_t second = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        h = g;
        g = f;
        f = e;
        e = d + first;
        d = c;
        c = b;
        b = a;
        a = first + second;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
}

uint32_t benchmark(uint32_t iterations)
{
    uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    uint32_t seed = 13, sum = 0;
    make_constants();
    for (uint32_t i = 0; i < BLOCKS * 16; i++)
        message[i] = next_random(&seed);
    for (uint32_t round = 0; round < iterations; round++)
        for (int block = 0; block < BLOCKS; block++)
            compress(state, message + block * 16);
    for (int i = 0; i < 8; i++)
        sum = mix(sum, state[i]);
    return sum;
}
