// SPDX-License-Identifier: Apache-2.0
// System.map and /proc/kallsyms: a line for each symbol, `address type name`, as nm writes them; /proc/kallsyms has the
// name of a module in brackets behind, and zeros as addresses for whoever may not see them.

import { PlinthError } from '@plinth/core';
import { kindOfType } from './kallsyms.js';
import { type GuestSymbol, SymbolTable } from './symbol-table.js';

const LINE = /^([0-9a-fA-F]{8}|[0-9a-fA-F]{16}) (.) (\S+)(?:\s+\[[^\]]*\])?$/;
/** ARM kernels have mapping symbols in System.map. */
const MAPPING = /^\$[atd](\.|$)/;

/**
 * Reads the text of a System.map; `what` names it in messages.
 *
 * @throws PlinthError for a line of another form, with its number, and for a file without one symbol
 */
export function readSystemMap(text: string, what: string): SymbolTable {
  const symbols: GuestSymbol[] = [];
  for (const [n, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const match = LINE.exec(line.trimEnd());
    if (match === null) {
      const shown = JSON.stringify(line.slice(0, 60));
      throw new PlinthError('input', 'system-map', `${what}: line ${n + 1} is no "address type name": ${shown}`);
    }
    const [, digits, type, name] = match as unknown as [string, string, string, string];
    const address = Number.parseInt(digits, 16);
    // Debian has a line in place of the file, which says where it is: its address is no address.
    if (MAPPING.test(name) || address > 0xffff_ffff) continue;
    const global = type !== type.toLowerCase();
    symbols.push({ name, address, size: undefined, kind: kindOfType(type), global, thumb: undefined });
  }
  if (symbols.every(({ address }) => address === 0)) {
    const how = 'take the one that belongs to the kernel, or read /proc/kallsyms as root';
    throw new PlinthError('input', 'system-map', `${what}: no symbol with an address of 32 bits: ${how}`);
  }
  return new SymbolTable(symbols);
}
