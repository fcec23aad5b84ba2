// SPDX-License-Identifier: Apache-2.0
// virtio-net (Virtual I/O Device 1.2, section 5.1): an Ethernet card with one pair of queues, link state and mergeable
// receive buffers. Frames leave at the instruction that hands them over; they enter through two ports, one for frames
// and one for the state of the link. Not modelled: offloads, the control queue (every frame that comes is handed on).

import { assert, type StateReader, type StateWriter, Tap } from '@plinth/core';
import type { InputPort } from '../../inputs.js';
import type { AccessSize } from '../device.js';
import type { DescriptorChain } from './chain.js';
import { readBytes, VIRTIO_FEATURE, type VirtioDevice, type VirtioPort } from './device.js';

const FEATURE = { mtu: 3, mac: 5, mergeableBuffers: 15, status: 16 } as const;
const RECEIVE = 0;
const TRANSMIT = 1;
const QUEUE_SIZE = 256;
/** Of the configuration space: address, status, number of queue pairs, MTU (5.1.4). */
const CONFIGURATION_SIZE = 12;
const LINK_UP = 1;
/** Before each frame (5.1.6); an old driver without mergeable buffers knows no count of buffers at its end. */
const HEADER_SIZE = 12;
const SHORT_HEADER_SIZE = 10;
const BUFFER_COUNT_AT = 10;
const ETHERNET_HEADER = 14;
/** Bytes: the largest MTU, with Ethernet header and VLAN tag. */
export const MAX_FRAME: number = 65535 + ETHERNET_HEADER + 4;

export type PacketDirection = 'in' | 'out';

export interface VirtioNetOptions {
  /** `net0` and so on. Frames enter through the input port of this name, the link's state through `linkPort`. */
  readonly name: string;
  /** 6 bytes. */
  readonly mac: Uint8Array;
  /** Largest packet that the network takes, told to the driver; 1500 if left out. */
  readonly mtu?: number;
  /** The guest has sent a frame; it is only lent. */
  onFrame(frame: Uint8Array): void;
  /** May this frame pass? Asked before it leaves, or before the guest gets it; the frame is only lent. */
  readonly packetHook?: (direction: PacketDirection, frame: Uint8Array) => 'allow' | 'drop';
}

/** Name of the port that takes the state of a card's link, as one byte: 1 for up. */
export function linkPort(card: string): string {
  return `${card}.link`;
}

/** Frames since the card was made; they are no part of its state. */
export interface PacketCounts {
  sent: number;
  received: number;
  /** Refused by the packet hook, too short, or too long for the driver's buffers. */
  dropped: number;
}

export class VirtioNet implements VirtioDevice {
  readonly name: string;
  readonly type: number = 1;
  readonly features: readonly number[];
  readonly queueSizes: readonly number[] = [QUEUE_SIZE, QUEUE_SIZE];
  readonly inputs: readonly (readonly [name: string, port: InputPort])[];
  readonly counts: PacketCounts = { sent: 0, received: 0, dropped: 0 };
  /** Told of each frame that has passed; it is only lent. */
  readonly frames: Tap<[direction: PacketDirection, frame: Uint8Array]> = new Tap();
  readonly #options: VirtioNetOptions;
  readonly #configuration = new Uint8Array(CONFIGURATION_SIZE);
  readonly #frame = new Uint8Array(HEADER_SIZE + MAX_FRAME);
  #port: VirtioPort | undefined;
  /** Chains that were taken and not used; of snapshots of older versions there may be some at the beginning. */
  #held: DescriptorChain[] = [];

