// SPDX-License-Identifier: Apache-2.0
// Servers of a host: on all of its addresses, loopback included. Each answers with what it is and what it was sent, and writes that it was
// reached into the file that is given, before it answers.

import { createSocket } from 'node:dgram';
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:net';

const TCP_PORTS = [8080, 8081];
const UDP_PORTS = [53, 8080];

const tell = (what) => appendFileSync(process.argv[2], `${what}\n`);

function serve(what, place) {
  const server = createServer((socket) => {
    tell(what);
    socket.on('error', () => undefined);
    socket.on('data', (data) => socket.end(`${what}: ${data.toString()}`));
  });
  return new Promise((resolve) => server.listen(place, resolve));
}

function answer(port) {
  const socket = createSocket({ type: 'udp6', ipv6Only: false });
  const known = new Set();
  socket.on('message', (data, from) => {
    // Who waits long for an answer sends again.
    const sender = `${from.address} ${from.port}`;
    if (!known.has(sender)) tell(`udp ${port}`);
    known.add(sender);
    socket.send(`udp ${port}: ${data.toString()}`, from.port, from.address);
  });
  return new Promise((resolve) => socket.bind(port, '::', resolve));
}

await Promise.all([
  ...TCP_PORTS.map((port) => serve(`tcp ${port}`, { port, host: '::' })),
  ...UDP_PORTS.map(answer),
  serve('abstract', { path: '\0plinth-outside' }),
]);
process.stdout.write('begun\n');
