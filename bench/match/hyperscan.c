// SPDX-License-Identifier: Apache-2.0
// Hyperscan as a peer and as an oracle: searches for literal patterns.
//
//   hyperscan matches < INPUT        each match of the chunks as one stream: "pattern end" a line
//   hyperscan speed SECONDS < INPUT  the chunks as one text, again and again: bytes, then seconds of
//                                  CPU time, then matches of one time
//
// INPUT has numbers of 32 bits, little-endian: how many patterns; for each whether the case of letters is ignored, its length, its
// bytes; how many chunks; for each its length and its bytes.

#include <hs/hs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void fail(const char *what) {
  fprintf(stderr, "hyperscan: %s\n", what);
  exit(1);
}

static uint32_t read_number(void) {
  unsigned char b[4];
  if (fread(b, 1, 4, stdin) != 4) fail("the input is cut");
  return b[0] | b[1] << 8 | b[2] << 16 | (uint32_t)b[3] << 24;
}

static char *read_bytes(uint32_t length) {
  char *bytes = malloc(length + 1);
  if (bytes == NULL || fread(bytes, 1, length, stdin) != length) fail("the input is cut");
  bytes[length] = 0;
  return bytes;
}

static int on_match(unsigned int id, unsigned long long from, unsigned long long to, unsigned int flags, void *count) {
  (void)from, (void)flags;
  if (count == NULL) printf("%u %llu\n", id, to);
  else ++*(uint64_t *)count;
  return 0;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
  int speed = argc == 3 && strcmp(argv[1], "speed") == 0;
  if (!speed && (argc != 2 || strcmp(argv[1], "matches") != 0)) fail("usage: hyperscan matches | speed SECONDS");
  uint32_t patterns = read_number();
  const char **texts = calloc(patterns, sizeof *texts);
  size_t *lengths = calloc(patterns, sizeof *lengths);
  unsigned *flags = calloc(patterns, sizeof *flags), *ids = calloc(patterns, sizeof *ids);
  for (uint32_t n = 0; n < patterns; n++) {
    ids[n] = n;
    flags[n] = read_number() != 0 ? HS_FLAG_CASELESS : 0;
    lengths[n] = read_number();
    texts[n] = read_bytes(lengths[n]);
  }
  hs_database_t *database;
  hs_compile_error_t *error;
  if (hs_compile_lit_multi(texts, flags, ids, lengths, patterns, speed ? HS_MODE_BLOCK : HS_MODE_STREAM, NULL, &database,
                           &error) != HS_SUCCESS)
    fail(error->message);
  hs_scratch_t *scratch = NULL;
  if (hs_alloc_scratch(database, &scratch) != HS_SUCCESS) fail("no memory");

  uint32_t chunks = read_number();
  if (speed) {
    char *text = NULL;
    size_t length = 0;
    for (uint32_t n = 0; n < chunks; n++) {
      uint32_t size = read_number();
      char *chunk = read_bytes(size);
      text = realloc(text, length + size);
      memcpy(text + length, chunk, size);
      length += size;
      free(chunk);
    }
    uint64_t matches = 0, times = 0;
    double begin = now(), end;
    do {
      matches = 0;
      hs_scan(database, text, length, 0, scratch, on_match, &matches);
      times++;
      end = now();
    } while (end - begin < atof(argv[2]));
    printf("%llu %f %llu\n", (unsigned long long)(times * length), end - begin, (unsigned long long)matches);
    return 0;
  }
  hs_stream_t *stream;
  if (hs_open_stream(database, 0, &stream) != HS_SUCCESS) fail("no stream");
  for (uint32_t n = 0; n < chunks; n++) {
    uint32_t size = read_number();
    char *chunk = read_bytes(size);
    if (size > 0) hs_scan_stream(stream, chunk, size, 0, scratch, on_match, NULL);
    free(chunk);
  }
  hs_close_stream(stream, scratch, on_match, NULL);
  return 0;
}
