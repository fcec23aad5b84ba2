// SPDX-License-Identifier: Apache-2.0
// Bytes that every match of an expression has in it, one behind the other: by them a packet is found in which the expression is
// worth trying.

import type { Pattern } from '../pattern.js';
import { foldByte, otherCase } from '../pattern.js';
import type { RegexNode } from './parse-regex.js';

/** Repetitions that are written out. */
const MOST_WRITTEN = 64;

/** A row of bytes; one that is a letter of either case has `nocase`. */
interface Run {
  readonly bytes: readonly number[];
  readonly nocase: boolean;
}

interface Found {
  /** All of what the node matches is this. */
  readonly exact: Run | undefined;
  /** The longest that each of its matches has. */
  readonly best: Run;
}

const NONE: Run = { bytes: [], nocase: false };
/** Something that may be anything. */
const UNKNOWN: Found = { exact: undefined, best: NONE };

/** The longest; undefined if there is none. */
export function requiredLiteral(node: RegexNode): Pattern | undefined {
  const { exact, best } = find(node);
  const { bytes, nocase } = exact === undefined ? best : longer(exact, best);
  return bytes.length === 0 ? undefined : { bytes: Uint8Array.from(bytes), nocase };
}

function find(node: RegexNode): Found {
  switch (node.kind) {
    case 'assert':
      return { exact: NONE, best: NONE };
    case 'set': {
      const bytes = node.set.bytes();
      if (bytes.length === 1) return exactly({ bytes, nocase: false });
      const [upper, lower] = bytes;
      if (bytes.length !== 2 || otherCase(upper!) !== lower) return UNKNOWN;
      return exactly({ bytes: [foldByte(upper!)], nocase: true });
    }
    case 'sequence':
      return sequence(node.parts.map((part) => find(part)));
    case 'choice':
      return UNKNOWN;
    case 'repeat': {
      if (node.least === 0) return UNKNOWN;
      const of = find(node.of);
      const times = Array.from({ length: Math.min(node.least, MOST_WRITTEN) }, () => of);
      const written = sequence(times);
      return node.most === times.length ? written : { exact: undefined, best: whole(written) };
    }
  }
}

function exactly(run: Run): Found {
  return { exact: run, best: run };
}

function whole({ exact, best }: Found): Run {
  return exact === undefined ? best : longer(exact, best);
}

function longer(a: Run, b: Run): Run {
  return b.bytes.length > a.bytes.length ? b : a;
}

function sequence(parts: readonly Found[]): Found {
  let best = NONE;
  let run = NONE;
  let allExact = true;
  for (const { exact, best: inside } of parts) {
    if (exact === undefined) {
      allExact = false;
      best = longer(longer(best, run), inside);
      run = NONE;
    } else run = { bytes: [...run.bytes, ...exact.bytes], nocase: run.nocase || exact.nocase };
  }
  best = longer(best, run);
  return { exact: allExact ? run : undefined, best };
}
