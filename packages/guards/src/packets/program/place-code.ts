// SPDX-License-Identifier: Apache-2.0
// Where the program runs: at tcx, with a socket buffer as its context, or at XDP, before there is one. The rest of the program is the
// same at both.

import { type Assembler, R0, R1, R6, type Register } from '@plinth/ebpf';

/** What a tcx program answers (enum tcx_action_base); the program works with these at XDP, too. */
export const VERDICT = { next: 0xffff_ffff, drop: 2 } as const;
/** What an XDP program answers (enum xdp_action). */
export const XDP_VERDICT = { next: 2, drop: 1 } as const;

/** `xdp`: what an interface receives, without what segmentation offload has put together on the way. */
export type PacketPlace = 'tcx' | 'xdp';

/** Offsets of struct __sk_buff and of struct xdp_md. */
const SKB = { length: 0, interface: 40 } as const;
const XDP = { interface: 12 } as const;

/** `to` is the length of the frame. Uses R0 to R5 at XDP. */
export function emitFrameLength(a: Assembler, to: Register): void {
  if (a.type === 'xdp') a.mov(R1, R6).call('xdpBufferLength').mov(to, R0);
  else a.load(4, to, R6, SKB.length);
}

/** `to` is the number of the interface. */
export function emitInterface(a: Assembler, to: Register): void {
  a.load(4, to, R6, a.type === 'xdp' ? XDP.interface : SKB.interface);
}

/** Copies R4 bytes from R2 on to R3; R0 is 0 if they are there. R1 is the context. */
export function emitLoadBytes(a: Assembler): Assembler {
  return a.mov(R1, R6).call(a.type === 'xdp' ? 'xdpLoadBytes' : 'skbLoadBytes');
}

/** Ends with the verdict in R0, which is one of `VERDICT`. */
export function emitAnswer(a: Assembler): void {
  if (a.type === 'xdp') {
    const dropped = a.label();
    a.mov(R1, R0).mov(R0, XDP_VERDICT.drop).jumpIf('eq', R1, VERDICT.drop, dropped).mov(R0, XDP_VERDICT.next);
    a.here(dropped);
  }
  a.exit();
}
