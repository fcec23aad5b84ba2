// SPDX-License-Identifier: Apache-2.0
// Follows pointers around one random cycle through BYTES of memory, a node in each 64 bytes; 1,024 steps per iteration.
// 8 MiB is more than the page tables of a machine in software keep at hand, 64 KiB is less.
#include "runtime.h"

enum { NODES = BYTES / 64 };

struct node {
    struct node *next;
    uint32_t number;
    uint32_t rest[14];
};

static struct node nodes[NODES] __attribute__((aligned(64)));

NOINLINE static struct node *follow(struct node *at)
{
    for (int i = 0; i < 128; i++)
        at = at->next->next->next->next->next->next->next->next;
    return at;
}

uint32_t benchmark(uint32_t iterations)
{
    uint32_t seed = 11, sum = 0;
    for (uint32_t i = 0; i < NODES; i++)
        nodes[i].number = i;
    // Sattolo's shuffle makes one cycle of all nodes.
    for (uint32_t i = NODES - 1; i > 0; i--) {
        const uint32_t other = next_random(&seed) % i;
        const uint32_t kept = nodes[i].number;
        nodes[i].number = nodes[other].number;
        nodes[other].number = kept;
    }
    for (uint32_t i = 0; i < NODES; i++)
        nodes[i].next = &nodes[nodes[i].number];
    struct node *at = nodes;
    for (uint32_t round = 0; round < iterations; round++) {
        at = follow(at);
        sum = mix(sum, at->number);
    }
    return sum;
}
