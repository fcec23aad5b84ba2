// SPDX-License-Identifier: Apache-2.0
// The guest's peer on the host's side: a program of its own, since it runs in another network namespace. Serves random
// bytes at /file, brings /file of the guest's own server through a forwarded port, and says at /fetched whether it has.
// Prints a line for each. Arguments: number of bytes, forwarded port.

import { createHash, randomBytes } from 'node:crypto';
import { createServer, get } from 'node:http';

const [size, forwarded] = process.argv.slice(2).map(Number);
const data = randomBytes(size);
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
let fetched = false;

createServer((request, response) => {
  const missing = request.url === '/fetched' && !fetched;
  response.writeHead(missing ? 404 : 200);
  response.end(request.url === '/file' ? data : '');
}).listen(8080, '127.0.0.1', () => console.log(`offers ${sha256(data)}`));

/** The guest may not listen yet: who forwards takes the connection and drops it then. */
function fetchForwarded() {
  const again = () => setTimeout(fetchForwarded, 200);
  get(`http://127.0.0.1:${forwarded}/file`, { agent: false }, (response) => {
    const pieces = [];
    response.on('data', (bytes) => pieces.push(bytes));
    response.on('error', again);
    response.on('end', () => {
      fetched = response.statusCode === 200;
      if (fetched) console.log(`fetched ${sha256(Buffer.concat(pieces))}`);
      else again();
    });
  }).on('error', again);
}
fetchForwarded();
