// SPDX-License-Identifier: Apache-2.0
// An executable file of two segments, code and data, that needs no library and no loader (ELF-64 specification; System V ABI for
// x86-64, section 3 and 4).

const PAGE = 4096;
const HEADER = 64;
const PROGRAM_HEADER = 56;
const HEADERS = 3;
const MACHINE_X64 = 62;
const TYPE_EXECUTABLE = 2;
const [LOAD, STACK] = [1, 0x6474_e551];
const [EXECUTE, WRITE, READ] = [1, 2, 4];

/** Where code and data lie in memory. */
export const CODE_BASE = 0x40_0000;
export const DATA_BASE = 0x1000_0000;

/** `data` is followed by so many bytes of zero as `size` has more than it. */
export function staticExecutable(code: Uint8Array, data: Uint8Array, size: number): Uint8Array {
  const codeAt = HEADER + HEADERS * PROGRAM_HEADER;
  const dataAt = Math.ceil((codeAt + code.length) / PAGE) * PAGE;
  const bytes = new Uint8Array(dataAt + data.length);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, TYPE_EXECUTABLE, true);
  view.setUint16(18, MACHINE_X64, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, BigInt(CODE_BASE + codeAt), true);
  view.setBigUint64(32, BigInt(HEADER), true);
  view.setUint16(52, HEADER, true);
  view.setUint16(54, PROGRAM_HEADER, true);
  view.setUint16(56, HEADERS, true);
  const header = (n: number, type: number, flags: number, fields: readonly number[]): void => {
    const at = HEADER + n * PROGRAM_HEADER;
    view.setUint32(at, type, true);
    view.setUint32(at + 4, flags, true);
    fields.forEach((field, word) => view.setBigUint64(at + 8 + 8 * word, BigInt(field), true));
  };
  // Offset, virtual and physical address, size in the file and in memory, alignment.
  const end = codeAt + code.length;
  header(0, LOAD, READ | EXECUTE, [0, CODE_BASE, CODE_BASE, end, end, PAGE]);
  header(1, LOAD, READ | WRITE, [dataAt, DATA_BASE, DATA_BASE, data.length, Math.max(data.length, size), PAGE]);
  header(2, STACK, READ | WRITE, [0, 0, 0, 0, 0, 16]);
  bytes.set(code, codeAt);
  bytes.set(data, dataAt);
  return bytes;
}
