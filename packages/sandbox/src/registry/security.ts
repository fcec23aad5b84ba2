// SPDX-License-Identifier: Apache-2.0
// The security descriptor of keys whose source keeps none (texts do not): [MS-DTYP] 2.4.6, self-relative. System and administrators
// have all rights, everybody may read.

const KEY_ALL_ACCESS = 0x000f_003f;
const KEY_READ = 0x0002_0019;
const CONTAINER_INHERIT = 2;

const SYSTEM = sid(5, 18);
const ADMINISTRATORS = sid(5, 32, 544);
const EVERYONE = sid(1, 0);

export function defaultSecurity(): Uint8Array {
  const entries = [
    accessAllowed(KEY_ALL_ACCESS, SYSTEM),
    accessAllowed(KEY_ALL_ACCESS, ADMINISTRATORS),
    accessAllowed(KEY_READ, EVERYONE),
  ];
  const aclSize = 8 + entries.flat().length;
  const acl = [2, 0, aclSize, 0, entries.length, 0, 0, 0, ...entries.flat()];
  const header = 20;
  const owner = header + acl.length;
  const group = owner + ADMINISTRATORS.length;
  // Revision, control (self-relative, with a DACL), then owner, group, SACL, DACL.
  const control = 0x8004;
  return Uint8Array.from([
    ...word(1 | (control << 16)),
    ...word(owner),
    ...word(group),
    ...word(0),
    ...word(header),
    ...acl,
    ...ADMINISTRATORS,
    ...SYSTEM,
  ]);
}

function sid(authority: number, ...parts: readonly number[]): readonly number[] {
  return [1, parts.length, 0, 0, 0, 0, 0, authority, ...parts.flatMap(word)];
}

function accessAllowed(mask: number, who: readonly number[]): readonly number[] {
  return [0, CONTAINER_INHERIT, 8 + who.length, 0, ...word(mask), ...who];
}

function word(value: number): readonly number[] {
  return [value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, value >>> 24];
}
