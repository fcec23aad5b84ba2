// SPDX-License-Identifier: Apache-2.0
// Things that stand on ranges of addresses, found by the addresses that are touched. However many there are, a look takes the
// logarithm of their number and what it finds: an interval tree that lies in a sorted list, the root of each part in its
// middle. The list is made anew at the first look after a change.

export interface Standing<Item> {
  readonly item: Item;
  readonly first: number;
  readonly last: number;
  /** False once it has ended: who goes through a list that was found before leaves it out. */
  stands: boolean;
}

interface Entry<Item> extends Standing<Item> {
  /** Its place in the order of coming. */
  readonly order: number;
  /** The largest `last` in the part of the list whose middle this is. */
  reach: number;
}

const NONE: readonly never[] = [];

export class RangeIndex<Item> {
  readonly #entries = new Set<Entry<Item>>();
  #sorted: Entry<Item>[] | undefined;
  #order = 0;

  get size(): number {
    return this.#entries.size;
  }

  /** Returns the function that ends it: true if it stood. */
  add(first: number, last: number, item: Item): () => boolean {
    const entry: Entry<Item> = { item, first, last, stands: true, order: this.#order++, reach: last };
    this.#entries.add(entry);
    this.#sorted = undefined;
    return () => {
      entry.stands = false;
      this.#sorted = undefined;
      return this.#entries.delete(entry);
    };
  }

  /** Those that reach into [first, last], in the order in which they came. The list does not change with what comes later. */
  touching(first: number, last: number): readonly Standing<Item>[] {
    if (this.#entries.size === 0) return NONE;
    const sorted = (this.#sorted ??= this.#sort());
    const found: Entry<Item>[] = [];
    collect(sorted, 0, sorted.length, first, last, found);
    return found.length > 1 ? found.sort((one, other) => one.order - other.order) : found;
  }

  #sort(): Entry<Item>[] {
    const sorted = [...this.#entries].sort((one, other) => one.first - other.first);
    setReach(sorted, 0, sorted.length);
    return sorted;
  }
}

/** Sets `reach` in the part of the list from `low` up to `high`, and returns that of its middle. */
function setReach(sorted: readonly Entry<unknown>[], low: number, high: number): number {
  if (low >= high) return -1;
  const middle = (low + high) >>> 1;
  const entry = sorted[middle]!;
  entry.reach = Math.max(entry.last, setReach(sorted, low, middle), setReach(sorted, middle + 1, high));
  return entry.reach;
}

function collect<Item>(
  sorted: readonly Entry<Item>[],
  low: number,
  high: number,
  first: number,
  last: number,
  found: Entry<Item>[],
): void {
  if (low >= high) return;
  const middle = (low + high) >>> 1;
  const entry = sorted[middle]!;
  if (entry.reach < first) return;
  collect(sorted, low, middle, first, last, found);
  if (entry.first > last) return;
  if (entry.last >= first) found.push(entry);
  collect(sorted, middle + 1, high, first, last, found);
}
