// SPDX-License-Identifier: Apache-2.0
// The smallest ELF executable (System V ABI chapters 4 and 5): a file header, one program header, one segment. For
// examples that bring their own machine code; anything larger comes from a linker.

const HEADER = 52;
const PROGRAM_HEADER = 32;
const EM_ARM = 40;
const READ_WRITE_EXECUTE = 7;

/** `words` are A32 instructions, started at the first one at `address`; `text` lies behind them. */
export function writeElf(words: readonly number[], text: string = '', address: number = 0x4000_0000): Uint8Array {
  const start = HEADER + PROGRAM_HEADER;
  const size = words.length * 4 + text.length;
  const file = new Uint8Array(start + size);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]); // ELF, 32 bits, little-endian, version 1
  const halfwords: readonly (readonly [number, number])[] = [
    [16, 2], // an executable
    [18, EM_ARM],
    [40, HEADER],
    [42, PROGRAM_HEADER],
    [44, 1], // program headers
  ];
  for (const [at, value] of halfwords) view.setUint16(at, value, true);
  view.setUint32(20, 1, true); // version
  view.setUint32(24, address, true); // entry
  view.setUint32(28, HEADER, true); // where the program header lies
  const segment = [1, start, address, address, size, size, READ_WRITE_EXECUTE, 4]; // PT_LOAD
  for (const [n, value] of segment.entries()) view.setUint32(HEADER + n * 4, value, true);
  for (const [n, word] of words.entries()) view.setUint32(start + n * 4, word, true);
  for (let n = 0; n < text.length; n++) file[start + words.length * 4 + n] = text.charCodeAt(n);
  return file;
}
