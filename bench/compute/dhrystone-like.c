// SPDX-License-Identifier: Apache-2.0
// The mix that Dhrystone is known for, in our own code: records behind pointers, short strings compared and copied,
// small procedures with arguments by value and by reference, two-dimensional arrays, branches on enumerations.
#include "runtime.h"

enum kind { KIND_START, KIND_NUMBER, KIND_NAME, KIND_PAIR, KIND_END };

struct record {
    struct record *next;
    enum kind kind;
    int32_t weight;
    int32_t rank;
    char label[32];
};

static struct record records[2];
static int32_t table[24][24];
static int32_t row[24];
static int32_t total;
static char last_initial;

NOINLINE static void copy_text(char *to, const char *from)
{
    while ((*to++ = *from++) != 0) {
    }
}

NOINLINE static int compare_text(const char *a, const char *b)
{
    while (*a == *b && *a != 0) {
        a++;
        b++;
    }
    return (uint8_t)*a - (uint8_t)*b;
}

NOINLINE static enum kind successor(enum kind kind)
{
    switch (kind) {
    case KIND_START:
        return total > 100 ? KIND_NUMBER : KIND_PAIR;
    case KIND_NUMBER:
        return KIND_NAME;
    case KIND_NAME:
        return KIND_PAIR;
    case KIND_PAIR:
        return last_initial == 'A' ? KIND_END : KIND_START;
    default:
        return KIND_START;
    }
}

NOINLINE static int same_letter(char a, char b)
{
    if (a != b)
        return 0;
    last_initial = a;
    return 1;
}

NOINLINE static void add_scaled(int32_t a, int32_t b, int32_t *out)
{
    *out = a + 2 + b;
}

NOINLINE static void fill_row(int32_t index, int32_t value)
{
    row[index] = value;
    row[index + 1] = row[index];
    row[index + 5] = index;
    for (int32_t column = index; column <= index + 1; column++)
        table[index][column] = index;
    table[index][index - 1] += 1;
    table[index + 5][index] = row[index];
    total += 5;
}

NOINLINE static void update_record(struct record *at)
{
    struct record *other = at->next;
    *other = *at;
    at->weight = 5;
    other->weight = at->weight;
    other->next = at->next;
    if (other->kind == KIND_START) {
        other->rank = 6;
        other->kind = successor(at->kind);
        add_scaled(other->rank, 10, &other->rank);
    } else {
        *at = *other;
        at->kind = successor(at->kind);
    }
}

NOINLINE static int text_is_later(const char *a, const char *b)
{
    int at = 2;
    while (at <= 2)
        if (same_letter(a[at], b[at + 1]) == 0)
            at++;
        else
            at += 3;
    if (compare_text(a, b) > 0) {
        total += at + 7;
        return 1;
    }
    return 0;
}

uint32_t benchmark(uint32_t iterations)
{
    char first[32], second[32];
    uint32_t sum = 2166136261u;
    records[0].next = &records[1];
    records[1].next = &records[0];
    records[0].weight = 40;
    copy_text(records[0].label, "A RECORD IN ITS FIRST STATE");
    copy_text(first, "SOME WORDS TO BE COMPARED, ONE");
    for (uint32_t round = 0; round < iterations; round++) {
        int32_t a = 2, b = 3, c = 0;
        copy_text(second, "SOME WORDS TO BE COMPARED, TWO");
        enum kind kind = KIND_NUMBER;
        if (text_is_later(first, second) == 0)
            kind = successor(kind);
        while (a < b) {
            c = 5 * a - b;
            add_scaled(a, b, &c);
            a++;
        }
        fill_row(8, c + (int32_t)(round & 7));
        update_record(&records[round & 1]);
        for (char letter = 'A'; letter <= last_initial && letter <= 'C'; letter++)
            if (same_letter(letter, 'C'))
                kind = successor(kind);
        b = b * a;
        a = b / (c | 1);
        b = 7 * (b - c) - a;
        sum = mix(sum, (uint32_t)(a + b * 3 + c * 5 + total) + (uint32_t)kind);
    }
    sum = mix(sum, (uint32_t)table[8][7]);
    return mix(sum, (uint32_t)records[0].rank + (uint32_t)records[1].kind);
}
