// SPDX-License-Identifier: Apache-2.0
// Calls one of 16 small functions through a table, in an order that is hard to guess; 1,024 calls per iteration.
#include "runtime.h"

typedef uint32_t operation(uint32_t value, uint32_t other);

#define OPERATION(name, expression)                             \
    NOINLINE static uint32_t name(uint32_t value, uint32_t other) \
    {                                                           \
        return expression;                                      \
    }

OPERATION(add, value + other)
OPERATION(subtract, value - other * 3)
OPERATION(exclusive, value ^ other)
OPERATION(rotate, ((value << 7) | (value >> 25)) ^ other)
OPERATION(multiply, value * (other | 1))
OPERATION(both, (value & other) + 1)
OPERATION(either, (value | other) * 5)
OPERATION(shifted, value + (other << 3))
OPERATION(average, (value >> 1) + (other >> 1))
OPERATION(negated, ~value + other)
OPERATION(greater, value > other ? value : other + 1)
OPERATION(smaller, value < other ? value : other - 1)
OPERATION(halves, (value << 16) | (other >> 16))
OPERATION(odd, (value & 1) ? value * 3 + 1 : (value >> 1) + other)
OPERATION(spread, (value & 0xff) * 0x01010101 + other)
OPERATION(again, value - (value >> 5) + other)

static operation *const operations[16] = {
    add,     subtract, exclusive, rotate,  multiply, both,   either, shifted,
    average, negated,  greater,   smaller, halves,   odd,    spread, again,
};

uint32_t benchmark(uint32_t iterations)
{
    uint32_t value = 1, seed = 5;
    for (uint32_t round = 0; round < iterations; round++)
        for (int i = 0; i < 1024; i++) {
            const uint32_t random = next_random(&seed);
            value = operations[random & 15](value, random);
        }
    return value;
}
