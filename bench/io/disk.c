// SPDX-License-Identifier: Apache-2.0
// Process 1 of the io benchmark's guest: loads the disk's drivers, reads and writes the disk past the cache, and tells
// on the console when each stage begins and ends. Linux for 32-bit ARM, statically linked. Its work comes as kernel
// parameters, which Linux hands to the first process as environment variables.

#define _GNU_SOURCE
#include "guest.h"

#include <linux/aio_abi.h>
#include <stdint.h>

enum { MEBIBYTE = 1 << 20, PAGE = 4096, DEPTH = 32 };

static int disk;
static uint8_t *buffer;
static uint32_t state = 1;

/** Of a page, anywhere on the first so many. Xorshift, after Marsaglia. */
static off64_t random_place(uint32_t pages) {
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return (off64_t)(state % pages) * PAGE;
}

/** Every page of the disk begins with its number and a mark; 0 as the host has filled it, 1 as we have. */
static int is_page(const uint8_t *page, off64_t place, uint32_t mark) {
  const uint32_t *words = (const uint32_t *)page;
  return words[0] == (uint32_t)(place / PAGE) && words[1] == mark;
}

static void read_through(long mebibytes) {
  for (off64_t at = 0; at < (off64_t)mebibytes * MEBIBYTE; at += MEBIBYTE) {
    check(pread64(disk, buffer, MEBIBYTE, at) == MEBIBYTE && is_page(buffer, at, 0), "read");
  }
}

static void write_through(long mebibytes) {
  for (off64_t at = 0; at < (off64_t)mebibytes * MEBIBYTE; at += MEBIBYTE) {
    for (uint32_t page = 0; page < MEBIBYTE / PAGE; page++) {
      uint32_t *words = (uint32_t *)(buffer + page * PAGE);
      words[0] = (uint32_t)(at / PAGE) + page;
      words[1] = 1;
    }
    check(pwrite64(disk, buffer, MEBIBYTE, at) == MEBIBYTE, "write");
  }
}

static void read_random(uint32_t pages, long count) {
  while (count-- > 0) {
    off64_t place = random_place(pages);
    check(pread64(disk, buffer, PAGE, place) == PAGE && is_page(buffer, place, 1), "random read");
  }
}

/** The same with DEPTH requests under way, by Linux's asynchronous I/O. */
static void read_random_deep(uint32_t pages, long count) {
  aio_context_t context = 0;
  static struct iocb requests[DEPTH];
  struct io_event done[DEPTH];
  long asked = 0, got = 0;
  check(syscall(SYS_io_setup, DEPTH, &context) == 0, "io_setup");
  for (uint32_t n = 0; n < DEPTH; n++) requests[n].aio_data = n;
  int slots[DEPTH], idle = DEPTH;
  for (int n = 0; n < DEPTH; n++) slots[n] = n;
  while (got < count) {
    struct iocb *batch[DEPTH];
    long size = 0;
    while (idle > 0 && asked < count) {
      struct iocb *request = &requests[slots[--idle]];
      request->aio_lio_opcode = IOCB_CMD_PREAD;
      request->aio_fildes = (uint32_t)disk;
      request->aio_buf = (uintptr_t)(buffer + request->aio_data * PAGE);
      request->aio_nbytes = PAGE;
      request->aio_offset = random_place(pages);
      batch[size++] = request;
      asked++;
    }
    check(size == 0 || syscall(SYS_io_submit, context, size, batch) == size, "io_submit");
    long events = syscall(SYS_io_getevents, context, 1, DEPTH, done, NULL);
    check(events > 0, "io_getevents");
    for (long n = 0; n < events; n++) {
      struct iocb *request = &requests[done[n].data];
      int right = is_page(buffer + request->aio_data * PAGE, request->aio_offset, 1);
      check(done[n].res == PAGE && right, "random read, many at once");
      slots[idle++] = (int)done[n].data;
      got++;
    }
  }
}

int main(void) {
  start();
  load("/virtio_mmio.ko");
  load("/virtio_blk.ko");
  disk = open("/dev/vda", O_RDWR | O_DIRECT);
  check(disk >= 0, "open");
  check(posix_memalign((void **)&buffer, MEBIBYTE, MEBIBYTE) == 0, "memory");
  memset(buffer, 0x5a, MEBIBYTE);
  long mebibytes = number("mebibytes"), reads = number("reads");
  uint32_t pages = (uint32_t)mebibytes * (MEBIBYTE / PAGE);
  check(mebibytes > 0 && reads > 0, "parameters");
  begin("read");
  read_through(mebibytes);
  end("read");
  begin("write");
  write_through(mebibytes);
  end("write");
  fsync(disk);
  begin("random");
  read_random(pages, reads);
  end("random");
  begin("deep");
  read_random_deep(pages, reads);
  end("deep");
  leave("done");
}
