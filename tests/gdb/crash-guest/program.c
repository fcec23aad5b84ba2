// SPDX-License-Identifier: Apache-2.0
// A system with a timer, one of whose functions turns interrupts off and never comes back.

#define GICD(offset) (*(volatile unsigned *)(0x08000000 + (offset)))
#define GICC(offset) (*(volatile unsigned *)(0x08010000 + (offset)))

volatile unsigned ticks;
volatile unsigned work_done;

static void set_timer(unsigned counts)
{
    __asm__ volatile("mcr p15, 0, %0, c14, c3, 0" : : "r"(counts));
}

void tick(void)
{
    unsigned interrupt = GICC(12);
    ticks++;
    set_timer(1000);
    GICC(16) = interrupt;
}

__attribute__((noinline)) static void spin_with_interrupts_off(unsigned step)
{
    __asm__ volatile("cpsid if");
    for (;;)
        work_done += step;
}

__attribute__((noinline)) static int driver_request(unsigned n)
{
    spin_with_interrupts_off(n + 1);
    return work_done;
}

int main(void)
{
    GICD(0) = 1;
    GICC(0) = 1;
    GICC(4) = 0xff;
    GICD(0x100) = 1 << 27;
    set_timer(1000);
    __asm__ volatile("mcr p15, 0, %0, c14, c3, 1" : : "r"(1));
    __asm__ volatile("cpsie i");
    while (ticks < 5)
        work_done++;
    return driver_request(ticks);
}
