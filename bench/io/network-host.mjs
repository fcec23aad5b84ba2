// SPDX-License-Identifier: Apache-2.0
// The other end of benchmark io's network guests: sends so many mebibytes to who asks with `d`, each 32-bit word its place in
// the stream, and takes as many from who asks with `u`, with `y` for an answer if each piece begins as it should. Prints
// the port it listens on; ends with its standard input. Argument: mebibytes.

import { createServer } from 'node:net';

const MEBIBYTE = 1024 * 1024;
const mebibytes = Number(process.argv[2]);

function send(socket) {
  socket.once('end', () => socket.end());
  let mebibyte = 0;
  const more = () => {
    for (; mebibyte < mebibytes; mebibyte++) {
      const first = (mebibyte * MEBIBYTE) / 4;
      if (!socket.write(new Uint8Array(Uint32Array.from({ length: MEBIBYTE / 4 }, (_, n) => first + n).buffer))) {
        mebibyte++;
        return;
      }
    }
    if (mebibyte === mebibytes) socket.end();
  };
  socket.on('drain', more);
  more();
}

function receive(socket, rest) {
  let right = true;
  let length = 0;
  const take = (bytes) => {
    const aligned = (4 - (length % 4)) % 4;
    if (bytes.length >= aligned + 4) right &&= bytes.readUInt32LE(aligned) === (length + aligned) / 4;
    length += bytes.length;
  };
  take(rest);
  socket.on('data', take);
  socket.on('end', () => socket.end(right && length === mebibytes * MEBIBYTE ? 'y' : 'n'));
}

const server = createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  socket.once('data', (bytes) => {
    const direction = String.fromCharCode(bytes[0]);
    if (direction === 'd') send(socket);
    else if (direction === 'u') receive(socket, bytes.subarray(1));
    else socket.end();
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.resume().on('end', () => process.exit());
