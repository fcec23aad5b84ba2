// SPDX-License-Identifier: Apache-2.0
// An interpreter for a small register machine, whose program finds the primes below 1,000 by division, once per
// iteration: a switch in a loop, as the interpreters of many languages are.
#include "runtime.h"

enum { LOAD, MOVE, ADD, SUBTRACT, MULTIPLY, REMAINDER, JUMP, JUMP_IF_ZERO, JUMP_IF_LESS, MIX, STOP };

struct instruction {
    uint8_t operation, a, b, c;
};

// Registers: 0 candidate, 1 divisor, 2 remainder, 3 the square, 4 limit, 5 count, 6 two, 7 one.
static const struct instruction program[] = {
    {LOAD, 0, 3, 0},          // 0: candidate = 3
    {LOAD, 5, 1, 0},          // 1: count = 1
    {LOAD, 6, 2, 0},          // 2
    {LOAD, 7, 1, 0},          // 3
    {MOVE, 1, 6, 0},          // 4: divisor = 2
    {MULTIPLY, 3, 1, 1},      // 5: the square
    {JUMP_IF_LESS, 0, 3, 11}, // 6: candidate < square: it is a prime
    {REMAINDER, 2, 0, 1},     // 7
    {JUMP_IF_ZERO, 2, 0, 13}, // 8: divisible: next candidate
    {ADD, 1, 1, 7},           // 9
    {JUMP, 0, 0, 5},          // 10
    {ADD, 5, 5, 7},           // 11
    {MIX, 0, 0, 0},           // 12
    {ADD, 0, 0, 6},           // 13: candidate += 2
    {JUMP_IF_LESS, 0, 4, 4},  // 14
    {STOP, 5, 0, 0},          // 15
};

NOINLINE static uint32_t run(const struct instruction *code, uint32_t limit, uint32_t *sum)
{
    uint32_t registers[8] = {0};
    registers[4] = limit;
    for (const struct instruction *at = code;;) {
        const struct instruction now = *at++;
        switch (now.operation) {
        case LOAD:
            registers[now.a] = now.b;
            break;
        case MOVE:
            registers[now.a] = registers[now.b];
            break;
        case ADD:
            registers[now.a] = registers[now.b] + registers[now.c];
            break;
        case SUBTRACT:
            registers[now.a] = registers[now.b] - registers[now.c];
            break;
        case MULTIPLY:
            registers[now.a] = registers[now.b] * registers[now.c];
            break;
        case REMAINDER:
            registers[now.a] = registers[now.b] % registers[now.c];
            break;
        case JUMP:
            at = code + now.c;
            break;
        case JUMP_IF_ZERO:
            if (registers[now.a] == 0)
                at = code + now.c;
            break;
        case JUMP_IF_LESS:
            if (registers[now.a] < registers[now.b])
                at = code + now.c;
            break;
        case MIX:
            *sum = mix(*sum, registers[now.a]);
            break;
        case STOP:
            return registers[now.a];
        }
    }
}

uint32_t benchmark(uint32_t iterations)
{
    uint32_t sum = 0;
    for (uint32_t round = 0; round < iterations; round++)
        sum = mix(sum, run(program, 1000 - (round & 3), &sum));
    return sum;
}
