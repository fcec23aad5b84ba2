// SPDX-License-Identifier: Apache-2.0
// Semihosting in and out of a benchmark program (Arm semihosting specification: SYS_GET_CMDLINE, SYS_WRITE0,
// SYS_EXIT_EXTENDED), and the memory functions that GCC may call on its own.
#include "runtime.h"

static int32_t semihost(uint32_t operation, const void *parameter)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = parameter;
#ifdef __thumb__
    __asm__ volatile("svc 0xab" : "+r"(r0) : "r"(r1) : "memory", "lr");
#else
    __asm__ volatile("svc 0x123456" : "+r"(r0) : "r"(r1) : "memory", "lr");
#endif
    return (int32_t)r0;
}

static void finish(uint32_t status)
{
    const uint32_t block[2] = {0x20026, status};
    for (;;)
        semihost(0x20, block);
}

// The number at the end of the command line.
static uint32_t read_iterations(void)
{
    static char text[128];
    uint32_t block[2] = {(uint32_t)text, sizeof text};
    if (semihost(0x15, block) != 0)
        finish(2);
    uint32_t value = 0;
    for (const char *at = text; *at != 0; at++)
        value = *at >= '0' && *at <= '9' ? value * 10 + (uint32_t)(*at - '0') : 0;
    return value;
}

void _start(void)
{
    const uint32_t iterations = read_iterations();
    if (iterations == 0)
        finish(2);
    const uint32_t checksum = benchmark(iterations);
    static char line[] = "checksum 00000000\n";
    for (int digit = 0; digit < 8; digit++)
        line[9 + digit] = "0123456789abcdef"[(checksum >> (28 - 4 * digit)) & 15];
    semihost(0x04, line);
    finish(0);
}

void *memset(void *to, int value, size_t size)
{
    for (uint8_t *at = to; size > 0; size--)
        *at++ = (uint8_t)value;
    return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    const uint8_t *source = from;
    for (uint8_t *at = to; size > 0; size--)
        *at++ = *source++;
    return to;
}

void *memmove(void *to, const void *from, size_t size)
{
    if (to <= from)
        return memcpy(to, from, size);
    uint8_t *at = to;
    for (const uint8_t *source = from; size > 0; size--)
        at[size - 1] = source[size - 1];
    return to;
}
