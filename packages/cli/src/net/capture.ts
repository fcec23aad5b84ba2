// SPDX-License-Identifier: Apache-2.0
// Captures of frames: pcap with nanoseconds, or, for a name that ends in `.pcapng`, pcapng with directions. A time is the
// machine's: its clock at power-on plus virtual time, so that the same run gives the same capture. Records are written
// whole and at the end of each slice, so a capture can be read whenever the process dies.

import { closeSync, openSync, writeSync } from 'node:fs';
import { PlinthError } from '@plinth/core';
import { reasonOf } from '../host/reason.js';
import type { PacketDirection } from '@plinth/machine';

const ETHERNET = 1;
const SNAP_LENGTH = 262_144;
/** Bytes that are written at once even within a slice. */
const MAX_BUFFERED = 1024 * 1024;

const SECTION_HEADER = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION = 1;
const ENHANCED_PACKET = 6;
/** Options of pcapng's blocks. */
const OPTION = { end: 0, interfaceName: 2, packetFlags: 2, application: 4, timeResolution: 9 } as const;

interface CaptureFormat {
  header(): Buffer;
  /** `time`: nanoseconds since 1970. */
  record(direction: PacketDirection, time: bigint, frame: Uint8Array): Buffer[];
}

export class Capture implements Disposable {
  readonly #path: string;
  readonly #fd: number;
  readonly #format: CaptureFormat;
  readonly #trouble: (message: string) => void;
  #pieces: Uint8Array[] = [];
  #size: number = 0;
  #failed: boolean = false;

  /** `trouble` hears, once, that nothing more can be written. */
  constructor(path: string, trouble: (message: string) => void) {
    this.#path = path;
    this.#trouble = trouble;
    this.#format = path.endsWith('.pcapng') ? PCAPNG : PCAP;
    try {
      this.#fd = openSync(path, 'w', 0o600);
    } catch (cause) {
      const message = `pcap: ${path}: cannot be written: ${reasonOf(cause)}`;
      throw new PlinthError('input', 'pcap', message, { cause });
    }
    this.#keep([this.#format.header()]);
    this.flush();
  }

  /** `time`: nanoseconds since 1970. */
  add(direction: PacketDirection, time: bigint, frame: Uint8Array): void {
    this.#keep(this.#format.record(direction, time, frame));
    if (this.#size > MAX_BUFFERED) this.flush();
  }

  #keep(pieces: readonly Buffer[]): void {
    if (this.#failed) return;
    this.#pieces.push(...pieces);
    this.#size += pieces.reduce((sum, { length }) => sum + length, 0);
  }

  flush(): void {
    if (this.#size === 0) return;
    const bytes = Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#size = 0;
    try {
      for (let done = 0; done < bytes.length;) done += writeSync(this.#fd, bytes, done);
    } catch (cause) {
      this.#failed = true;
      this.#trouble(`pcap: ${this.#path}: the capture ends here: ${reasonOf(cause)}`);
    }
  }

  [Symbol.dispose](): void {
    this.flush();
    closeSync(this.#fd);
  }
}

const NANOSECONDS = 1_000_000_000n;

const PCAP: CaptureFormat = {
  header() {
    const bytes = Buffer.alloc(24);
    bytes.writeUInt32LE(0xa1b2_3c4d, 0);
    bytes.writeUInt16LE(2, 4);
    bytes.writeUInt16LE(4, 6);
    bytes.writeUInt32LE(SNAP_LENGTH, 16);
    bytes.writeUInt32LE(ETHERNET, 20);
    return bytes;
  },
  record(_direction, time, frame) {
    const head = Buffer.alloc(16);
    head.writeUInt32LE(Number((time / NANOSECONDS) & 0xffff_ffffn), 0);
    head.writeUInt32LE(Number(time % NANOSECONDS), 4);
    head.writeUInt32LE(frame.length, 8);
    head.writeUInt32LE(frame.length, 12);
    return [head, Buffer.from(frame)];
  },
};

/** IETF draft-ietf-opsawg-pcapng. */
const PCAPNG: CaptureFormat = {
  header() {
    const section = Buffer.alloc(16);
    section.writeUInt32LE(0x1a2b_3c4d, 0);
    section.writeUInt16LE(1, 4);
    section.fill(0xff, 8);
    const card = Buffer.alloc(8);
    card.writeUInt16LE(ETHERNET, 0);
    card.writeUInt32LE(SNAP_LENGTH, 4);
    return Buffer.concat([
      block(SECTION_HEADER, [section, option(OPTION.application, Buffer.from('plinth')), option(OPTION.end)]),
      block(INTERFACE_DESCRIPTION, [
        card,
        option(OPTION.interfaceName, Buffer.from('net0')),
        option(OPTION.timeResolution, Buffer.of(9)),
        option(OPTION.end),
      ]),
    ]);
  },
  record(direction, time, frame) {
    const head = Buffer.alloc(20);
    head.writeUInt32LE(Number(time >> 32n), 4);
    head.writeUInt32LE(Number(time & 0xffff_ffffn), 8);
    head.writeUInt32LE(frame.length, 12);
    head.writeUInt32LE(frame.length, 16);
    // Bits 1:0 of the flags; as the guest sees it.
    const flags = option(OPTION.packetFlags, Buffer.of(direction === 'in' ? 1 : 2, 0, 0, 0));
    return [block(ENHANCED_PACKET, [head, padded(frame), flags, option(OPTION.end)])];
  },
};

function block(type: number, parts: readonly Uint8Array[]): Buffer {
  const size = 12 + parts.reduce((sum, { length }) => sum + length, 0);
  const head = Buffer.alloc(8);
  head.writeUInt32LE(type, 0);
  head.writeUInt32LE(size, 4);
  return Buffer.concat([head, ...parts, head.subarray(4)]);
}

function option(code: number, value: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(code, 0);
  head.writeUInt16LE(value.length, 2);
  return Buffer.concat([head, padded(value)]);
}

/** To a multiple of four bytes. */
function padded(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}
