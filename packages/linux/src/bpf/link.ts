// SPDX-License-Identifier: Apache-2.0
// A program at its place in the network: a link. It lasts as long as a descriptor is open or its pin is in a BPF file system, so
// a pinned one outlives the process. TCX since Linux 6.6, links of XDP since 5.9.

import type { Result, SystemCalls } from '../system-calls.js';
import { Attribute } from './attribute.js';
import type { KernelProgram } from './kernel-program.js';
import { objectInfo } from './object-info.js';
import { openPinned, pin } from './pins.js';
import { refusal } from './refusal.js';

/** By their numbers in enum bpf_attach_type. */
const ATTACH = { xdp: 37, ingress: 46, egress: 47 } as const;

/** `ingress` and `egress` as tcx has them: what the interface receives, and what is sent by it. */
export type Place = keyof typeof ATTACH;

/** XDP_FLAGS: in the driver, or behind it, where every interface has it. */
const XDP_MODE = { driver: 4, generic: 2 } as const;

export interface LinkOptions {
  /** Of XDP; the kernel chooses if it is left out. */
  readonly mode?: keyof typeof XDP_MODE;
}

export interface LinkInfo {
  readonly id: number;
  /** Identifier of its program. */
  readonly program: number;
  /** Of the interface; 0 once that is gone. */
  readonly interface: number;
  readonly place: Place | undefined;
}

/** enum bpf_link_type. */
const LINK_TYPE = { xdp: 6, tcx: 11 } as const;

/** The descriptor of a link of a program to an interface of this thread's namespace, or a negative error number. */
export function linkCreate(
  calls: SystemCalls,
  program: number,
  interfaceIndex: number,
  place: Place,
  { mode }: LinkOptions = {},
): Result {
  return new Attribute(calls)
    .u32(0, program)
    .u32(4, interfaceIndex)
    .u32(8, ATTACH[place])
    .u32(12, mode === undefined ? 0 : XDP_MODE[mode])
    .call('linkCreate');
}

export class Link implements Disposable {
  readonly fd: number;
  readonly #calls: SystemCalls;

  private constructor(calls: SystemCalls, fd: number) {
    this.#calls = calls;
    this.fd = fd;
  }

  /** @throws PlinthError `host` where the kernel refuses it */
  static attach(
    calls: SystemCalls,
    program: KernelProgram,
    interfaceIndex: number,
    place: Place,
    options: LinkOptions = {},
  ): Link {
    const fd = linkCreate(calls, program.fd, interfaceIndex, place, options);
    if (fd < 0) throw refusal(`program ${program.program.name} at ${place} of interface ${interfaceIndex}`, -fd);
    return new Link(calls, fd);
  }

  /** The link behind a descriptor of this process, which it takes over. */
  static of(calls: SystemCalls, fd: number): Link {
    return new Link(calls, fd);
  }

  /** The one that is pinned there; undefined if there is none. */
  static pinned(calls: SystemCalls, path: string): Link | undefined {
    const fd = openPinned(calls, path);
    return fd === undefined ? undefined : new Link(calls, fd);
  }

  /** From the next packet on the other program is run. */
  replace({ fd }: Pick<KernelProgram, 'fd'>): void {
    const result = new Attribute(this.#calls).u32(0, this.fd).u32(4, fd).call('linkUpdate');
    if (result < 0) throw refusal('a program in place of another', -result);
  }

  pin(path: string): void {
    pin(this.#calls, this.fd, path);
  }

  info(): LinkInfo {
    const view = objectInfo(this.#calls, this.fd, 'a link');
    const type = view.getUint32(0, true);
    const attached = view.getUint32(20, true);
    const place =
      type === LINK_TYPE.xdp
        ? 'xdp'
        : type === LINK_TYPE.tcx
          ? attached === ATTACH.ingress
            ? 'ingress'
            : 'egress'
          : undefined;
    return {
      id: view.getUint32(4, true),
      program: view.getUint32(8, true),
      interface: view.getUint32(16, true),
      place,
    };
  }

  /** Takes the program away from its place, whoever else has the link open or pinned. */
  detach(): void {
    const result = new Attribute(this.#calls).u32(0, this.fd).call('linkDetach');
    if (result < 0) throw refusal('detaching a program', -result);
  }

  [Symbol.dispose](): void {
    this.#calls.close(this.fd);
  }
}
