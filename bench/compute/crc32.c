// SPDX-License-Identifier: Apache-2.0
// CRC-32 (ISO-HDLC polynomial) by a table of 256 words over 16 KiB per iteration: loads whose addresses depend on each
// other.
#include "runtime.h"

enum { SIZE = 16384 };

static uint8_t bytes[SIZE];
static uint32_t table[256];

NOINLINE static uint32_t crc32(uint32_t crc, const uint8_t *at, uint32_t size)
{
    for (const uint8_t *end = at + size; at != end; at++)
        crc = (crc >> 8) ^ table[(crc ^ *at) & 0xff];
    return crc;
}

uint32_t benchmark(uint32_t iterations)
{
    uint32_t seed = 9, crc = 0xffffffff;
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t entry = i;
        for (int bit = 0; bit < 8; bit++)
            entry = (entry >> 1) ^ ((entry & 1) * 0xedb88320);
        table[i] = entry;
    }
    for (int i = 0; i < SIZE; i++)
        bytes[i] = (uint8_t)next_random(&seed);
    for (uint32_t round = 0; round < iterations; round++)
        crc = crc32(crc, bytes, SIZE);
    return ~crc;
}
