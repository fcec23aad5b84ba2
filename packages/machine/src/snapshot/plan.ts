// SPDX-License-Identifier: Apache-2.0
// What was loaded as saved bytes, so that a guest which resets its machine starts again as it first did. The bytes of all
// segments follow each other in sections of 4 MiB.

import { type Section, type Sections, StateWriter } from '@plinth/core';
import { checkPlacement, type LoadPlan, type RamRange } from '../loaders/plan.js';

const VERSION = 1;
const PIECE = 4 * 1024 * 1024;

export function savePlan(plan: LoadPlan | undefined): Section[] {
  const writer = new StateWriter();
  writer.bool(plan !== undefined);
  if (plan === undefined) return [{ tag: 'plan', version: VERSION, payload: writer.take() }];
  writer.u32(plan.entry >>> 0);
  writer.bool(plan.thumb);
  for (const value of [plan.registers.r0, plan.registers.r1, plan.registers.r2]) writer.u32(value >>> 0);
  writer.list(plan.segments, ({ address, bytes }) => {
    writer.u32(address >>> 0);
    writer.u32(bytes.length);
  });
  const sections: Section[] = [{ tag: 'plan', version: VERSION, payload: writer.take() }];
  const total = plan.segments.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const all = new Uint8Array(total);
  let at = 0;
  for (const { bytes } of plan.segments) {
    all.set(bytes, at);
    at += bytes.length;
  }
  for (let start = 0, n = 0; start < total; start += PIECE, n++) {
    sections.push({ tag: `plan.${n}`, version: VERSION, payload: all.subarray(start, start + PIECE) });
  }
  return sections;
}

export function restorePlan(sections: Sections, ram: RamRange): LoadPlan | undefined {
  const reader = sections.take('plan', VERSION);
  if (!reader.bool()) {
    reader.end();
    return undefined;
  }
  const entry = reader.u32();
  const thumb = reader.bool();
  const registers = { r0: reader.u32(), r1: reader.u32(), r2: reader.u32() };
  const places = reader.list(() => ({ address: reader.u32(), size: reader.u32() }));
  reader.end();
  checkPlacement('the loaded segments', places, ram);
  const all = new Uint8Array(places.reduce((sum, { size }) => sum + size, 0));
  for (let start = 0, n = 0; start < all.length; start += PIECE, n++) {
    const piece = sections.take(`plan.${n}`, VERSION);
    all.set(piece.raw(Math.min(PIECE, all.length - start)), start);
    piece.end();
  }
  let at = 0;
  const segments = places.map(({ address, size }) => {
    const bytes = all.subarray(at, at + size);
    at += size;
    return { address, bytes };
  });
  return { segments, entry, thumb, registers };
}
