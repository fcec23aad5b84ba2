// SPDX-License-Identifier: Apache-2.0
// What a guest of the image `debian` finds on the host's side, in the network namespace: an HTTP server of a folder, and a
// name server (RFC 1035) that knows one name. Prints a line when it is ready. Arguments: folder, name, address of that name.

import { createSocket } from 'node:dgram';
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { join, normalize } from 'node:path';

const [folder, name, address] = process.argv.slice(2);

const server = createServer((request, response) => {
  const path = decodeURIComponent(new URL(request.url, 'http://host').pathname);
  const file = join(folder, normalize(path));
  const size = statSync(file, { throwIfNoEntry: false })?.size;
  response.writeHead(size === undefined ? 404 : 200, { 'content-length': size ?? 0 });
  if (size === undefined || request.method !== 'GET') response.end();
  else createReadStream(file).pipe(response);
});

const TYPE_A = 1;
const NO_SUCH_NAME = 3;
const names = createSocket('udp4');
names.on('message', (query, { address: from, port }) => {
  // One question, behind a header of 12 bytes: labels, each behind its length, type and class.
  const labels = [];
  let at = 12;
  for (let length = query[at]; length > 0; length = query[at]) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const question = query.subarray(12, at + 5);
  const known = labels.join('.').toLowerCase() === name;
  const answers = known && query.readUInt16BE(at + 1) === TYPE_A ? 1 : 0;
  const header = Buffer.from(query.subarray(0, 12));
  header.writeUInt16BE(0x8180 | (known ? 0 : NO_SUCH_NAME), 2);
  [1, answers, 0, 0].forEach((count, n) => header.writeUInt16BE(count, 4 + 2 * n));
  // The name by a pointer to the question, type A, class IN, a minute, four bytes.
  const record = Buffer.of(0xc0, 12, 0, TYPE_A, 0, 1, 0, 0, 0, 60, 0, 4, ...address.split('.').map(Number));
  names.send(Buffer.concat([header, question, ...(answers === 1 ? [record] : [])]), port, from);
});

names.bind(53, '127.0.0.1', () => server.listen(8080, '127.0.0.1', () => console.log('ready')));
