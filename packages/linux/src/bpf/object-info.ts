// SPDX-License-Identifier: Apache-2.0
// What the kernel tells of an object behind a descriptor (BPF_OBJ_GET_INFO_BY_FD): a struct bpf_link_info, bpf_prog_info or
// bpf_map_info, of which fields are read by their offsets.

import { stringAt } from '@plinth/core';
import type { SystemCalls } from '../system-calls.js';
import { Attribute } from './attribute.js';
import { refusal } from './refusal.js';

const SIZE = 256;

export function objectInfo(calls: SystemCalls, fd: number, what: string): DataView {
  const bytes = new Uint8Array(SIZE);
  const result = new Attribute(calls).u32(0, fd).u32(4, bytes.length).pointer(8, bytes).call('objectInfo');
  if (result < 0) throw refusal(`what ${what} is`, -result);
  return new DataView(bytes.buffer);
}

export interface ProgramInfo {
  readonly id: number;
  readonly name: string;
  /** Instructions that the verifier read. */
  readonly verified: number;
}

export function programInfo(calls: SystemCalls, fd: number): ProgramInfo {
  const view = objectInfo(calls, fd, 'a program');
  const bytes = new Uint8Array(view.buffer);
  return { id: view.getUint32(4, true), name: stringAt(bytes, 64), verified: view.getUint32(216, true) };
}
