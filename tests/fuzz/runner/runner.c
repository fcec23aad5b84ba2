// SPDX-License-Identifier: Apache-2.0
// The fuzz oracle's loop over cases: fills the code slot and the data window, lets start.S run the case, and notes
// which words of the window changed. Record layouts are those of ../table.ts. It prints nothing: the host reads RAM.

#include <stdint.h>

enum { SAVE = 0xffff1000, CODE = 0x10400000, PAGE_WORDS = 1024, WINDOW_WORDS = 2048 };
enum { CASE_WORDS = 192, RESULT_WORDS = 320, STATE_WORDS = 96, MAX_CHANGES = 94 };
enum { BORDER_WORD = 1024 - 32, BORDER_WORDS = 64, TAIL_WORD = 2048 - 16, TAIL_WORDS = 16 };
enum { INTERRUPT = 6 };

struct header {
  uint32_t count, first, next, reserved;
  uint32_t background[WINDOW_WORDS];
};

static volatile struct header *const header = (volatile struct header *)0x41000000;
static const uint32_t *const cases = (const uint32_t *)0x41010000;
static uint32_t *const results = (uint32_t *)0x44000000;

extern uint32_t code_page[], window[];
extern void enter_case(void);

static uint32_t expected[WINDOW_WORDS];

static void copy(uint32_t *to, const uint32_t *from, uint32_t words) {
  for (uint32_t i = 0; i < words; i++) to[i] = from[i];
}

static void start_interrupts(void) {
  volatile uint32_t *distributor = (volatile uint32_t *)0x08000000, *cpu = (volatile uint32_t *)0x08010000;
  distributor[0x100 / 4] = 1u << 27;
  distributor[0] = 1;
  cpu[1] = 0xff;
  cpu[0] = 1;
}

static void finish_interrupt(void) {
  volatile uint32_t *cpu = (volatile uint32_t *)0x08010000;
  cpu[4] = cpu[3];
}

static void synchronise_code(void) {
  for (uint32_t i = 0; i < PAGE_WORDS; i += 8)
    __asm__ volatile("mcr p15, 0, %0, c7, c11, 1" : : "r"(&code_page[i]) : "memory");
  __asm__ volatile("dsb\n mcr p15, 0, %0, c7, c5, 0\n dsb\n isb" : : "r"(0) : "memory");
}

// A word of fill traps in A32 state and, from its first halfword, in T32 state; a T32 case gets halfwords that all trap.
static void fill_code(uint32_t thumb) {
  for (uint32_t i = 0; i < PAGE_WORDS; i++) code_page[i] = thumb ? 0xdeeedeee : 0xe7ffdefe;
}

static uint32_t note_changes(uint32_t *changes) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < WINDOW_WORDS; i += 8) {
    const uint32_t *a = &window[i], *b = &expected[i];
    uint32_t d = (a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3]) | (a[4] ^ b[4]) | (a[5] ^ b[5]) |
                 (a[6] ^ b[6]) | (a[7] ^ b[7]);
    if (!d) continue;
    for (uint32_t j = i; j < i + 8; j++) {
      if (window[j] == expected[j]) continue;
      if (count < MAX_CHANGES) {
        changes[2 * count] = 4 * j;
        changes[2 * count + 1] = window[j];
      }
      count++;
      window[j] = expected[j];
    }
  }
  return count;
}

void run_all(void) {
  uint32_t *save = (uint32_t *)SAVE;
  uint32_t isa = ~0u, last_words = 0;
  start_interrupts();
  copy(expected, (const uint32_t *)header->background, WINDOW_WORDS);
  copy(window, expected, WINDOW_WORDS);

  for (uint32_t n = header->first; n < header->count; n++) {
    const uint32_t *in = cases + n * CASE_WORDS;
    uint32_t *out = results + n * RESULT_WORDS;
    uint32_t thumb = in[0] & 1, length = in[0] >> 8;
    header->next = n;

    if (thumb != isa) {
      fill_code(isa = thumb);
      last_words = 0;
    }
    for (uint32_t i = PAGE_WORDS - last_words; i < PAGE_WORDS; i++) code_page[i] = thumb ? 0xdeeedeee : 0xe7ffdefe;
    uint8_t *slot = (uint8_t *)code_page + 4096 - length;
    for (uint32_t i = 0; i < length; i++) slot[i] = ((const uint8_t *)&in[24])[i];
    last_words = (length + 3) / 4;
    synchronise_code();

    copy(&expected[BORDER_WORD], in + STATE_WORDS, BORDER_WORDS);
    copy(&window[BORDER_WORD], in + STATE_WORDS, BORDER_WORDS);
    copy(&expected[TAIL_WORD], in + STATE_WORDS + BORDER_WORDS, TAIL_WORDS);
    copy(&window[TAIL_WORD], in + STATE_WORDS + BORDER_WORDS, TAIL_WORDS);

    copy(save + 0x400 / 4, in, STATE_WORDS);
    save[0xc00 / 4] = CODE + 4096 - length;
    save[0xc04 / 4] = in[1];
    enter_case();
    if (save[0] == INTERRUPT) finish_interrupt();
    copy(out, save, 128);
    out[45] = note_changes(out + 128);
    out[46] = 0x600d0000 | (n & 0xffff);
  }
  header->next = header->count;
}
