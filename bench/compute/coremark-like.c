// SPDX-License-Identifier: Apache-2.0
// The mix that CoreMark is known for, in our own code: linked lists searched, reversed and merge-sorted, small integer
// matrices, a state machine over text, and a CRC-16 over the results of all of them.
#include "runtime.h"

struct node {
    struct node *next;
    int16_t key;
    int16_t tag;
};

enum { NODES = 128, SIZE = 12 };

static struct node nodes[NODES];
static int16_t left[SIZE][SIZE], right[SIZE][SIZE];
static int32_t product[SIZE][SIZE];

static uint16_t crc16(uint16_t crc, uint32_t value, int bits)
{
    for (int bit = 0; bit < bits; bit++) {
        const uint16_t out = (uint16_t)((crc ^ value) & 1);
        crc >>= 1;
        value >>= 1;
        if (out)
            crc ^= 0xa001;
    }
    return crc;
}

static struct node *build_list(uint32_t seed)
{
    struct node *head = NULL;
    for (int i = 0; i < NODES; i++) {
        nodes[i].key = (int16_t)next_random(&seed);
        nodes[i].tag = (int16_t)i;
        nodes[i].next = head;
        head = &nodes[i];
    }
    return head;
}

NOINLINE static struct node *find(struct node *at, int16_t key)
{
    while (at != NULL && at->key != key)
        at = at->next;
    return at;
}

NOINLINE static struct node *reverse(struct node *at)
{
    struct node *done = NULL;
    while (at != NULL) {
        struct node *next = at->next;
        at->next = done;
        done = at;
        at = next;
    }
    return done;
}

typedef int comparison(const struct node *, const struct node *);

static int by_key(const struct node *a, const struct node *b)
{
    return a->key - b->key;
}

static int by_tag(const struct node *a, const struct node *b)
{
    return a->tag - b->tag;
}

// Bottom-up merge sort of a list.
NOINLINE static struct node *sort(struct node *list, comparison *compare)
{
    for (int width = 1;; width *= 2) {
        struct node *rest = list, *tail = NULL;
        int merges = 0;
        list = NULL;
        while (rest != NULL) {
            struct node *a = rest, *b = rest;
            int a_left = 0, b_left = width;
            merges++;
            while (a_left < width && b != NULL) {
                a_left++;
                b = b->next;
            }
            while (a_left > 0 || (b_left > 0 && b != NULL)) {
                struct node *taken;
                if (a_left > 0 && (b_left == 0 || b == NULL || compare(a, b) <= 0)) {
                    taken = a;
                    a = a->next;
                    a_left--;
                } else {
                    taken = b;
                    b = b->next;
                    b_left--;
                }
                if (tail == NULL)
                    list = taken;
                else
                    tail->next = taken;
                tail = taken;
            }
            rest = b;
        }
        tail->next = NULL;
        if (merges <= 1)
            return list;
    }
}

NOINLINE static uint16_t lists(uint32_t seed, uint16_t crc)
{
    struct node *list = build_list(seed);
    for (int i = 0; i < 8; i++) {
        const struct node *found = find(list, nodes[(seed + (uint32_t)i * 13) % NODES].key);
        crc = crc16(crc, found == NULL ? 0 : (uint16_t)found->tag, 16);
        list = reverse(list);
    }
    list = sort(list, by_key);
    crc = crc16(crc, (uint16_t)list->tag, 16);
    list = sort(list, by_tag);
    return crc16(crc, (uint16_t)list->key, 16);
}

NOINLINE static uint16_t matrices(uint32_t seed, uint16_t crc)
{
    for (int i = 0; i < SIZE; i++)
        for (int j = 0; j < SIZE; j++) {
            left[i][j] = (int16_t)(next_random(&seed) & 0x3ff);
            right[i][j] = (int16_t)(left[i][j] - i * j);
        }
    int32_t trace = 0;
    for (int i = 0; i < SIZE; i++)
        for (int j = 0; j < SIZE; j++) {
            int32_t sum = 0;
            for (int k = 0; k < SIZE; k++)
                sum += left[i][k] * right[k][j];
            product[i][j] = sum;
        }
    for (int i = 0; i < SIZE; i++)
        for (int j = 0; j < SIZE; j++)
            trace += product[i][j] > 0 ? (product[i][j] >> 2) & 0x1f : -product[j][i] >> 5;
    return crc16(crc, (uint32_t)trace, 32);
}

enum state { BETWEEN, SIGN, INTEGER, FRACTION, EXPONENT, EXPONENT_DIGITS, WRONG, STATES };

NOINLINE static enum state step(enum state state, char letter)
{
    const int digit = letter >= '0' && letter <= '9';
    switch (state) {
    case BETWEEN:
        if (digit)
            return INTEGER;
        return letter == '+' || letter == '-' ? SIGN : letter == '.' ? FRACTION : WRONG;
    case SIGN:
        return digit ? INTEGER : letter == '.' ? FRACTION : WRONG;
    case INTEGER:
        return digit ? INTEGER : letter == '.' ? FRACTION : letter == 'e' ? EXPONENT : WRONG;
    case FRACTION:
        return digit ? FRACTION : letter == 'e' ? EXPONENT : WRONG;
    case EXPONENT:
        return digit || letter == '-' || letter == '+' ? EXPONENT_DIGITS : WRONG;
    case EXPONENT_DIGITS:
        return digit ? EXPONENT_DIGITS : WRONG;
    default:
        return WRONG;
    }
}

NOINLINE static uint16_t states(uint32_t seed, uint16_t crc)
{
    static const char text[] = "5012,1234,-874,+122,35.54400,.1234500,-110.700,+0.64400,5.500e+3,-.123e-2,"
                               "-87e+832,+0.6e-12,T0.3e-1F,-T.T++Tq,1T3.4e4z,34.0e-T^,";
    uint32_t counts[STATES] = {0};
    enum state state = BETWEEN;
    const char noise = (char)('0' + (seed & 15));
    for (uint32_t at = 0; text[at] != 0; at++) {
        const char letter = (at & 31) == (seed & 31) ? noise : text[at];
        if (letter == ',') {
            counts[state]++;
            state = BETWEEN;
        } else
            state = step(state, letter);
    }
    for (int i = 0; i < STATES; i++)
        crc = crc16(crc, counts[i], 8);
    return crc;
}

uint32_t benchmark(uint32_t iterations)
{
    uint16_t crc = 0xffff;
    for (uint32_t round = 0; round < iterations; round++) {
        crc = lists(round + crc, crc);
        crc = matrices(round + crc, crc);
        crc = states(round + crc, crc);
    }
    return crc;
}
