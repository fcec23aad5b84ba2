// SPDX-License-Identifier: Apache-2.0
// Names of addresses, wherever they come from: the one interface for looking them up. Addresses are guest-virtual, 32 bits.

/** What a symbol stands for, as far as its source tells. */
export type SymbolKind = 'function' | 'object' | 'other';

export interface GuestSymbol {
  readonly name: string;
  /** With bit 0 clear: `thumb` has it. */
  readonly address: number;
  /** Bytes; undefined where the source has no sizes, and the symbol reaches to the next one. */
  readonly size: number | undefined;
  readonly kind: SymbolKind;
  readonly global: boolean;
  /** A T32 function; undefined where the source does not tell. */
  readonly thumb: boolean | undefined;
}

export interface SymbolPlace {
  readonly symbol: GuestSymbol;
  /** Bytes behind its beginning. */
  readonly offset: number;
}

/** What the last symbol is taken to have if it tells no size: all others end where the next one begins. */
const LAST_SIZE = 4096;

/** Of symbols at one address the first of these is the one that is shown. */
function preference({ kind, global, name }: GuestSymbol): number {
  return (kind === 'other' ? 4 : 0) + (global ? 0 : 2) + (name.startsWith('_') ? 1 : 0);
}

export class SymbolTable {
  /** By address; of several at one address the preferred one first. */
  readonly symbols: readonly GuestSymbol[];
  readonly #byName: ReadonlyMap<string, readonly GuestSymbol[]>;
  /** For each place in `symbols` the furthest end of a symbol with a size up to there, so that a search backwards can stop. */
  readonly #reach: Float64Array;

  constructor(symbols: Iterable<GuestSymbol>) {
    this.symbols = [...symbols].sort((a, b) => a.address - b.address || preference(a) - preference(b));
    const byName = new Map<string, GuestSymbol[]>();
    this.#reach = new Float64Array(this.symbols.length);
    let reach = 0;
    for (const [at, symbol] of this.symbols.entries()) {
      const known = byName.get(symbol.name);
      if (known === undefined) byName.set(symbol.name, [symbol]);
      else known.push(symbol);
      reach = Math.max(reach, symbol.address + (symbol.size ?? 0));
      this.#reach[at] = reach;
    }
    this.#byName = byName;
  }

  get size(): number {
    return this.symbols.length;
  }

  /** Place of the last symbol at or below `address`, or -1. */
  #last(address: number): number {
    let low = 0;
    let high = this.symbols.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.symbols[middle]!.address <= address) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /**
   * The symbol that an address lies in: the innermost whose size covers it, or the nearest below if that has no size.
   * Undefined between symbols that all have sizes, below the first, and far behind the last.
   */
  nearest(address: number): SymbolPlace | undefined {
    const last = this.#last(address);
    for (let at = last; at >= 0;) {
      const here = this.symbols[at]!.address;
      // The first of those at one address is the preferred one.
      let first = at;
      while (first > 0 && this.symbols[first - 1]!.address === here) first--;
      for (let n = first; n <= at; n++) {
        const symbol = this.symbols[n]!;
        const size = symbol.size ?? 0;
        // Without a size it ends where the next one begins.
        const reaches = size === 0 && at === last && (at + 1 < this.symbols.length || address < here + LAST_SIZE);
        if (address < here + size || reaches) return { symbol, offset: address - here };
      }
      at = first - 1;
      if (at >= 0 && this.#reach[at]! <= address) return undefined;
    }
    return undefined;
  }

  /** All symbols of this name, by address. */
  named(name: string): readonly GuestSymbol[] {
    return this.#byName.get(name) ?? [];
  }

  /** Address of the first symbol of this name. */
  address(name: string): number | undefined {
    return this.#byName.get(name)?.[0]?.address;
  }

  /** Symbols whose names match a pattern in which `*` stands for any characters and `?` for one, by address. */
  matching(glob: string): readonly GuestSymbol[] {
    return this.symbols.filter(({ name }) => matchesGlob(name, glob));
  }

  /** End of a symbol: by its size, else where the next one begins. */
  end(symbol: GuestSymbol): number {
    if (symbol.size !== undefined && symbol.size > 0) return symbol.address + symbol.size;
    return this.symbols[this.#last(symbol.address) + 1]?.address ?? symbol.address;
  }

  /** `name+0x12`, or undefined where no symbol is. */
  describe(address: number): string | undefined {
    const place = this.nearest(address);
    if (place === undefined) return undefined;
    return place.offset === 0 ? place.symbol.name : `${place.symbol.name}+0x${place.offset.toString(16)}`;
  }
}

/** Goes back to the last `*` only, so a hostile pattern takes at most the product of the two lengths. */
export function matchesGlob(text: string, glob: string): boolean {
  let t = 0;
  let g = 0;
  let star = -1;
  let from = 0;
  while (t < text.length) {
    if (glob[g] === '*') {
      star = g++;
      from = t;
    } else if (g < glob.length && (glob[g] === '?' || glob[g] === text[t])) {
      g++;
      t++;
    } else if (star >= 0) {
      g = star + 1;
      t = ++from;
    } else return false;
  }
  while (glob[g] === '*') g++;
  return g === glob.length;
}
