// SPDX-License-Identifier: Apache-2.0
// The process of the watcher, and how one finds it: one of a user at a time, begun by whoever needs it first, gone when nobody has for a
// while.

import { spawn } from 'node:child_process';
import { closeSync, constants, mkdirSync, openSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { PlinthError } from '@plinth/core';
import { connectTo, listenAt, LOCK, type SystemCalls } from '@plinth/linux';
import { watch } from './watcher.js';

const SOCKET = 'watcher.sock';
const LOCK_FILE = 'watcher.lock';
const TRIES = 250;
const TRY_MILLISECONDS = 20;

/** A short path to a socket in a directory, whatever path that has: sockets take no long ones. */
function socketIn(directory: string): { readonly path: string } & Disposable {
  const fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  return { path: `/proc/self/fd/${fd}/${SOCKET}`, [Symbol.dispose]: () => closeSync(fd) };
}

/**
 * A connected socket, to the watcher that has its files in `directory`, which is begun if there is none.
 * @throws PlinthError `watcher` (host)
 */
export async function connectWatcher(calls: SystemCalls, directory: string): Promise<number> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  using socket = socketIn(directory);
  let fd = connectTo(calls, socket.path);
  for (let left = TRIES; fd < 0 && left > 0; left--) {
    // One that is about to end may have kept another from beginning.
    if (left % 50 === 0) begin(directory);
    await sleep(TRY_MILLISECONDS);
    fd = connectTo(calls, socket.path);
  }
  if (fd >= 0) return fd;
  throw new PlinthError('host', 'watcher', `${directory}: the watcher of workspaces does not begin: try --no-watch`);
}

function begin(directory: string): void {
  const main = fileURLToPath(new URL('watcher-main.js', import.meta.url));
  spawn(process.execPath, [main, directory], { detached: true, stdio: 'ignore', cwd: '/' }).unref();
}

/** Watches until nobody needs it; at once if another one does. */
export async function serveWatcher(calls: SystemCalls, directory: string): Promise<void> {
  const lock = openSync(`${directory}/${LOCK_FILE}`, 'a', 0o600);
  if (calls.flock(lock, LOCK.exclusive | LOCK.nonBlocking) < 0) return;
  using socket = socketIn(directory);
  rmSync(socket.path, { force: true });
  const fd = listenAt(calls, socket.path);
  if (fd < 0) return;
  // Nobody finds it any more while it makes sure that nobody has come meanwhile.
  await watch(calls, fd, () => rmSync(socket.path, { force: true }));
}
