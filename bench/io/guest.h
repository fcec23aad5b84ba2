// SPDX-License-Identifier: Apache-2.0
// What programs have in common that are process 1 of a guest of benchmark io: lines on the console when something begins
// and ends, kernel modules, power-off. Parameters of the kernel are their environment. Linux for 32-bit ARM, static.

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int console;
static struct timespec begun;

static void say(const char *text) { (void)!write(console, text, strlen(text)); }

static void leave(const char *why) {
  char line[128];
  snprintf(line, sizeof line, "@%s\n", why);
  say(line);
  sync();
  reboot(RB_POWER_OFF);
  for (;;) pause();
}

static void check(int holds, const char *what) {
  char line[96];
  if (holds) return;
  snprintf(line, sizeof line, "failed %s", what);
  leave(line);
}

static long number(const char *name) {
  const char *text = getenv(name);
  return text == NULL ? 0 : atol(text);
}

static void begin(const char *stage) {
  char line[64];
  snprintf(line, sizeof line, "@begin %s\n", stage);
  clock_gettime(CLOCK_MONOTONIC, &begun);
  say(line);
}

static void end(const char *stage) {
  char line[64];
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  double seconds = (double)(now.tv_sec - begun.tv_sec) + (double)(now.tv_nsec - begun.tv_nsec) / 1e9;
  snprintf(line, sizeof line, "@end %s %.6f\n", stage, seconds);
  say(line);
}

static void load(const char *module) {
  int file = open(module, O_RDONLY);
  check(file >= 0 && syscall(SYS_finit_module, file, "", 0) == 0, module);
  close(file);
}

static void start(void) {
  mkdir("/dev", 0755);
  mount("dev", "/dev", "devtmpfs", 0, NULL);
  console = open("/dev/console", O_RDWR);
}
