// SPDX-License-Identifier: Apache-2.0
// What a program sees of a kernel when there is none: its maps, the packet and its context, and the helper functions. The
// interpreter and the compiler to WebAssembly share it, so a program gives the same answers on both.

import { assert, PlinthError } from '@plinth/core';
import type { HelperName } from '../helpers.js';
import { type Instruction, PSEUDO, STACK_SIZE } from '../instruction.js';
import type { MapDefinition, Program } from '../program.js';
import { createMap, RingBuffer, type SimulatedMap } from './maps.js';
import { SimulatedMemory } from './memory.js';

/** A frame as a program meets it. */
export interface Packet {
  /** From the Ethernet header on; at most `MOST_PACKET` bytes. */
  readonly frame: Uint8Array;
  /** Bytes that lie where a program can read them without a helper; all of them if left out. */
  readonly linear?: number;
  /** Number of the network interface. */
  readonly interface?: number;
  /** A tag that the card has taken out of the frame: its EtherType and its control information. */
  readonly vlan?: { readonly protocol: number; readonly control: number };
  /** What `ktime_get_ns` says, nanoseconds. */
  readonly time?: bigint;
}

/** Bytes: what segmentation offload can make of one, and its headers. */
export const MOST_PACKET = 0x1_0100;

/** Offsets of struct __sk_buff and of struct xdp_md (include/uapi/linux/bpf.h). */
const SKB = {
  size: 192,
  len: 0,
  protocol: 16,
  vlanPresent: 20,
  vlanTci: 24,
  vlanProto: 28,
  ingress: 36,
  interface: 40,
};
const SKB_DATA = 76;
const XDP = { size: 24, data: 0, dataEnd: 4, ingress: 12 };

const EFAULT = -14;

export class Environment {
  readonly program: Program;
  readonly memory: SimulatedMemory = new SimulatedMemory();
  readonly maps: ReadonlyMap<string, SimulatedMap>;
  /** The program with the addresses of its maps. */
  readonly instructions: readonly Instruction[];
  /** Address of the context: what R1 is at the start. */
  readonly context: number;
  /** Address behind the stack: what R10 is. */
  readonly frame: number;
  readonly #handles = new Map<number, SimulatedMap>();
  /** Room in ring buffers that is not submitted yet, by its address. */
  readonly #reserved = new Map<number, RingBuffer>();
  readonly #packet: number;
  #length = 0;
  #time = 0n;
  #random = 0x2545_f491;

  constructor(program: Program) {
    this.program = program;
    this.maps = new Map(program.maps.map((map) => [map.name, createMap(map, this.memory)]));
    this.instructions = this.#resolve();
    this.frame = this.memory.allocate(STACK_SIZE) + STACK_SIZE;
    this.context = this.memory.allocate(program.type === 'xdp' ? XDP.size : SKB.size);
    this.#packet = this.memory.allocate(MOST_PACKET);
  }

