// SPDX-License-Identifier: Apache-2.0
// What two ends say to each other, as frames: a handshake, segments that are acknowledged one by one, and an end.

import { FLAG, frameOf } from '../ebpf/build-frame.js';

export interface Said {
  readonly from: 'client' | 'server';
  readonly bytes: Uint8Array;
}

export interface Talk {
  readonly protocol: 'tcp' | 'udp';
  /** By it the talk is known. */
  readonly clientPort: number;
  readonly serverPort: number;
  readonly said: readonly Said[];
}

const [CLIENT, SERVER] = [1, 2] as const;

export function framesOf({ protocol, clientPort, serverPort, said }: Talk): Uint8Array[] {
  const ends = {
    client: { source: CLIENT, destination: SERVER, sourcePort: clientPort, destinationPort: serverPort },
    server: { source: SERVER, destination: CLIENT, sourcePort: serverPort, destinationPort: clientPort },
  } as const;
  if (protocol === 'udp') return said.map(({ from, bytes }) => frameOf({ protocol, ...ends[from], payload: bytes }));
  const next = { client: 1000, server: 5000 };
  const segment = (from: 'client' | 'server', flags: number, payload?: Uint8Array): Uint8Array => {
    const other = from === 'client' ? 'server' : 'client';
    const [sequence, acknowledged] = [next[from], (flags & FLAG.ack) === 0 ? 0 : next[other]];
    next[from] += (payload?.length ?? 0) + ((flags & (FLAG.syn | FLAG.fin)) === 0 ? 0 : 1);
    return frameOf({
      protocol,
      ...ends[from],
      flags,
      sequence,
      acknowledged,
      ...(payload === undefined ? {} : { payload }),
    });
  };
  const frames = [segment('client', FLAG.syn), segment('server', FLAG.syn | FLAG.ack), segment('client', FLAG.ack)];
  for (const { from, bytes } of said) {
    frames.push(segment(from, FLAG.psh | FLAG.ack, bytes));
    frames.push(segment(from === 'client' ? 'server' : 'client', FLAG.ack));
  }
  return [
    ...frames,
    segment('client', FLAG.fin | FLAG.ack),
    segment('server', FLAG.fin | FLAG.ack),
    segment('client', FLAG.ack),
  ];
}
