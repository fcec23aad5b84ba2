// SPDX-License-Identifier: Apache-2.0
// What runs in the containers of the tests: reads a task in JSON from each line, does it, and answers with a line.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { Agent, createServer as createHttp, request } from 'node:http';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds in which whatever comes has come, on the slowest of hosts. */
const PATIENCE = 60_000;

/** What the TCP server has got on each connection, by the port of its sender. */
const received = new Map();
/** Of those that were closed there. */
const gone = new Set();
const state = { load: undefined, socket: undefined };

const TASKS = {
  /** HTTP at 80, datagrams that come back at 53, and a server that keeps what it gets at 7000. */
  async serve() {
    // It gives up no connection by itself: where a rule has dropped that, its last words would be counted as dropped, too, much later.
    const http = createHttp({ headersTimeout: 0, requestTimeout: 0 }, (asked, response) => {
      asked.resume();
      asked.on('end', () => response.end(`you asked for ${asked.url}`));
    });
    http.keepAliveTimeout = 0;
    await new Promise((resolve) => http.listen(80, resolve));
    const echo = createSocket('udp4');
    echo.on('message', (message, { port, address }) => echo.send(message, port, address));
    await new Promise((resolve) => echo.bind(53, resolve));
    const keep = createServer((socket) => {
      const port = socket.remotePort;
      received.set(port, '');
      gone.delete(port);
      socket.on('close', () => gone.add(port));
      socket.on('data', (bytes) => received.set(port, received.get(port) + bytes.toString('latin1')));
      socket.on('error', () => undefined);
    });
    await new Promise((resolve) => keep.listen(7000, resolve));
    return {};
  },

  /** What came from this port at 7000, once that is so many bytes: they may be on their way. */
  async received({ port, bytes }) {
    const text = () => received.get(port) ?? '';
    for (const begun = Date.now(); text().length < bytes && Date.now() - begun < PATIENCE;) await sleep(5);
    return { text: text() };
  },

  /** Whether the last connection from this port at 7000 is closed in time. */
  async gone({ port }) {
    for (const begun = Date.now(); !gone.has(port) && Date.now() - begun < PATIENCE;) await sleep(5);
    return { gone: gone.has(port) };
  },

  /** Requests over a few connections that stay open; those that get no whole answer in time, after they were sent, have failed. */
  async http({ host, path = '/', count = 1, patience = PATIENCE, connections = 4 }) {
    const agent = new Agent({ keepAlive: true, maxSockets: connections });
    const result = { ok: 0, failed: 0 };
    let left = count;
    const worker = async () => {
      while (left-- > 0) result[(await get(agent, host, path, patience)) ? 'ok' : 'failed']++;
    };
    await Promise.all(Array.from({ length: Math.min(count, connections) }, worker));
    agent.destroy();
    return result;
  },

  /** One request: what comes back. */
  fetch: ({ host, path, patience = PATIENCE }) =>
    new Promise((resolve) => {
      const failed = () => resolve({ status: null, body: '' });
      const asked = request({ host, path }, (response) => {
        let body = '';
        response.on('data', (bytes) => (body += bytes));
        response.on('end', () => resolve({ status: response.statusCode, body }));
        response.on('error', failed);
      });
      asked.on('error', failed);
      endSoon(asked, patience);
    }),

  /** Clean requests until `stop`. */
  load({ host }) {
    const agent = new Agent({ keepAlive: true, maxSockets: 4 });
    const load = { ok: 0, failed: 0, over: false };
    const worker = async () => {
      while (!load.over) {
        load[(await get(agent, host, '/clean', PATIENCE)) ? 'ok' : 'failed']++;
        await sleep(2);
      }
    };
    load.done = Promise.all([1, 2, 3, 4].map(worker)).then(() => agent.destroy());
    state.load = load;
    return {};
  },

  async stop() {
    const { load } = state;
    load.over = true;
    await load.done;
    return { ok: load.ok, failed: load.failed };
  },

  /** A datagram: whether it comes back in time. */
  async datagram({ host, text, patience = PATIENCE }) {
    const socket = createSocket('udp4');
    const answer = new Promise((resolve) => socket.once('message', (message) => resolve(message.toString())));
    await new Promise((resolve) => socket.send(text, 53, host, resolve));
    const back = await Promise.race([answer, sleep(patience, null)]);
    socket.close();
    return { back };
  },

  /** A connection to port 7000 that stays open, and what is sent on it. */
  async open({ host }) {
    state.socket = await connected(host);
    return { port: state.socket.localPort };
  },

  async send({ text }) {
    await new Promise((resolve) => state.socket.write(text, resolve));
    await sleep(200);
    return {};
  },

  close() {
    state.socket.resetAndDestroy();
    return {};
  },

  /** Pieces of a text to port 7000, each in a segment of its own; `pause` milliseconds apart, from a port of our own if one is named. */
  async pieces({ host, pieces, pause = 4, from }) {
    const socket = await connected(host, from);
    const port = socket.localPort;
    for (const piece of pieces) {
      await new Promise((resolve) => socket.write(Buffer.from(piece, 'latin1'), resolve));
      await sleep(pause);
    }
    // It may be sent again, and has to be dropped again. With a reset the kernel does not go on with that for minutes.
    await sleep(300);
    socket.resetAndDestroy();
    return { port };
  },
};

/** A connection to port 7000; what becomes of it later does not matter. */
async function connected(host, localPort) {
  const socket = connect({ port: 7000, host, localPort });
  socket.setNoDelay(true);
  await once(socket, 'connect');
  socket.on('error', () => undefined);
  return socket;
}

function get(agent, host, path, patience) {
  return new Promise((resolve) => {
    const asked = request({ agent, host, path }, (response) => {
      let body = '';
      response.on('data', (bytes) => (body += bytes));
      response.on('end', () => resolve(response.statusCode === 200 && body === `you asked for ${path}`));
      response.on('error', () => resolve(false));
    });
    asked.on('error', () => resolve(false));
    endSoon(asked, patience);
  });
}

/** Sends a request, and ends its connection if no whole answer has come so long after that. */
function endSoon(asked, patience) {
  let timer;
  asked.once('finish', () => (timer = setTimeout(() => asked.socket.resetAndDestroy(), patience)));
  asked.once('close', () => clearTimeout(timer));
  asked.end();
}

const answer = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
answer({ ready: true });
for await (const line of createInterface({ input: process.stdin })) {
  const task = JSON.parse(line);
  try {
    answer(await TASKS[task.do](task));
  } catch (error) {
    answer({ error: `${task.do}: ${error.message}` });
  }
}
process.exit(0);
