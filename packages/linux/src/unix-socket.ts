// SPDX-License-Identifier: Apache-2.0
// Sockets with a path, over which descriptors are passed: Node's own cannot receive those (unix(7), cmsg(3)).

import { PlinthError } from '@plinth/core';
import type { Result, SystemCalls } from './system-calls.js';

const UNIX = 1;
const STREAM = 1;
const CLOSE_ON_EXEC = 0x8_0000;
const NON_BLOCKING = 0x800;
const LONGEST_PATH = 107;
const BACKLOG = 64;
/** struct msghdr, one struct iovec, and a control message with one descriptor. */
const MESSAGE = { size: 56, vectors: 16, vectorCount: 24, control: 32, controlSize: 40 } as const;
const CONTROL_SIZE = 24;
const CONTROL_DATA = 16;
const SOCKET_LEVEL = 1;
const RIGHTS = 1;
const RECEIVE_CLOSE_ON_EXEC = 0x4000_0000;

function address(path: string): Uint8Array {
  const bytes = Buffer.from(path);
  if (bytes.length > LONGEST_PATH) {
    throw new PlinthError('input', 'socket-path', `${path}: a path of a socket has ${LONGEST_PATH} bytes at most`);
  }
  const result = new Uint8Array(2 + bytes.length + 1);
  new DataView(result.buffer).setUint16(0, UNIX, true);
  result.set(bytes, 2);
  return result;
}

/** A socket that others connect to, or a negative error number. Whoever waits for it polls. */
export function listenAt(calls: SystemCalls, path: string): Result {
  const fd = calls.socket(UNIX, STREAM | CLOSE_ON_EXEC | NON_BLOCKING, 0);
  if (fd < 0) return fd;
  const bound = calls.bind(fd, address(path));
  const result = bound < 0 ? bound : calls.listen(fd, BACKLOG);
  if (result >= 0) return fd;
  calls.close(fd);
  return result;
}

export function connectTo(calls: SystemCalls, path: string): Result {
  const fd = calls.socket(UNIX, STREAM | CLOSE_ON_EXEC, 0);
  if (fd < 0) return fd;
  const result = calls.connect(fd, address(path));
  if (result >= 0) return fd;
  calls.close(fd);
  return result;
}

/** A control message that passes the descriptor whose number (4 bytes) is written at `CONTROL_DATA`. */
function controlMessage(): Uint8Array {
  const control = new Uint8Array(CONTROL_SIZE);
  const view = new DataView(control.buffer);
  view.setBigUint64(0, BigInt(CONTROL_DATA + 4), true);
  view.setInt32(8, SOCKET_LEVEL, true);
  view.setInt32(12, RIGHTS, true);
  return control;
}

export interface Received {
  /** None at the end of the connection. */
  readonly bytes: Uint8Array;
  readonly descriptor?: number;
}

/** What has come, of at most `room` bytes, with one descriptor at most. */
export function receiveWithDescriptor(calls: SystemCalls, fd: number, room: number): Received | Result {
  const [data, control] = [new Uint8Array(room), controlMessage()];
  const [vector, message] = [new Uint8Array(16), new Uint8Array(MESSAGE.size)];
  const vectorView = new DataView(vector.buffer);
  vectorView.setBigUint64(0, calls.address(data), true);
  vectorView.setBigUint64(8, BigInt(room), true);
  const view = new DataView(message.buffer);
  view.setBigUint64(MESSAGE.vectors, calls.address(vector), true);
  view.setBigUint64(MESSAGE.vectorCount, 1n, true);
  view.setBigUint64(MESSAGE.control, calls.address(control), true);
  view.setBigUint64(MESSAGE.controlSize, BigInt(CONTROL_SIZE), true);
  const length = calls.recvmsg(fd, message, RECEIVE_CLOSE_ON_EXEC);
  if (length < 0) return length;
  const bytes = data.subarray(0, length);
  const passed = view.getBigUint64(MESSAGE.controlSize, true) >= BigInt(CONTROL_DATA + 4);
  return passed ? { bytes, descriptor: new DataView(control.buffer).getInt32(CONTROL_DATA, true) } : { bytes };
}

/** Where the number of a descriptor is written in the structure that `passedDescriptor` gives. */
export const DESCRIPTOR_AT: number = CONTROL_DATA;

/** A control message for one descriptor, as sendmsg(2) takes it. */
export function passedDescriptor(): Uint8Array {
  return controlMessage();
}

/** A struct iovec for bytes at an address. */
export function ioVector(address: number, length: number): Uint8Array {
  const vector = new Uint8Array(16);
  const view = new DataView(vector.buffer);
  view.setBigUint64(0, BigInt(address), true);
  view.setBigUint64(8, BigInt(length), true);
  return vector;
}

/** A struct msghdr of one vector and a control message for one descriptor, by their addresses. */
export function messageHeader(vector: number, control: number): Uint8Array {
  const message = new Uint8Array(MESSAGE.size);
  const view = new DataView(message.buffer);
  view.setBigUint64(MESSAGE.vectors, BigInt(vector), true);
  view.setBigUint64(MESSAGE.vectorCount, 1n, true);
  view.setBigUint64(MESSAGE.control, BigInt(control), true);
  view.setBigUint64(MESSAGE.controlSize, BigInt(CONTROL_SIZE), true);
  return message;
}
