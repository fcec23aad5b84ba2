// SPDX-License-Identifier: Apache-2.0
// Frames as nobody should send them: tags, options, extension headers, fragments, lengths that lie, cut anywhere.

import type { Numbers } from './random-program.js';

export function randomFrame(random: Numbers, payload?: Uint8Array): Uint8Array {
  const out: number[] = Array.from({ length: 12 }, () => random.below(256));
  const word = (value: number): void => void out.push((value >> 8) & 255, value & 255);
  const rarely = (): boolean => random.below(12) === 0;
  for (let tags = random.pick([0, 0, 0, 1, 2, 3]); tags > 0; tags--) {
    word(random.pick([0x8100, 0x88a8]));
    word(random.below(0x10000));
  }
  const body = payload ?? Uint8Array.from({ length: random.below(random.pick([4, 60, 400])) }, () => random.below(256));
  const protocol = random.pick([6, 6, 17, 17, 1, 58, 47, 255]);
  const above = transport(random, protocol, body, rarely);
  const kind = random.below(10);
  if (kind === 0) word(random.pick([0x0806, 0x88cc, 0x0800, 0x86dd]));
  else if (kind < 6) {
    word(0x0800);
    const options = random.pick([0, 0, 0, 4, 12, 40]);
    const total = 20 + options + above.length;
    out.push((rarely() ? random.below(16) : 4) * 16 + (rarely() ? random.below(16) : 5 + options / 4), 0);
    word(rarely() ? random.below(0x800) : total);
    word(random.below(0x10000));
    word(fragment(random, rarely));
    out.push(64, protocol);
    word(0);
    for (let n = 0; n < 8 + options; n++) out.push(random.below(256));
    out.push(...above);
  } else {
    word(0x86dd);
    const { bytes, first } = extensions(random, protocol, rarely);
    out.push((rarely() ? random.below(16) : 6) * 16, 0, 0, 0);
    word(rarely() ? random.below(0x800) : bytes.length + above.length);
    out.push(first, 64);
    for (let n = 0; n < 32; n++) out.push(random.below(256));
    out.push(...bytes, ...above);
  }
  // Padding, or an end too early.
  for (let n = random.pick([0, 0, 6]); n > 0; n--) out.push(0);
  return Uint8Array.from(rarely() ? out.slice(0, Math.max(14, random.below(out.length))) : out);
}

function fragment(random: Numbers, rarely: () => boolean): number {
  if (!rarely()) return random.pick([0, 0x4000]);
  return random.pick([0x2000, random.below(0x2000), 0x2000 | random.below(0x2000)]);
}

function transport(random: Numbers, protocol: number, body: Uint8Array, rarely: () => boolean): number[] {
  const head: number[] = Array.from({ length: protocol === 6 ? 20 : 8 }, () => random.below(256));
  if (protocol === 6) {
    const options = random.pick([0, 0, 12, 40]);
    head[12] = (rarely() ? random.below(16) : 5 + options / 4) << 4;
    for (let n = 0; n < options; n++) head.push(random.below(256));
  }
  return [...head, ...body];
}

function extensions(random: Numbers, last: number, rarely: () => boolean): { bytes: number[]; first: number } {
  let next = last;
  let bytes: number[] = [];
  for (let count = random.pick([0, 0, 0, 1, 2, 7]); count > 0; count--) {
    const kind = random.pick([0, 43, 60, 44, 51]);
    const size = kind === 44 ? 8 : kind === 51 ? 12 + 4 * random.below(3) : 8 * (1 + random.below(3));
    const header = Array.from({ length: size }, () => random.below(256));
    header[0] = next;
    header[1] = rarely() ? random.below(256) : kind === 51 ? size / 4 - 2 : size / 8 - 1;
    if (kind === 44) {
      header[2] = 0;
      header[3] = rarely() ? random.below(256) : random.pick([0, 0, 1]);
    }
    bytes = [...header, ...bytes];
    next = kind;
  }
  return { bytes, first: next };
}
