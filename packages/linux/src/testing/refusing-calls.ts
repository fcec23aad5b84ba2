// SPDX-License-Identifier: Apache-2.0
// A kernel that refuses everything: what fakes of tests begin with.

import { ERROR, type Result, type SystemCalls } from '../system-calls.js';

export class RefusingCalls implements SystemCalls {
  /** With which error number. */
  protected readonly error: number;

  constructor(error: number = ERROR.EPERM) {
    this.error = error;
  }

  open(_path: string, _flags: number): Result {
    return -this.error;
  }
  close(_fd: number): Result {
    return -this.error;
  }
  ioctl(_fd: number, _request: number, _argument: Uint8Array): Result {
    return -this.error;
  }
  read(_fd: number, _into: Uint8Array): Result {
    return -this.error;
  }
  write(_fd: number, _from: Uint8Array): Result {
    return -this.error;
  }
  eventfd(_count: number, _flags: number): Result {
    return -this.error;
  }
  socket(_domain: number, _type: number, _protocol: number): Result {
    return -this.error;
  }
  socketpair(_domain: number, _type: number, _descriptors: Uint8Array): Result {
    return -this.error;
  }
  bind(_fd: number, _address: Uint8Array): Result {
    return -this.error;
  }
  listen(_fd: number, _backlog: number): Result {
    return -this.error;
  }
  accept(_fd: number): Result {
    return -this.error;
  }
  connect(_fd: number, _address: Uint8Array): Result {
    return -this.error;
  }
  recvmsg(_fd: number, _message: Uint8Array, _flags: number): Result {
    return -this.error;
  }
  setsockopt(_fd: number, _level: number, _option: number, _value: Uint8Array): Result {
    return -this.error;
  }
  fcntl(_fd: number, _command: number, _lock: Uint8Array): Result {
    return -this.error;
  }
  pidfdOpen(_pid: number): Result {
    return -this.error;
  }
  setns(_fd: number, _type: number): Result {
    return -this.error;
  }
  unshare(_types: number): Result {
    return -this.error;
  }
  mount(_source: string, _target: string, _type: string, _flags: number, _data: string): Result {
    return -this.error;
  }
  unmount(_target: string): Result {
    return -this.error;
  }
  fanotifyInit(_flags: number, _eventFlags: number): Result {
    return -this.error;
  }
  fanotifyMark(_fd: number, _flags: number, _mask: number, _path: string): Result {
    return -this.error;
  }
  execve(_path: string, _args: readonly string[], _environment: readonly string[]): Result {
    return -this.error;
  }
  handOver(_fd: number): Result {
    return -this.error;
  }
  flock(_fd: number, _operation: number): Result {
    return -this.error;
  }
  interfaceIndex(_name: string): number {
    return 0;
  }
  bpf(_command: number, _attribute: Uint8Array): Result {
    return -this.error;
  }
  mmap(_fd: number, _offset: number, _length: number, _writable: boolean): Uint8Array | Result {
    return -this.error;
  }
  munmap(_bytes: Uint8Array): Result {
    return -this.error;
  }
  address(_bytes: Uint8Array): bigint {
    return 1n;
  }
  poll(_descriptors: Uint8Array, _milliseconds: number): Promise<Result> {
    return Promise.resolve(-this.error);
  }
  wait(_descriptors: Uint8Array, _milliseconds: number): Result {
    return -this.error;
  }
}
