// SPDX-License-Identifier: Apache-2.0
// Five bodies under gravity, 10 steps per iteration: double-precision VFP, with division and square root. The state is
// set back every 1,024 iterations so that any count stays in a sane range.
#include "runtime.h"

enum { BODIES = 5 };

struct body {
    double place[3], speed[3], mass;
};

static struct body bodies[BODIES];

static double square_root(double value)
{
    double root;
    __asm__("vsqrt.f64 %P0, %P1" : "=w"(root) : "w"(value));
    return root;
}

static void set_up(void)
{
    uint32_t seed = 17;
    for (int i = 0; i < BODIES; i++) {
        for (int axis = 0; axis < 3; axis++) {
            bodies[i].place[axis] = (double)(int32_t)(next_random(&seed) & 0xffff) / 4096.0 - 8.0;
            bodies[i].speed[axis] = (double)(int32_t)(next_random(&seed) & 0xffff) / 65536.0 - 0.5;
        }
        bodies[i].mass = i == 0 ? 40.0 : 0.01 * i;
    }
}

NOINLINE static void advance(double step)
{
    for (int i = 0; i < BODIES; i++)
        for (int j = i + 1; j < BODIES; j++) {
            double way[3], square = 0.01;
            for (int axis = 0; axis < 3; axis++) {
                way[axis] = bodies[i].place[axis] - bodies[j].place[axis];
                square += way[axis] * way[axis];
            }
            const double pull = step / (square * square_root(square));
            for (int axis = 0; axis < 3; axis++) {
                bodies[i].speed[axis] -= way[axis] * bodies[j].mass * pull;
                bodies[j].speed[axis] += way[axis] * bodies[i].mass * pull;
            }
        }
    for (int i = 0; i < BODIES; i++)
        for (int axis = 0; axis < 3; axis++)
            bodies[i].place[axis] += step * bodies[i].speed[axis];
}

uint32_t benchmark(uint32_t iterations)
{
    uint32_t sum = 0;
    for (uint32_t round = 0; round < iterations; round++) {
        if ((round & 1023) == 0)
            set_up();
        for (int i = 0; i < 10; i++)
            advance(0.001);
        union {
            double number;
            uint32_t words[2];
        } place = {bodies[round % BODIES].place[0]};
        sum = mix(mix(sum, place.words[0]), place.words[1]);
    }
    return sum;
}