  constructor(options: VirtioNetOptions) {
    const { name, mac, mtu } = options;
    assert(mac.length === 6, 'an Ethernet address has 6 bytes');
    this.name = name;
    this.#options = options;
    this.#configuration.set(mac);
    this.#setLink(true);
    const view = new DataView(this.#configuration.buffer);
    view.setUint16(8, 1, true);
    view.setUint16(10, mtu ?? 0, true);
    const { mac: macBit, status, mergeableBuffers, mtu: mtuBit } = FEATURE;
    this.features = [macBit, status, mergeableBuffers, ...(mtu === undefined ? [] : [mtuBit])];
    this.inputs = [
      [name, { receive: (frame) => this.#receive(frame) }],
      [linkPort(name), { receive: (state) => this.#changeLink(state) }],
    ];
  }

  connect(port: VirtioPort): void {
    this.#port = port;
  }

  readConfiguration(offset: number, size: AccessSize): number {
    return readBytes(this.#configuration, offset, size);
  }

  /** Only old drivers without a control queue write here, the address; ours is what it is. */
  writeConfiguration(): void {}

  reset(): void {
    this.#held = [];
  }

  save(writer: StateWriter): void {
    writer.raw(this.#configuration);
    writer.list(this.#held, (chain) => this.#port!.queues[RECEIVE]!.saveChain(writer, chain));
  }

  restore(reader: StateReader): void {
    const configuration = reader.raw(CONFIGURATION_SIZE);
    const same = configuration.every((byte, at) => at === 6 || byte === this.#configuration[at]);
    reader.check(same && configuration[6]! <= LINK_UP, 'a network card with another address or MTU');
    this.#configuration.set(configuration);
    this.#held = reader.list(() => this.#port!.queues[RECEIVE]!.restoreChain(reader));
    const fit = this.#held.every(({ readableLength, writableLength }) => readableLength === 0 && writableLength > 0);
    reader.check(fit, 'a buffer for frames that nothing can be written to');
  }

  get linkUp(): boolean {
    return this.#configuration[6] === LINK_UP;
  }

  /** Has a driver made the queue for what comes? Before that, a card on a wire hears nothing. */
  get listening(): boolean {
    return this.linkUp && this.#port!.queues[RECEIVE]!.enabled;
  }

  #setLink(up: boolean): void {
    this.#configuration[6] = up ? LINK_UP : 0;
  }

  #changeLink(state: Uint8Array): number {
    const up = state[0] === LINK_UP;
    if (up !== this.linkUp) {
      this.#setLink(up);
      this.#port!.configurationChanged();
    }
    return state.length;
  }

  get #headerSize(): number {
    const { version1 } = VIRTIO_FEATURE;
    const long = this.#port!.hasFeature(version1) || this.#port!.hasFeature(FEATURE.mergeableBuffers);
    return long ? HEADER_SIZE : SHORT_HEADER_SIZE;
  }

  notify(index: number): void {
    // New room for frames is found when the next frame comes.
    if (index !== TRANSMIT) return;
    const port = this.#port!;
    const queue = port.queues[TRANSMIT]!;
    const headerSize = this.#headerSize;
    for (let chain = queue.take(); chain !== undefined; chain = queue.take()) {
      const length = chain.readableLength - headerSize;
      if (length < 0 || length > MAX_FRAME) {
        port.fail(length < 0 ? 'a frame to be sent without its header' : `a frame of ${length} bytes`);
        return;
      }
      const frame = this.#frame.subarray(0, length);
      chain.readAt(headerSize, frame);
      if (this.linkUp) this.#transmit(frame);
      queue.give(chain, 0);
    }
    queue.signal();
  }

  #transmit(frame: Uint8Array): void {
    if (frame.length < ETHERNET_HEADER || !this.#allowed('out', frame)) {
      this.counts.dropped++;
      return;
    }
    this.counts.sent++;
    this.frames.tell('out', frame);
    this.#options.onFrame(frame);
  }

  #allowed(direction: PacketDirection, frame: Uint8Array): boolean {
    return this.#options.packetHook === undefined || this.#options.packetHook(direction, frame) === 'allow';
  }

  /** All of a frame, or 0 when the driver has no room for it now: then nothing has changed. */
  #receive(frame: Uint8Array): number {
    const port = this.#port!;
    if (!this.listening || port.isBroken()) return 0;
    const headerSize = this.#headerSize;
    const total = headerSize + frame.length;
    if (frame.length < ETHERNET_HEADER || frame.length > MAX_FRAME) return this.#drop(frame);
    const queue = port.queues[RECEIVE]!;
    const mergeable = port.hasFeature(FEATURE.mergeableBuffers);
    let room = this.#held.reduce((sum, { writableLength }) => sum + writableLength, 0);
    let chains = this.#held.length;
    const enough = (): boolean => (mergeable ? room >= total : chains > 0);
    if (!enough()) {
      for (const { readableLength, writableLength } of queue.ahead()) {
        if (readableLength > 0 || writableLength < headerSize) {
          port.fail('a buffer for frames that is too small, or not to be written to');
          break;
        }
        room += writableLength;
        chains++;
        if (enough()) break;
      }
    }
    // That something is wrong with the queue has come out by this frame, so it has not come in vain.
    if (port.isBroken()) return this.#drop(frame);
    // A frame for which all of the driver's buffers are too small would block those behind it.
    if (!enough()) return chains === queue.size ? this.#drop(frame) : 0;
    if (!mergeable && room < total) return this.#drop(frame);
    if (!this.#allowed('in', frame)) return this.#drop(frame);
    while (this.#held.length < chains) this.#held.push(queue.take()!);
    this.#deliver(frame, headerSize, mergeable);
    this.counts.received++;
    this.frames.tell('in', frame);
    return frame.length;
  }

  #drop(frame: Uint8Array): number {
    this.counts.dropped++;
    return frame.length;
  }

  /** Into the held chains, of which there are enough. */
  #deliver(frame: Uint8Array, headerSize: number, mergeable: boolean): void {
    const queue = this.#port!.queues[RECEIVE]!;
    const bytes = this.#frame.subarray(0, headerSize + frame.length);
    bytes.fill(0, 0, headerSize);
    bytes.set(frame, headerSize);
    const used: { chain: DescriptorChain; written: number }[] = [];
    for (let done = 0; done < bytes.length;) {
      const chain = this.#held[used.length]!;
      const written = Math.min(chain.writableLength, bytes.length - done);
      used.push({ chain, written });
      done += written;
    }
    if (headerSize === HEADER_SIZE) {
      const count = mergeable ? used.length : 1;
      bytes[BUFFER_COUNT_AT] = count;
      bytes[BUFFER_COUNT_AT + 1] = count >> 8;
    }
    let from = 0;
    for (const { chain, written } of used) {
      chain.writeAt(0, bytes.subarray(from, from + written));
      queue.give(chain, written);
      from += written;
    }
    this.#held.splice(0, used.length);
    queue.signal();
  }
}
