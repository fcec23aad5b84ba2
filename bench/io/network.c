// SPDX-License-Identifier: Apache-2.0
// Process 1 of a guest of benchmark io: loads the network card's drivers, takes the address it is told, and lets bytes
// come from the host and go to it over one TCP connection each. Parameters: address, gateway, port, mebibytes.

#define _GNU_SOURCE
#include "guest.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <net/route.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum { MEBIBYTE = 1 << 20, PIECE = 1 << 18, ATTEMPTS = 100 };

static uint32_t buffer[PIECE / 4];

static struct sockaddr_in place(const char *address, long port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  check(address != NULL && inet_pton(AF_INET, address, &to.sin_addr) == 1, "address");
  return to;
}

/** A /24 network with a router. */
static void configure(const char *address, const char *gateway) {
  int any = socket(AF_INET, SOCK_DGRAM, 0);
  struct ifreq card = {.ifr_name = "eth0"};
  struct sockaddr_in own = place(address, 0), mask = place("255.255.255.0", 0);
  memcpy(&card.ifr_addr, &own, sizeof own);
  check(any >= 0 && ioctl(any, SIOCSIFADDR, &card) == 0, "address of the card");
  memcpy(&card.ifr_netmask, &mask, sizeof mask);
  check(ioctl(any, SIOCSIFNETMASK, &card) == 0, "mask");
  card.ifr_flags = IFF_UP | IFF_RUNNING;
  check(ioctl(any, SIOCSIFFLAGS, &card) == 0, "card");
  struct rtentry route = {.rt_flags = RTF_UP | RTF_GATEWAY};
  struct sockaddr_in router = place(gateway, 0), all = place("0.0.0.0", 0);
  memcpy(&route.rt_gateway, &router, sizeof router);
  memcpy(&route.rt_dst, &all, sizeof all);
  memcpy(&route.rt_genmask, &all, sizeof all);
  check(ioctl(any, SIOCADDRT, &route) == 0, "route");
  close(any);
}

/** Asks the host for one direction. The card may not be quite ready. */
static int ask(const struct sockaddr_in *host, char direction) {
  for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
    int peer = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(peer, (const struct sockaddr *)host, sizeof *host) == 0 && write(peer, &direction, 1) == 1) return peer;
    close(peer);
    usleep(100000);
  }
  leave("failed connect");
  return -1;
}

/** Every word is its place in the stream. */
static void receive(int peer, uint32_t words) {
  for (uint32_t at = 0; at < words;) {
    size_t have = 0;
    while (have < PIECE) {
      ssize_t got = read(peer, (char *)buffer + have, PIECE - have);
      check(got > 0, "read");
      have += (size_t)got;
    }
    check(buffer[0] == at && buffer[PIECE / 4 - 1] == at + PIECE / 4 - 1, "bytes");
    at += PIECE / 4;
  }
}

static void send_all(int peer, uint32_t words) {
  for (uint32_t at = 0; at < words;) {
    for (size_t n = 0; n < PIECE / 4; n++) buffer[n] = at++;
    for (size_t done = 0; done < PIECE;) {
      ssize_t sent = write(peer, (char *)buffer + done, PIECE - done);
      check(sent > 0, "write");
      done += (size_t)sent;
    }
  }
  char answer;
  check(shutdown(peer, SHUT_WR) == 0 && read(peer, &answer, 1) == 1 && answer == 'y', "answer");
}

int main(void) {
  start();
  load("/virtio_mmio.ko");
  load("/failover.ko");
  load("/net_failover.ko");
  load("/virtio_net.ko");
  const char *gateway = getenv("gateway");
  configure(getenv("address"), gateway);
  struct sockaddr_in host = place(gateway, number("port"));
  uint32_t words = (uint32_t)number("mebibytes") * (MEBIBYTE / 4);
  check(words > 0, "parameters");
  // Both ends have met before anything is measured.
  close(ask(&host, 'n'));
  int down = ask(&host, 'd');
  begin("down");
  receive(down, words);
  end("down");
  close(down);
  int up = ask(&host, 'u');
  begin("up");
  send_all(up, words);
  end("up");
  close(up);
  leave("done");
}
