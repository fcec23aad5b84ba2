// SPDX-License-Identifier: Apache-2.0
// RAM as saved bytes: one section for each 4 MiB, with a byte for each page that says whether it is zero, as the loader left
// it, or stored here. So a machine's untouched memory and its kernel's code take no room beyond what was loaded.

import type { Section, Sections, StateReader } from '@plinth/core';
import type { LoadPlan } from '../loaders/plan.js';
import type { PhysicalMemory } from '../memory/physical-memory.js';

const VERSION = 1;
const PAGE_SIZE = 4096;
const CHUNK_PAGES = 1024;

const ZERO = 0;
const STORED = 1;
const LOADED = 2;

function tagOf(chunk: number): string {
  return `ram.${chunk}`;
}

/** A page is what the loader would give, by number. Pages that it touches in part are zero elsewhere. */
function loadedPages(plan: LoadPlan | undefined, memory: PhysicalMemory): Map<number, Uint8Array> {
  const pages = new Map<number, Uint8Array>();
  for (const { address, bytes } of plan?.segments ?? []) {
    const start = address - memory.ramBase;
    for (let at = 0; at < bytes.length;) {
      const page = Math.floor((start + at) / PAGE_SIZE);
      const into = start + at - page * PAGE_SIZE;
      const part = bytes.subarray(at, at + PAGE_SIZE - into);
      if (part.length === PAGE_SIZE) pages.set(page, part);
      else {
        const whole = Uint8Array.from(pages.get(page) ?? new Uint8Array(PAGE_SIZE));
        whole.set(part, into);
        pages.set(page, whole);
      }
      at += part.length;
    }
  }
  return pages;
}

/** Copies of what is in RAM now. */
export function saveRam(memory: PhysicalMemory, plan: LoadPlan | undefined): Section[] {
  const loaded = loadedPages(plan, memory);
  const { ram } = memory;
  const words = new Int32Array(ram.buffer, ram.byteOffset, ram.length / 4);
  const pages = ram.length / PAGE_SIZE;
  const sections: Section[] = [];
  for (let first = 0; first < pages; first += CHUNK_PAGES) {
    const count = Math.min(CHUNK_PAGES, pages - first);
    const kinds = new Uint8Array(count);
    let stored = 0;
    for (let i = 0; i < count; i++) {
      kinds[i] = kindOf(ram, words, first + i, loaded.get(first + i));
      if (kinds[i] === STORED) stored++;
    }
    const payload = new Uint8Array(count + stored * PAGE_SIZE);
    payload.set(kinds);
    let at = count;
    for (let i = 0; i < count; i++) {
      if (kinds[i] !== STORED) continue;
      const start = (first + i) * PAGE_SIZE;
      payload.set(ram.subarray(start, start + PAGE_SIZE), at);
      at += PAGE_SIZE;
    }
    sections.push({ tag: tagOf(first / CHUNK_PAGES), version: VERSION, payload });
  }
  return sections;
}

function kindOf(ram: Uint8Array, words: Int32Array, page: number, loaded: Uint8Array | undefined): number {
  const first = (page * PAGE_SIZE) / 4;
  const end = first + PAGE_SIZE / 4;
  let word = first;
  while (word < end && words[word] === 0) word++;
  if (word === end) return ZERO;
  if (loaded === undefined) return STORED;
  const start = page * PAGE_SIZE;
  for (let i = 0; i < PAGE_SIZE; i++) if (ram[start + i] !== loaded[i]) return STORED;
  return LOADED;
}

/**
 * Makes RAM what was saved; decoded instructions of pages that change are forgotten. In `untouched` RAM the pages that are
 * zero stay so, and cost nothing.
 */
export function restoreRam(
  memory: PhysicalMemory,
  plan: LoadPlan | undefined,
  sections: Sections,
  untouched: boolean,
): void {
  const loaded = loadedPages(plan, memory);
  const pages = memory.ram.length / PAGE_SIZE;
  for (let first = 0; first < pages; first += CHUNK_PAGES) {
    const reader: StateReader = sections.take(tagOf(first / CHUNK_PAGES), VERSION);
    const kinds = reader.raw(Math.min(CHUNK_PAGES, pages - first));
    kinds.forEach((kind, i) => {
      reader.check(kind <= LOADED, `${kind} is no kind of page`);
      if (kind === ZERO && untouched) return;
      const page = first + i;
      const bytes = kind === STORED ? reader.raw(PAGE_SIZE) : kind === LOADED ? loaded.get(page) : undefined;
      reader.check(kind !== LOADED || bytes !== undefined, 'a page that was never loaded');
      memory.replacePage(page, bytes);
    });
    reader.end();
  }
}
