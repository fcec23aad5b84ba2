// SPDX-License-Identifier: Apache-2.0
// The symbols and unwind tables of a Linux kernel that lies in memory, as a file for GDB.

import { type PlacedBytes, symbolElf } from '../export/symbol-elf.js';
import { referredTables, UnwindTable } from '../symbols/arm-unwind.js';
import type { LinuxGuest } from './linux-guest.js';

export function kernelSymbolElf({ symbols, kernel: { image } }: LinuxGuest): Uint8Array {
  const first = symbols.symbols[0]!.address;
  const place = UnwindTable.locate(image, first, first, symbols.symbols.at(-1)!.address);
  const placed = (part: { readonly at: number; readonly length: number }): PlacedBytes => ({
    address: first + part.at,
    bytes: image.slice(part.at, part.at + part.length),
  });
  const tables = place === undefined ? undefined : referredTables(image, place);
  return symbolElf({
    symbols,
    ...(place === undefined ? {} : { index: placed(place) }),
    ...(tables === undefined ? {} : { tables: placed(tables) }),
  });
}
