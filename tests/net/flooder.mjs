// SPDX-License-Identifier: Apache-2.0
// Sends so many megabytes of datagrams as fast as it can, to whoever does not read them. Arguments: address, port, bytes in a datagram, megabytes.

import { createSocket } from 'node:dgram';

const [address, ...numbers] = process.argv.slice(2);
const [port, size, megabytes] = numbers.map(Number);
const socket = createSocket('udp4');
const datagram = Buffer.alloc(size, 0x55);
let sent = 0;

/** What the kernel refuses for want of room is sent again; what it drops later is lost. */
function send(error) {
  if (!error) sent += size;
  if (sent < megabytes * 1e6) socket.send(datagram, port, address, send);
  else process.exit();
}
for (let n = 0; n < 64; n++) send();
