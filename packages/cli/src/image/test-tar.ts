// SPDX-License-Identifier: Apache-2.0
// For tests: archives member by member, in the plain ustar form or with extensions given as they are.

export interface TestMember {
  readonly path: string;
  readonly type?: string;
  readonly data?: Uint8Array | string;
  readonly target?: string;
  readonly mode?: number;
  readonly uid?: number;
}

export function testTar(...members: readonly TestMember[]): Buffer {
  return Buffer.concat([...members.map(testMember), Buffer.alloc(1024)]);
}

function testMember({ path, type = '0', data = '', target = '', mode = 0o644, uid = 0 }: TestMember): Buffer {
  const body = Buffer.from(data);
  const header = Buffer.alloc(512);
  header.write(path, 0);
  header.write(`${mode.toString(8).padStart(7, '0')}\0${uid.toString(8).padStart(7, '0')}\x000000000\0`, 100);
  header.write(`${body.length.toString(8).padStart(11, '0')}\x0000000001750\0`, 124);
  header.write(`        ${type}${target}`, 148);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, body, Buffer.alloc(-body.length & 511)]);
}
