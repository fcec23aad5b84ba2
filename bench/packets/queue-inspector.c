// SPDX-License-Identifier: Apache-2.0
// A peer of benchmark `packets`: an inspector in user space. It takes packets from a netfilter queue, segments that are not cut yet
// (GSO) as they are, walks an automaton over each TCP payload, and drops those in which a pattern ends.
//
//   queue-inspector QUEUE AUTOMATON
//
// AUTOMATON is a complete table: numbers of classes and of states (32 bits), a class for each byte (256 of 16 bits), the next state
// at state * classes + class (32 bits), and a byte for each state that says whether a pattern ends there; all little-endian.

#include <arpa/inet.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <errno.h>

static uint32_t classes, states;
static uint16_t class_of[256];
static uint32_t *next_state;
static unsigned char *ends;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static int has_pattern(const unsigned char *text, int length) {
  uint32_t state = 0;
  for (int n = 0; n < length; n++) {
    state = next_state[state * classes + class_of[text[n]]];
    if (ends[state]) return 1;
  }
  return 0;
}

static int verdict(struct nfq_q_handle *queue, struct nfgenmsg *message, struct nfq_data *data, void *context) {
  (void)message, (void)context;
  struct nfqnl_msg_packet_hdr *header = nfq_get_msg_packet_hdr(data);
  unsigned char *packet;
  int length = nfq_get_payload(data, &packet), found = 0;
  if (length >= 40 && packet[0] >> 4 == 4 && packet[9] == 6) {
    int above = (packet[0] & 15) * 4;
    above += (packet[above + 12] >> 4) * 4;
    if (above < length) found = has_pattern(packet + above, length - above);
  }
  return nfq_set_verdict(queue, ntohl(header->packet_id), found ? NF_DROP : NF_ACCEPT, 0, NULL);
}

int main(int argc, char **argv) {
  if (argc != 3) return fprintf(stderr, "usage: queue-inspector QUEUE AUTOMATON\n"), 2;
  FILE *file = fopen(argv[2], "rb");
  if (file == NULL || fread(&classes, 4, 1, file) != 1 || fread(&states, 4, 1, file) != 1) fail(argv[2]);
  if (fread(class_of, 2, 256, file) != 256) fail(argv[2]);
  next_state = malloc((size_t)classes * states * 4);
  ends = malloc(states);
  if (fread(next_state, 4, (size_t)classes * states, file) != (size_t)classes * states) fail(argv[2]);
  if (fread(ends, 1, states, file) != states) fail(argv[2]);
  struct nfq_handle *handle = nfq_open();
  if (handle == NULL) fail("nfq_open");
  struct nfq_q_handle *queue = nfq_create_queue(handle, atoi(argv[1]), verdict, NULL);
  if (queue == NULL) fail("nfq_create_queue");
  if (nfq_set_mode(queue, NFQNL_COPY_PACKET, 0xffff) < 0) fail("nfq_set_mode");
  nfq_set_queue_flags(queue, NFQA_CFG_F_GSO, NFQA_CFG_F_GSO);
  nfq_set_queue_maxlen(queue, 4096);
  int fd = nfq_fd(handle), size = 8 << 20;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
  printf("ready\n");
  fflush(stdout);
  static char buffer[0x20000] __attribute__((aligned));
  for (;;) {
    int length = recv(fd, buffer, sizeof buffer, 0);
    if (length > 0) nfq_handle_packet(handle, buffer, length);
    else if (errno != ENOBUFS && errno != EINTR) fail("recv");
  }
}
