// SPDX-License-Identifier: Apache-2.0
// virtio-9p (Virtual I/O Device 1.2 has only its ID; QEMU's and Linux' headers have the rest): a shared folder under a
// mount tag. A request is served, in order, at a virtual time that is fixed when the driver hands it over; the answer
// enters through the input port of the device's name, so that a recorded run is repeated without the folder.

import { assert, type StateReader, type StateWriter, utf8 } from '@plinth/core';
import type { AccessSize } from '../../device.js';
import type { DescriptorChain } from '../chain.js';
import { readBytes, type VirtioDevice, type VirtioPort } from '../device.js';
import { TimedRequests } from '../timed-requests.js';
import { HEADER_SIZE, LERROR_SIZE, MESSAGE } from './messages.js';
import { MAX_MESSAGE, P9Server } from './server.js';
import { LINUX_ERRNO, type SharedFolder } from './shared-folder.js';
import { WireReader } from './wire.js';

/** Bytes of a mount tag, as in QEMU. */
export const MAX_MOUNT_TAG = 31;
const FEATURE = { mountTag: 0 } as const;
const QUEUE_SIZE = 128;
/** Of a Tread or Treaddir: header, fid, offset, count. */
const READ_SIZE = 23;
/** Refusals that the host's user should know of. */
const TROUBLE: ReadonlyMap<number, string> = new Map([
  [LINUX_ERRNO.ENOSPC, 'the host’s disk is full'],
  [LINUX_ERRNO.EDQUOT, 'the disk quota on the host is used up'],
  [LINUX_ERRNO.EIO, 'the host could not read or write it'],
]);

export interface Virtio9pOptions {
  /** `share0` and so on; also the input port that answers enter through. */
  readonly name: string;
  /** What the guest mounts: 1 to 31 bytes of UTF-8. */
  readonly tag: string;
  readonly folder: SharedFolder;
}

export class Virtio9p implements VirtioDevice {
  readonly name: string;
  readonly type: number = 9;
  readonly features: readonly number[] = [FEATURE.mountTag];
  readonly queueSizes: readonly number[] = [QUEUE_SIZE];
  readonly #server: P9Server;
  readonly #configuration: Uint8Array;
  readonly #message = new Uint8Array(MAX_MESSAGE);
  #port: VirtioPort | undefined;
  #requests: TimedRequests<{ readonly chain: DescriptorChain }> | undefined;

  constructor(options: Virtio9pOptions) {
    const tag = utf8(options.tag);
    assert(tag.length >= 1 && tag.length <= MAX_MOUNT_TAG, 'a mount tag has 1 to 31 bytes');
    this.name = options.name;
    this.#server = new P9Server(options.folder);
    this.#configuration = Uint8Array.of(tag.length, 0, ...tag);
  }

  connect(port: VirtioPort): void {
    this.#port = port;
    this.#requests = new TimedRequests(port, ({ chain }) => {
      port.queues[0]!.give(chain, chain.writeAt(0, this.#serve(chain)));
    });
  }

  readConfiguration(offset: number, size: AccessSize): number {
    return readBytes(this.#configuration, offset, size);
  }

  writeConfiguration(): void {}

  reset(): void {
    this.#requests!.reset();
    this.#server.clear();
  }

  /** What is in the folder is not in it; open files are saved by their paths. */
  save(writer: StateWriter): void {
    writer.bytes(this.#configuration);
    this.#server.fids.save(writer);
    this.#requests!.save(writer, () => undefined);
  }

  restore(reader: StateReader): void {
    this.#server.clear();
    const configuration = reader.bytes();
    const same = configuration.length === this.#configuration.length;
    reader.check(same && configuration.every((byte, at) => byte === this.#configuration[at]), 'another mount tag');
    this.#server.fids.restore(reader, MAX_MESSAGE);
    this.#requests!.restore(reader, (chain) => {
      reader.check(isUsable(chain), 'a request that is too short or too long');
      return { chain };
    });
  }

  notify(): void {
    const port = this.#port!;
    const queue = port.queues[0]!;
    for (let chain = queue.take(); chain !== undefined; chain = queue.take()) {
      if (!isUsable(chain)) {
        port.fail('a 9P message that is too short or too long, or leaves no room for its answer');
        return;
      }
      this.#requests!.add({ chain }, bytesMoved(chain));
    }
    this.#requests!.schedule();
  }

  #serve(chain: DescriptorChain): Uint8Array {
    const port = this.#port!;
    const message = this.#messageOf(chain);
    const room = Math.min(chain.writableLength, MAX_MESSAGE);
    const answer = port.answer(this.name, () => this.#server.serve(message, room));
    this.#server.follow(message, answer);
    const reader = new WireReader(answer, 4);
    const failed = reader.u8() === MESSAGE.lerror + 1;
    reader.u16();
    const trouble = failed ? TROUBLE.get(reader.u32()) : undefined;
    if (trouble !== undefined) port.hostTrouble(`${this.name}: ${trouble}`);
    return answer;
  }

  /** What it says of its size holds, not the size of its buffers. */
  #messageOf(chain: DescriptorChain): Uint8Array {
    const bytes = this.#message.subarray(0, chain.readableLength);
    chain.readAt(0, bytes);
    const size = new WireReader(bytes).u32();
    return size >= HEADER_SIZE && size <= bytes.length ? bytes.subarray(0, size) : bytes;
  }
}

function isUsable({ readableLength, writableLength }: DescriptorChain): boolean {
  return readableLength >= HEADER_SIZE && readableLength <= MAX_MESSAGE && writableLength >= LERROR_SIZE;
}

/** Bytes that a request moves between guest and folder, for its time. */
function bytesMoved(chain: DescriptorChain): number {
  const head = new Uint8Array(READ_SIZE);
  const reader = new WireReader(head.subarray(0, chain.readAt(0, head)), 4);
  const type = reader.u8();
  if (type !== MESSAGE.read && type !== MESSAGE.readdir) return chain.readableLength;
  for (let word = 0; word < 3; word++) reader.u32();
  reader.u16();
  return chain.readableLength + Math.min(reader.u32(), chain.writableLength, MAX_MESSAGE);
}