  #resolve(): Instruction[] {
    const instructions = [...this.program.instructions];
    for (const { instruction, map, valueOffset } of this.program.references) {
      const target = this.maps.get(map);
      assert(target !== undefined, `${map} is a map of the program`);
      let address: number;
      if (valueOffset === undefined) {
        address = this.memory.allocate(8);
        this.#handles.set(address, target);
      } else {
        address = target.lookup(new Uint8Array(4)) + valueOffset;
      }
      instructions[instruction] = { ...instructions[instruction]!, source: PSEUDO.none, immediate: address | 0 };
      instructions[instruction + 1] = { ...instructions[instruction + 1]!, immediate: 0 };
    }
    return instructions;
  }

  map(definition: MapDefinition): SimulatedMap {
    const map = this.maps.get(definition.name);
    assert(map !== undefined, `${definition.name} is a map of the program`);
    return map;
  }

  /** What has been put into a ring buffer since the last time. */
  take(definition: MapDefinition): Uint8Array[] {
    const map = this.map(definition);
    assert(map instanceof RingBuffer, `${definition.name} is a ring buffer`);
    return map.take();
  }

  /** Puts a packet where the program finds it. */
  present(packet: Packet): void {
    const { frame, interface: at = 1, vlan, time = 0n } = packet;
    if (frame.length > MOST_PACKET) {
      throw new PlinthError(
        'input',
        'packet-size',
        `a packet of ${frame.length} bytes; at most ${MOST_PACKET} are one`,
      );
    }
    const linear = Math.min(frame.length, packet.linear ?? frame.length);
    this.#length = frame.length;
    this.#time = time;
    this.memory.bytes(this.#packet, frame.length).set(frame);
    this.memory.shorten(this.#packet, linear);
    const { view } = this.memory;
    const set = (offset: number, value: number): void => view.setUint32(this.context + offset, value, true);
    if (this.program.type === 'xdp') {
      set(XDP.data, this.#packet);
      set(XDP.dataEnd, this.#packet + linear);
      set(XDP.ingress, at);
      return;
    }
    this.memory.bytes(this.context, SKB.size).fill(0);
    set(SKB.len, frame.length);
    // Of the frame, in network order, as in sk_buff.
    if (frame.length >= 14) set(SKB.protocol, frame[12]! | (frame[13]! << 8));
    if (vlan !== undefined) {
      set(SKB.vlanPresent, 1);
      set(SKB.vlanTci, vlan.control);
      set(SKB.vlanProto, ((vlan.protocol & 0xff) << 8) | (vlan.protocol >> 8));
    }
    set(SKB.ingress, at);
    set(SKB.interface, at);
    set(SKB_DATA, this.#packet);
    set(SKB_DATA + 4, this.#packet + linear);
  }

  /**
   * A helper function with the lower halves of R1 to R4; gives R0. An address that is not the program's is a typed error:
   * the verifier would have refused the program.
   */
  call(name: HelperName, a: number, b: number, c: number, d: number): number | bigint {
    switch (name) {
      case 'mapLookup': {
        const map = this.#mapAt(a);
        return map.lookup(this.#argument(b, map.definition.keySize));
      }
      case 'mapUpdate': {
        const map = this.#mapAt(a);
        const { keySize, valueSize } = map.definition;
        return map.update(this.#argument(b, keySize).slice(), this.#argument(c, valueSize).slice(), d);
      }
      case 'mapDelete': {
        const map = this.#mapAt(a);
        return map.delete(this.#argument(b, map.definition.keySize));
      }
      case 'ktimeGetNs':
      case 'ktimeGetCoarseNs':
        return this.#time;
      case 'getSmpProcessorId':
        return 0;
      case 'getPrandomU32':
        this.#random ^= this.#random << 13;
        this.#random ^= this.#random >>> 17;
        this.#random ^= this.#random << 5;
        return this.#random >>> 0;
      case 'xdpBufferLength':
        return this.#length;
      case 'skbLoadBytes':
      case 'xdpLoadBytes':
        return this.#loadBytes(b, c, d);
      case 'ringbufOutput': {
        const map = this.#mapAt(a);
        assert(map instanceof RingBuffer, `${map.definition.name} is a ring buffer`);
        return map.output(this.#argument(b, c));
      }
      case 'ringbufReserve': {
        const map = this.#mapAt(a);
        assert(map instanceof RingBuffer, `${map.definition.name} is a ring buffer`);
        const address = map.reserve(b, this.memory);
        if (address !== 0) this.#reserved.set(address, map);
        return address;
      }
      case 'ringbufSubmit': {
        const map = this.#reserved.get(a);
        if (map === undefined) throw new PlinthError('input', 'ebpf-argument', `0x${a.toString(16)} was not reserved`);
        this.#reserved.delete(a);
        map.submit(a, this.memory);
        return 0;
      }
      // Here are packets, and no processes.
      case 'getCurrentPidTgid':
      case 'getCurrentComm':
      case 'getCurrentCgroupId':
      case 'probeReadUser':
      case 'probeReadKernel':
      case 'probeReadUserStr':
        throw new PlinthError('input', 'ebpf-helper', `helper ${name} needs a kernel: it is of processes`);
    }
  }

  #loadBytes(offset: number, to: number, size: number): number {
    const into = this.#argument(to, size);
    if (offset + size > this.#length) {
      // As bpf_skb_load_bytes does it.
      into.fill(0);
      return EFAULT;
    }
    into.set(this.memory.bytes(this.#packet + offset, size));
    return 0;
  }

  #mapAt(address: number): SimulatedMap {
    const map = this.#handles.get(address);
    if (map === undefined) throw new PlinthError('input', 'ebpf-argument', `0x${address.toString(16)} is no map`);
    return map;
  }

  #argument(address: number, size: number): Uint8Array {
    if (!this.memory.holds(address, size)) {
      throw new PlinthError(
        'input',
        'ebpf-access',
        `a helper function is given ${size} bytes at 0x${address.toString(16)}, which the program does not have`,
      );
    }
    return this.memory.bytes(address, size);
  }
}
