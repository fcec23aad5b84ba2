// SPDX-License-Identifier: Apache-2.0
// What the GDB sessions look at: calls in both instruction sets, a variable that is written and read, floating point, a
// supervisor call, and a loop that waits to be interrupted.

volatile unsigned counter;
volatile unsigned table[4] = {11, 22, 33, 44};
volatile unsigned go_on;
volatile double product;

__attribute__((noinline, target("arm"))) unsigned add_arm(unsigned a, unsigned b)
{
    return a + b + 1;
}

__attribute__((noinline, target("thumb"))) unsigned add_thumb(unsigned a, unsigned b)
{
    unsigned sum = add_arm(a, b);
    return sum > 10 ? sum - 10 : sum;
}

__attribute__((noinline, target("arm"))) double scale(double value, double by)
{
    return value * by;
}

__attribute__((noinline, target("thumb"))) unsigned look(unsigned n)
{
    return table[n & 3];
}

__attribute__((noinline, target("arm"))) void spin(void)
{
    while (!go_on)
        ;
}

__attribute__((noinline, target("arm"))) unsigned call_supervisor(unsigned n)
{
    register unsigned r0 __asm__("r0") = n;
    __asm__ volatile("svc 7" : "+r"(r0) : : "lr", "memory");
    return r0;
}

int main(void)
{
    unsigned total = 0;
    for (unsigned n = 0; n < 5; n++) {
        total = add_thumb(total, n);
        counter = total;
    }
    product = scale(1.5, 4.0);
    total += look(2);
    total += call_supervisor(total);
    spin();
    counter = total;
    return (int)(total & 0x7f);
}
