// SPDX-License-Identifier: Apache-2.0
// Fibonacci numbers by plain recursion, 20 deep, per iteration: calls, returns, the stack.
#include "runtime.h"

NOINLINE __attribute__((optimize("no-optimize-sibling-calls", "no-inline"))) static uint32_t fib(uint32_t n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

uint32_t benchmark(uint32_t iterations)
{
    uint32_t sum = 0;
    for (uint32_t round = 0; round < iterations; round++)
        sum = mix(sum, fib(20 - (round & 1)));
    return sum;
}
